// One run: some virtual time under faults, in which nothing forbidden may happen; then everything is healed, and all must be well in time.

import { SimCluster, type SimWorker } from "./cluster.ts";
import { Faults, type PlannedFault } from "./faults.ts";
import { Laws } from "./laws.ts";
import { setOnlooker } from "./onlooker.ts";
import type { SimOptions } from "./options.ts";
import { World } from "./world.ts";
import { Random } from "../../proto/random.ts";
import { instant } from "../../proto/units.ts";

export interface RunResult {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly hash: string;
  readonly virtualMs: number;
  readonly workerHours: number;
  readonly healthyTouched: number;
  readonly failovers: readonly number[];
  readonly lines: readonly string[];
  readonly faults: readonly PlannedFault[];
}

/** Before the first fault: everything starts, and a leader is elected. */
const settles = 4_000;
/** After healing a leader must be there within 3 × LEADER_TIMEOUT, beside what a start takes. */
const leaderWithin = 3 * 750 + 6_000;
/** A failed worker runs again, or is in quarantine: detection, three tries with their backoff, each with its verification. */
const recoveredWithin = 150_000;
const lookEvery = 100;

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
  const world = new World(options.seed);
  const cluster = new SimCluster(world, options);
  const laws = new Laws(cluster);
  setOnlooker(laws);
  const faults = new Faults(cluster, laws);
  const look = (): void => {
    laws.look();
    for (const text of cluster.fatal) laws.must(false, text);
    world.after(lookEvery, look);
  };
  world.after(0, look);
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
    failovers: [],
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
  runUntil(world, begun + recoveredWithin, () => cluster.workers.every(isFine));
  for (const worker of cluster.workers) {
    const { state } = worker.container;
    laws.must(
      isFine(worker),
      `${worker.name} (${worker.arrangement}, ${state}) is neither well nor in quarantine ${recoveredWithin / 1000} s after all was healed`,
    );
  }
  const isQuiet = (): boolean => inFlight(cluster, laws).length === 0;
  runUntil(world, world.now + 60_000, isQuiet);
  laws.must(isQuiet(), `recoveries never end: ${inFlight(cluster, laws).join(", ")}`);
}

function runUntil(world: World, limit: number, reached: () => boolean): void {
  while (!world.isStopped && world.now < limit && !reached())
    world.runUntil(Math.min(limit, world.now + 100));
}

function summaryOf(cluster: SimCluster, laws: Laws, id: string) {
  const one = cluster.coordinators.find((candidate) => candidate.id === id);
  const core = laws.coreOf(one?.process);
  const loop = one?.process?.loops[1];
  return loop === undefined ? undefined : core?.summary(instant(loop.now()));
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
  const summary = leader === undefined ? undefined : summaryOf(cluster, laws, leader);
  return new Set(
    summary?.workers.filter(({ quarantinedFor }) => quarantinedFor >= 0).map(({ id }) => id),
  );
}

function inFlight(cluster: SimCluster, laws: Laws): readonly string[] {
  const leader = leaderOf(cluster, laws);
  const summary = leader === undefined ? undefined : summaryOf(cluster, laws, leader);
  const open =
    summary?.workers.filter(
      ({ recovery }) => recovery !== undefined && recovery.stage !== "waiting",
    ) ?? [];
  return open.map(({ id, recovery }) => `${id} ${recovery?.stage ?? ""}`);
}
