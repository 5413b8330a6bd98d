// Relations between variables that each are fine alone. Adds problems and warnings to the reader. Pure.

import { limits } from "../proto/limits.ts";
import { clockDrift, type Duration } from "../proto/units.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { ConfigReader } from "./config-reader.ts";
import { grantEvery } from "./core/hosts/fence.ts";
import { constraintOf, sameLabel } from "./core/migration/host-label.ts";
import type { WorkerSettings } from "./core/worker.ts";

export function checkTimes(config: CoordinatorConfig, reader: ConfigReader): void {
  const { checkInterval, timeout } = config.workerDefaults;
  const { heartbeatInterval, leaderTimeout } = config.election;
  const { backoff, backoffMax } = config.recovery;
  const { problems } = reader;
  if (timeout >= checkInterval) {
    problems.push(
      `TIMEOUT (${inSeconds(timeout)}) must be less than CHECK_INTERVAL (${inSeconds(checkInterval)})`,
    );
  }
  if (leaderTimeout < 3 * heartbeatInterval) {
    problems.push(
      `LEADER_TIMEOUT (${inSeconds(leaderTimeout)}) must be at least 3 × HEARTBEAT_INTERVAL (${inSeconds(3 * heartbeatInterval)})`,
    );
  }
  if (backoff > backoffMax) {
    problems.push(
      `BACKOFF (${inSeconds(backoff)}) must not exceed BACKOFF_MAX (${inSeconds(backoffMax)})`,
    );
  }
}

export function checkCoordinators(config: CoordinatorConfig, reader: ConfigReader): void {
  const { problems, warnings } = reader;
  const { id, coordinators } = config;
  const n = coordinators.length;
  const names = coordinators.map((one) => one.name);
  if (id === "") problems.push(`COORDINATOR_ID is missing; expected ${oneOf(names)}`);
  if (n === 0 && !reader.isSet("COORDINATORS")) {
    problems.push("COORDINATORS is missing; expected c1=host:port,c2=host:port,c3=host:port");
  } else if (n === 0 && problems.every((one) => !one.startsWith("COORDINATORS:"))) {
    problems.push("COORDINATORS names none; expected c1=host:port,c2=host:port,c3=host:port");
  }
  if (n > limits.coordinators) {
    problems.push(`COORDINATORS names ${n}; at most ${limits.coordinators}`);
  }
  if (id !== "" && n > 0 && !names.includes(id)) {
    problems.push(`COORDINATOR_ID: ${id} does not stand in COORDINATORS; expected ${oneOf(names)}`);
  }
  const addresses = coordinators.map((one) => `${one.host}:${one.port}`);
  for (const [index, address] of addresses.entries()) {
    if (addresses.indexOf(address) === index) continue;
    problems.push(`COORDINATORS: ${names[index] ?? ""} has the address of another, ${address}`);
  }
  if (n === 1) warnings.push("COORDINATORS names one: it acts alone, and nobody acts for it");
  if (n > 0 && n % 2 === 0) {
    warnings.push(
      `COORDINATORS names ${n}, an even number: it survives as many deaths as ${n - 1} and needs one more vote`,
    );
  }
  const own = coordinators.find((one) => one.name === id);
  if (own !== undefined && own.port !== config.mesh.port) {
    warnings.push(
      `MESH_PORT is ${config.mesh.port}, but COORDINATORS says ${own.port} for ${id}: right only where the port is translated`,
    );
  }
}

export function checkMigration({ migration }: CoordinatorConfig, reader: ConfigReader): void {
  const { primary, secondary } = migration;
  if (primary.key === "" || !sameLabel(primary, secondary)) return;
  reader.problems.push(
    `SECONDARY_LABEL is the same as PRIMARY_LABEL (${constraintOf(primary)}): expected the label of other hosts`,
  );
}

/**
 * What an agent needs to be granted in time, in tenths of a second. An answer is named by the next question, after g = min(CHECK_INTERVAL, 1 s). Where the
 * two grants behind that are lost, the next one comes 4 g after the answer. Where the host is cut for as long as no verdict is made, TIMEOUT ·
 * MAX_FAILED_ATTEMPTS, from just before an answer was heard on, a question gets through TIMEOUT later at most, and the one behind it
 * names its answer: 2 g + TIMEOUT · (MAX_FAILED_ATTEMPTS + 1). An agent's clock takes 1 % off.
 */
function shortestFence({
  checkInterval,
  timeout,
  maxFailedAttempts,
}: CoordinatorConfig["workerDefaults"]): Duration {
  const every = Math.min(checkInterval, grantEvery);
  const longest = Math.max(4 * every, 2 * every + timeout * (maxFailedAttempts + 1));
  return Math.ceil(longest / (1 - clockDrift) / 100) * 100;
}

/** Who gives other times, and none for the fence, is not refused for its default. */
export function readFence(reader: ConfigReader, times: WorkerSettings): CoordinatorConfig["fence"] {
  const given = reader.duration("FENCE_AFTER", 1000, limits.grant);
  const isOwn = reader.isSet("FENCE_AFTER");
  const length = isOwn ? given : Math.min(limits.grant, Math.max(given, shortestFence(times)));
  reader.effective.set("FENCE_AFTER", String(length / 1000));
  return { after: length, onTrioLoss: reader.choice("FENCE_ON_TRIO_LOSS", ["keep", "stop"]) };
}

/** A Swarm gives a silent node up after three of its heartbeats of 5 s; what is fenced needs the last seconds to end. */
const fenceBeforeSwarm: Duration = 12_000;

export function checkFence(
  { fence, workerDefaults }: CoordinatorConfig,
  reader: ConfigReader,
): void {
  const least = shortestFence(workerDefaults);
  const name = "FENCE_AFTER";
  if (fence.after > fenceBeforeSwarm) {
    reader.warnings.push(
      `${name} is ${inSeconds(fence.after)}: from 15 s after a host fell silent on, Swarm itself starts what no constraint keeps there elsewhere, also while the old one runs; docker swarm update --dispatcher-heartbeat gives it more time`,
    );
  }
  if (fence.after >= least || !reader.isSet(name)) return;
  if (reader.problems.some((one) => one.startsWith(`${name}:`))) return;
  reader.problems.push(
    `${name} (${inSeconds(fence.after)}) must be at least ${inSeconds(least)} here: longer than 4 × min(CHECK_INTERVAL, 1 s), in which grants come though two are lost, and than 2 × min(CHECK_INTERVAL, 1 s) + TIMEOUT × (MAX_FAILED_ATTEMPTS + 1), which bears a cut too short for a verdict`,
  );
}

const oneOf = (names: readonly string[]): string =>
  names.length === 0 ? "a name that stands in COORDINATORS" : `one of ${names.join(", ")}`;

const inSeconds = (ms: Duration): string => `${ms / 1000} s`;
