// What a call of an engine is, and how long each kind may take.

import type { Duration } from "../../proto/units.ts";
import type { EngineRequest } from "./connection.ts";

/** How long each kind of call may take before the engine counts as not answering. */
export const callTimeouts = {
  ping: 3_000,
  /** Info, version, inspections, networks. */
  read: 5_000,
  list: 10_000,
  /** Lists of a Swarm: a manager without a quorum would take 20 s to say so. */
  swarm: 4_000,
  start: 10_000,
  /** Beyond the stop timeout itself. */
  stop: 10_000,
  kill: 10_000,
  write: 20_000,
  pull: 180_000,
} as const satisfies Record<string, Duration>;

export interface CreateSpec {
  readonly name: string;
  /** The body of `POST /containers/create`. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type Query = NonNullable<EngineRequest["query"]>;

/** Any call of the engine's API. */
export interface EngineCall {
  /** For errors: `what` of this engine failed. */
  readonly what: string;
  /** `GET` unless given. */
  readonly method?: EngineRequest["method"];
  readonly path: string;
  readonly query?: EngineRequest["query"];
  readonly body?: unknown;
  /** Of a read 5 s unless given, of a write 20 s. */
  readonly timeout?: Duration;
}

/**
 * What a manager says, with HTTP 500, while the Swarm's managers look for a leader: the words are swarmkit's. What was asked may
 * have been done nevertheless.
 */
export const isLeaderless = (words: string): boolean =>
  /lost leader status|no elected cluster leader|node is stopped|code = (Unavailable|DeadlineExceeded|Canceled)|context (deadline exceeded|canceled)/.test(
    words,
  );
