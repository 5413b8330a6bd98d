// A revival as it travels through the queue, and what is heard back of it.

import type { Duration, Term, WorkerId } from "../../proto/units.ts";
import type { ActionKind, Evidence, VerdictKind } from "./decision.ts";
import { canWait, type Move } from "./migration/order.ts";

/** Orders all actions on one worker: compared as (term, epoch). */
export interface Token {
  readonly worker: WorkerId;
  readonly epoch: number;
  readonly term: Term;
}

/** Negative, zero or positive, as `a` is older than, the same as or newer than `b`. */
export function compareTokens(a: Token, b: Token): number {
  return a.term - b.term || a.epoch - b.epoch;
}

/** The container that was decided on; acted on only while both still match. */
export interface Target {
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly startedAt: string;
}

/** The data of a BullMQ revival or migration job: all that a runner on any coordinator needs, and no secret. */
export interface RevivalJob {
  /** The recovery's id: `<epoch>.<term>` and a worker's hash; unique for ever, without a colon. */
  readonly recovery: string;
  readonly token: Token;
  readonly action: ActionKind;
  readonly target: Target;
  /** The worker's own agent container and the rest of its network namespace, which must follow. */
  readonly agent: Target | undefined;
  readonly dependants: readonly Target[];
  /** Of a service alone; its target names the service, and no container. Or of a container that goes to another engine. */
  readonly move?: Move;
  readonly stopTimeout: Duration | undefined;
  readonly verifyWindow: Duration;
  /** How long a first proof of life may take after the action, before the try has failed. */
  readonly verifyTimeout: Duration;
  readonly maxTries: number;
  readonly backoff: Duration;
  readonly backoffMax: Duration;
  readonly verdict: VerdictKind;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  /** Wall-clock ms of the stages so far, for people. */
  readonly detectedAt: number;
  readonly decidedAt: number;
  /** Wall-clock ms; when it was last heard to be well: the failure came later. Absent where nobody was heard. */
  readonly aliveAt?: number;
}

/** What is heard of a recovery's job, on every coordinator, in this order for one try. `at`: wall-clock ms, for people. */
export type JobNews =
  | {
      readonly kind: "job-enqueued";
      readonly token: Token;
      readonly recovery: string;
      readonly at: number;
    }
  /** The queue returned an older job that is still alive (`found`); it is followed instead. */
  | {
      readonly kind: "job-adopted";
      readonly token: Token;
      readonly found: RevivalJob;
      readonly triesUsed: number;
    }
  | { readonly kind: "job-refused"; readonly token: Token; readonly reason: string }
  | {
      readonly kind: "try-started";
      readonly token: Token;
      readonly recovery: string;
      readonly tryNumber: number;
      readonly runner: string;
      readonly at: number;
    }
  | {
      readonly kind: "acted";
      readonly token: Token;
      readonly recovery: string;
      readonly at: number;
      readonly newContainerId: string;
      /** Empty where that container was killed, and Swarm starts another one. */
      readonly newStartedAt: string;
      /** What was done with a service, for a person. */
      readonly what?: string;
    }
  | {
      readonly kind: "verified";
      readonly token: Token;
      readonly recovery: string;
      readonly at: number;
    }
  /** `counts`: false when the engine did not answer, so that the try is no try. */
  | {
      readonly kind: "try-failed";
      readonly token: Token;
      readonly recovery: string;
      readonly tryNumber: number;
      readonly reason: string;
      readonly counts: boolean;
      readonly nextTryIn: Duration;
      readonly at: number;
    }
  | {
      readonly kind: "recovered";
      readonly token: Token;
      readonly recovery: string;
      readonly at: number;
    }
  | {
      readonly kind: "exhausted";
      readonly token: Token;
      readonly recovery: string;
      readonly tries: number;
      readonly reason: string;
      readonly at: number;
      /** It was a move of something that runs elsewhere meanwhile. */
      readonly canWait?: true;
    }
  /** The world changed before the action: nothing was done, the core decides again. */
  | {
      readonly kind: "superseded";
      readonly token: Token;
      readonly recovery: string;
      readonly reason: string;
      readonly at: number;
    };

/** The last try of a job has failed. `at`: wall-clock ms. */
export const exhausted = (
  { token, recovery, move }: Pick<RevivalJob, "token" | "recovery" | "move">,
  tries: number,
  reason: string,
  at: number,
): Extract<JobNews, { kind: "exhausted" }> => ({
  kind: "exhausted",
  token,
  recovery,
  tries,
  reason,
  at,
  ...(canWait(move) && { canWait: true }),
});
