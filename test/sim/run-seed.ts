// One run: some virtual time under faults, in which nothing forbidden may happen; then everything is healed, and all must be well in time.

import type { SimCluster, SimWorker } from "./cluster.ts";
import { Faults, type PlannedFault } from "./faults.ts";
import type { Laws } from "./laws.ts";
import type { Measured } from "./measures.ts";
import type { SimOptions } from "./options.ts";
import { buildStage } from "./stage.ts";
import type { World } from "./world.ts";
import { Random } from "../../proto/random.ts";
import { instant } from "../../proto/units.ts";

export interface RunResult {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly hash: string;
  readonly virtualMs: number;
  readonly workerHours: number;
  readonly healthyTouched: number;
  /** Recoveries that people were told the begin of, and not the end. */
  readonly unended: number;
  readonly measured: Measured;
  readonly lines: readonly string[];
  readonly faults: readonly PlannedFault[];
}

/** What is noticed later was noticed for another reason. */
const noticedWithin = 30_000;
/** All remember the same once nothing happens any more, and the last page of their records has gone round. */
const agreedWithin = 30_000;
/** Before the first fault: everything starts, and a leader is elected. */
const settles = 4_000;
/** After healing a leader must be there within 3 × LEADER_TIMEOUT, beside what a start takes. */
const leaderWithin = 3 * 750 + 6_000;
/** A recovery under way ends, and the brake's window passes. */
const quietWithin = 60_000;
/** A failed worker runs again, or is in quarantine: detection, three tries with their backoff, each with its verification. */
const recoveredWithin = 150_000;
/** Under a tripped brake they come one at a time, each verified before the next, and its agent may be another: the few have room above. */
const recoveredEach = 12_000;
const few = 12;

export function planFaults(options: SimOptions): readonly PlannedFault[] {
  const random = new Random(options.seed ^ 0x5eed);
  const planned: PlannedFault[] = [];
  for (let at = settles; ;) {
    at += random.between(0.1, 1.9) * options.faultEvery;
    if (at > settles + options.seconds * 1000) return planned;
    const kind = options.faults[random.below(options.faults.length)];
    if (kind === undefined) return planned;
    planned.push({ at, kind, whom: random.float(), strength: random.float() });
  }
}

export function runSeed(options: SimOptions, planned = planFaults(options)): RunResult {
  const { world, cluster, laws } = buildStage(options);
  const faults = new Faults(cluster, laws);
  for (const fault of planned)
    world.at(fault.at, () => {
      faults.apply(fault);
    });
  let violation: string | undefined;
  try {
    world.runUntil(settles + options.seconds * 1000);
    if (!world.isStopped) heal(world, cluster, laws, faults);
  } catch (error) {
    violation = `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  return {
    seed: options.seed,
    violation: violation ?? laws.violations[0],
    hash: world.hash,
    virtualMs: world.now,
    workerHours: (world.now * options.workers) / 3_600_000,
    healthyTouched: laws.healthyTouched,
    unended: laws.stories.unended,
    measured: laws.measures.result(noticedWithin),
    lines: world.lastLines(400),
    faults: planned,
  };
}

function heal(world: World, cluster: SimCluster, laws: Laws, faults: Faults): void {
  world.tell("HEAL");
  faults.healAll();
  const begun = world.now;
  const { weather } = cluster.network;
  weather.loss = Math.min(weather.loss, 0.1);
  weather.bursts = 0;
  runUntil(world, begun + leaderWithin, () => leaderOf(cluster, laws) !== undefined);
  laws.must(
    leaderOf(cluster, laws) !== undefined,
    `nobody leads ${leaderWithin} ms after all was healed`,
  );
  const isFine = (worker: SimWorker): boolean =>
    cluster.isWell(worker) ||
    laws.leftBecause(worker).endsWith("stop policy is respect") ||
    quarantined(cluster, laws).has(worker.id);
  const within = recoveredWithin + recoveredEach * Math.max(0, cluster.workers.length - few);
  runUntil(world, begun + within, () => cluster.workers.every(isFine));
  for (const worker of cluster.workers) {
    const { state } = worker.container;
    laws.must(
      isFine(worker),
      `${worker.name} (${worker.arrangement}, ${state}) is neither well nor in quarantine ${within / 1000} s after all was healed`,
    );
  }
  const isQuiet = (): boolean => inFlight(cluster, laws).length === 0;
  runUntil(world, world.now + quietWithin, isQuiet);
  laws.must(isQuiet(), `recoveries never end: ${inFlight(cluster, laws).join(", ")}`);
  const from = world.now;
  runUntil(world, from + agreedWithin, () => laws.disagreement(from) === "");
  const disagreement = laws.disagreement(from);
  laws.must(disagreement === "", `they do not remember the same ${disagreement}`);
  laws.stories.checkStories();
}

function runUntil(world: World, limit: number, reached: () => boolean): void {
  while (!world.isStopped && world.now < limit && !reached())
    world.runUntil(Math.min(limit, world.now + 100));
}

function leaderOf(cluster: SimCluster, laws: Laws): string | undefined {
  return cluster.coordinators.find(({ process }) => {
    const loop = process?.loops[1];
    return (
      loop !== undefined && laws.coreOf(process)?.leaseUntil(instant(loop.now())) !== undefined
    );
  })?.id;
}

function quarantined(cluster: SimCluster, laws: Laws): ReadonlySet<string> {
  const leader = leaderOf(cluster, laws);
  const summary = leader === undefined ? undefined : laws.shownBy(leader);
  return new Set(
    summary?.workers.filter(({ quarantinedFor }) => quarantinedFor >= 0).map(({ id }) => id),
  );
}

/** By the picture of whoever leads, who alone looks after what is overdue; and a brake that is still on. */
function inFlight(cluster: SimCluster, laws: Laws): readonly string[] {
  const leader = leaderOf(cluster, laws);
  const shown = leader === undefined ? undefined : laws.shownBy(leader);
  const open = (shown?.workers ?? []).filter(
    ({ recovery }) => recovery !== undefined && recovery.stage !== "waiting",
  );
  const told = open.map(({ id, recovery }) => `${id} ${recovery?.stage ?? ""}`);
  return shown?.brake.tripped === true ? [...told, "the brake is on"] : told;
}
