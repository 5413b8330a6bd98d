// Who condemns the living when packets are lost? heartmesh, serf and Redis Sentinel at the same rates, at the same time, each in a namespace of its own.

import { Loss } from "../lab/loss.ts";
import { LossyMesh } from "../lab/lossy-mesh.ts";
import { SentinelTrio } from "./sentinel.ts";
import { SerfCluster } from "./serf.ts";
import { summarize, type BenchResult } from "./report.ts";

const percents = [10, 20, 30];

/** All watch as many: workers, members, masters. */
interface Systems {
  readonly mesh: LossyMesh;
  readonly serf: SerfCluster;
  readonly sentinel: SentinelTrio;
}

/** Samples of one rate, one of each round. */
interface Samples {
  readonly lost: number[];
  readonly mesh: number[];
  readonly serf: number[];
  readonly sentinel: number[];
  readonly sentinelAlone: number[];
}

export async function benchLoss(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const size = options.short ? 6 : 20;
  const rounds = options.short ? 1 : 3;
  const forMs = options.short ? 3_000 : 30_000;
  const stops: (() => Promise<void>)[] = [];
  const started = async <One extends { stop(): Promise<void> }>(
    one: Promise<One>,
  ): Promise<One> => {
    const made = await one;
    stops.push(() => made.stop());
    return made;
  };
  try {
    const mesh = await started(LossyMesh.start(size));
    const serf = await started(SerfCluster.start(size));
    const sentinel = await started(SentinelTrio.start(size));
    const systems = { mesh, serf, sentinel };
    const samples = percents.map((): Samples => ({
      lost: [],
      mesh: [],
      serf: [],
      sentinel: [],
      sentinelAlone: [],
    }));
    for (let round = 0; round < rounds; round++) {
      for (const [at, percent] of percents.entries()) {
        const own = samples[at];
        if (own !== undefined) await measure(systems, percent / 100, forMs, own);
      }
    }
    return percents.flatMap((percent, at) => resultsOf(percent, samples[at]));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function resultsOf(percent: number, samples: Samples | undefined): BenchResult[] {
  if (samples === undefined) return [];
  return [
    summarize(`lost-${percent}`, samples.lost, "%"),
    summarize(`heartmesh-false-${percent}`, samples.mesh, "verdicts", { of: "max", atMost: 0 }),
    summarize(`serf-false-${percent}`, samples.serf, "verdicts"),
    summarize(`sentinel-false-${percent}`, samples.sentinel, "verdicts"),
    summarize(`sentinel-alone-false-${percent}`, samples.sentinelAlone, "verdicts"),
  ];
}

/** One round at one rate: what each system concluded of those who all lived. */
async function measure(
  { mesh, serf, sentinel }: Systems,
  probability: number,
  forMs: number,
  samples: Samples,
): Promise<void> {
  const losses: Loss[] = [];
  try {
    losses.push(...Object.values(await mesh.lose(probability)));
    for (const { namespace } of [serf, sentinel]) {
      losses.push(await Loss.begin([{ namespace, packets: ["-i lo"] }], probability));
    }
    const before = { serf: serf.failures(), sentinel: sentinel.verdicts() };
    const { verdicts } = await mesh.conclusions(forMs);
    samples.mesh.push(verdicts.length);
    samples.serf.push(Math.max(...differences(serf.failures(), before.serf)));
    const after = sentinel.verdicts();
    samples.sentinel.push(Math.max(...differences(after.byQuorum, before.sentinel.byQuorum)));
    const alone = differences(after.alone, before.sentinel.alone);
    samples.sentinelAlone.push(alone.reduce((sum, one) => sum + one, 0));
    for (const loss of losses) {
      const { seen, dropped } = await loss.lost();
      samples.lost.push((100 * dropped) / seen);
    }
  } finally {
    for (const loss of losses) await loss.lift();
  }
  await Promise.all([serf.settled(), sentinel.settled()]);
}

const differences = (after: readonly number[], before: readonly number[]): number[] =>
  after.map((count, at) => count - (before[at] ?? 0));
