// A run that measures: nothing fails but datagrams, now and then an agent (for how soon it is noticed) and the leader (for how soon there is another).

import { SimCluster, type SimWorker } from "./cluster.ts";
import { Laws } from "./laws.ts";
import { setOnlooker } from "./onlooker.ts";
import type { SimOptions } from "./options.ts";
import { World } from "./world.ts";

export interface FiguresRun {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly virtualMs: number;
  readonly workerHours: number;
  /** A quorum said `silent` of a worker that was well. */
  readonly falseVerdicts: number;
  /** From an agent's freeze to the leader's verdict, ms. */
  readonly detections: readonly number[];
  /** From a leader's kill to the next lease, ms. */
  readonly failovers: readonly number[];
}

const settles = 5_000;
const failsEvery = 20_000;
/** Also after a leader that was killed is there again, and a worker is well again. */
const phase = 10_000;

export function runFigures(options: SimOptions): FiguresRun {
  const world = new World(options.seed);
  const cluster = new SimCluster(world, options);
  const laws = new Laws(cluster);
  setOnlooker(laws);
  const measured = new Measured(cluster, laws);
  const end = settles + options.seconds * 1000;
  const look = (): void => {
    laws.look();
    for (const text of cluster.fatal) laws.must(false, text);
    world.after(100, look);
  };
  world.after(0, look);
  for (let at = settles; at < end - failsEvery; at += failsEvery) {
    world.at(at, () => {
      measured.freezeAgent();
    });
    world.at(at + phase, () => {
      measured.killLeader();
    });
  }
  world.runUntil(end);
  return {
    seed: options.seed,
    violation: laws.violations[0],
    virtualMs: world.now,
    workerHours: (world.now * options.workers) / 3_600_000,
    falseVerdicts: measured.falseVerdicts(),
    detections: measured.detections(),
    failovers: measured.failovers(),
  };
}

class Measured {
  readonly #cluster: SimCluster;
  readonly #laws: Laws;
  readonly #frozen: { readonly worker: SimWorker; readonly at: number }[] = [];
  readonly #killed: { readonly at: number; readonly id: string }[] = [];

  constructor(cluster: SimCluster, laws: Laws) {
    this.#cluster = cluster;
    this.#laws = laws;
  }

  /** Nobody tells of it: only its silence does. */
  freezeAgent(): void {
    const { workers, world, agents } = this.#cluster;
    const worker = workers[world.random.below(workers.length)];
    const agent = worker?.agent;
    if (worker === undefined || agent === undefined || !this.#cluster.isWell(worker)) return;
    agents.get(agent)?.freeze(60_000);
    this.#frozen.push({ worker, at: world.now });
  }

  killLeader(): void {
    const { coordinators, world } = this.#cluster;
    const leader = coordinators.find(({ id }) => id === this.#laws.leaseHolder);
    if (leader?.process?.alive !== true) return;
    leader.process.kill();
    this.#killed.push({ at: world.now, id: leader.id });
    this.#cluster.restartSoon(leader, 2_000);
  }

  detections(): readonly number[] {
    return this.#frozen.flatMap(({ worker, at }) => {
      const first = this.#laws.verdicts.find(
        (one) => one.worker === worker.id && one.kind === "silent" && one.at > at,
      );
      return first === undefined ? [] : [first.at - at];
    });
  }

  failovers(): readonly number[] {
    return this.#killed.flatMap(({ at, id }) => {
      const next = this.#laws.leases.find((one) => one.at > at && one.by !== id);
      return next === undefined ? [] : [next.at - at];
    });
  }

  falseVerdicts(): number {
    return this.#laws.verdicts.filter(
      ({ kind, worker, at }) =>
        kind === "silent" &&
        !this.#frozen.some(
          (one) => one.worker.id === worker && at > one.at && at < one.at + failsEvery,
        ),
    ).length;
  }
}
