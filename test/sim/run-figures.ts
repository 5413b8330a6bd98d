// A run that measures: nothing fails but datagrams, now and then an agent (for how soon it is noticed) and the leader (for how soon there is another).

import type { SimCluster } from "./cluster.ts";
import type { Laws } from "./laws.ts";
import type { Measured } from "./measures.ts";
import type { SimOptions } from "./options.ts";
import { buildStage } from "./stage.ts";

export interface FiguresRun extends Measured {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly virtualMs: number;
  readonly workerHours: number;
}

const settles = 5_000;
const failsEvery = 20_000;
/** Also after a leader that was killed is there again, and a worker is well again. */
const phase = 10_000;

export function runFigures(options: SimOptions): FiguresRun {
  const { world, cluster, laws } = buildStage(options);
  const end = settles + options.seconds * 1000;
  for (let at = settles; at < end - failsEvery; at += failsEvery) {
    world.at(at, () => {
      freezeAgent(cluster, laws);
    });
    world.at(at + phase, () => {
      killLeader(cluster, laws);
    });
  }
  world.runUntil(end);
  return {
    seed: options.seed,
    violation: laws.violations[0],
    virtualMs: world.now,
    workerHours: (world.now * options.workers) / 3_600_000,
    ...laws.measures.result(failsEvery),
  };
}

/** Nobody tells of it: only its silence does. */
function freezeAgent(cluster: SimCluster, laws: Laws): void {
  const { workers, world, agents } = cluster;
  const worker = workers[world.random.below(workers.length)];
  const agent = worker?.agent;
  if (worker === undefined || agent === undefined || !cluster.isWell(worker)) return;
  agents.get(agent)?.freeze(60_000);
  laws.measures.onFailure(world.now, worker.id);
}

function killLeader(cluster: SimCluster, laws: Laws): void {
  const leader = cluster.coordinators.find(({ id }) => id === laws.leaseHolder);
  if (leader?.process?.alive !== true) return;
  leader.process.kill();
  cluster.restartSoon(leader, 2_000);
}
