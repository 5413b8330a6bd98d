// Relations between variables that each are fine alone. Adds problems and warnings to the reader. Pure.

import { limits } from "../proto/limits.ts";
import type { Duration } from "../proto/units.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { ConfigReader } from "./config-reader.ts";

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

const oneOf = (names: readonly string[]): string =>
  names.length === 0 ? "a name that stands in COORDINATORS" : `one of ${names.join(", ")}`;

const inSeconds = (ms: Duration): string => `${ms / 1000} s`;
