// What goes into an election and what comes out of it, and the times that follow from its configuration.

import type { ElectionMessage } from "../../proto/messages.ts";
import type { CoordinatorId, Duration, Term } from "../../proto/units.ts";
import type { Ballot } from "./vote-book.ts";

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

export interface ElectionConfig {
  readonly id: CoordinatorId;
  /** All configured coordinators, `id` among them; 1 to 7. */
  readonly members: readonly CoordinatorId[];
  readonly heartbeatInterval: Duration;
  /** T. At least 3 heartbeat intervals. */
  readonly leaderTimeout: Duration;
  /** Each clock's bound against real time; default 0.01. */
  readonly drift?: number;
  /** How coarsely the machine is stepped, ms; a lease is shorter by one. */
  readonly tick: Duration;
}

/**
 * Performed in order. When a `persist` fails, drop what is behind it in the same list and call `onPersistFailed`;
 * after any that succeeded, call `setDiskOk` (it costs nothing while the disk is fine).
 */
export type ElectionOutput =
  /** Durable before anything behind it is sent. */
  | { readonly kind: "persist"; readonly ballot: Ballot }
  /** The caller fills a heartbeat's `redis` and `records`. */
  | { readonly kind: "send"; readonly to: CoordinatorId; readonly message: ElectionMessage }
  | {
      readonly kind: "role-changed";
      readonly role: Role;
      readonly term: Term;
      /** Empty when none is known. */
      readonly leader: CoordinatorId;
      readonly reason: string;
    }
  /** Emitted as soon as it is noticed; the lease itself ends at the instant that `leaseUntil` said. */
  | { readonly kind: "lease-ended"; readonly reason: string };

/** Election timeouts are drawn from [T, 1.33 T]: from [T, 2 T) the mean failover is 0.16 s longer, and split votes are retried anyway. */
export const timeoutSpread = 1.33;
/** A vote that is not won is retried after a time drawn from this, ms, plus two round trips. */
export const retryBetween = { low: 100, high: 350 } as const;
/** A candidacy never outlasts this share of T, so that one who lost its disk has waited out those it may have voted for. */
export const longestCandidacy = 0.9;
/** Whoever grants a pre-vote lets the asker go first for this long, once. */
export const courtesy: Duration = 50;
/** A handover is told this often, this far apart, ms. */
export const handoverRepeats = { times: 5, apart: 25 } as const;
/** After `resign` it does not stand again for this many T. */
export const restAfterResigning = 3;
/** While the disk takes nothing it is tried again this often, ms. */
export const diskRetry: Duration = 1000;
