// `npm run sim -- --figures`: false verdicts, detection and failover at the defaults, at several losses, independent and in bursts.

import { runFleet } from "./fleet.ts";
import type { SimOptions } from "./options.ts";
import {
  describeSpread,
  falseVerdictsOf,
  spreadOf,
  type FalseVerdicts,
  type Spread,
} from "./spread.ts";

interface Row {
  readonly name: string;
  readonly weather: Partial<SimOptions["weather"]>;
}

const calm = { loss: 0, repeated: 0, tail: 0, delay: 0.5, bursts: 0 } as const;
const rows: readonly Row[] = [
  { name: "no loss", weather: {} },
  ...[5, 10, 20, 30].map((percent) => ({
    name: `${percent} % loss`,
    weather: { loss: percent / 100 },
  })),
  ...[5, 10, 20, 30].map((percent) => ({
    name: `${percent} % of half seconds`,
    weather: { bursts: percent / 100 },
  })),
];
const workers = 20;

export interface Figures extends FalseVerdicts {
  readonly name: string;
  readonly detectionMs: Spread;
  readonly failoverMs: Spread;
}

/** @param minutes virtual, for each seed */
export async function measureFigures(
  seeds: number,
  minutes: number,
  onRow: (row: Figures) => void,
): Promise<{ readonly rows: readonly Figures[]; readonly violations: readonly number[] }> {
  const found: Figures[] = [];
  const violations: number[] = [];
  for (const { name, weather } of rows) {
    const sums = { workerHours: 0, falseVerdicts: 0 };
    const detections: number[] = [];
    const failovers: number[] = [];
    await runFleet({
      from: 1,
      count: seeds,
      kind: "figures",
      seconds: minutes * 60,
      mostWorkers: workers,
      within: Number.MAX_SAFE_INTEGER,
      isTold: false,
      override: {
        coordinators: 3,
        workers,
        hosts: 2,
        weather: { ...calm, ...weather },
        drift: 0.01,
        faults: [],
        arrangements: ["inside"],
        restartPolicies: false,
        env: { MAX_REVIVALS: "12", REVIVAL_WINDOW: "10" },
      },
      onLine: ({ figures }) => {
        if (figures === undefined) return;
        if (figures.violation !== undefined) violations.push(figures.seed);
        sums.workerHours += figures.workerHours;
        sums.falseVerdicts += figures.falseVerdicts;
        detections.push(...figures.detections);
        failovers.push(...figures.failovers);
      },
    });
    const row = {
      name,
      ...falseVerdictsOf(sums.falseVerdicts, sums.workerHours),
      detectionMs: spreadOf(detections),
      failoverMs: spreadOf(failovers),
    };
    found.push(row);
    onRow(row);
  }
  return { rows: found, violations };
}

export function describeFigures({
  name,
  workerHours,
  falseVerdicts,
  upperBound,
  detectionMs,
  failoverMs,
}: Figures): string {
  return [
    name.padEnd(22),
    `${falseVerdicts} false in ${workerHours.toFixed(0)} worker-hours, at most ${upperBound.toFixed(2)} in 1,000`,
    `detection ${describeSpread(detectionMs)}`,
    `failover ${describeSpread(failoverMs)}`,
  ].join(" · ");
}
