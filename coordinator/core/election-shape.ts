// What goes into an election and what comes out of it, and the times that follow from its configuration.

import type { ElectionMessage, Member } from "../../proto/messages.ts";
import type { CoordinatorId, Duration, Term } from "../../proto/units.ts";
import type { MemberSet } from "./member-set.ts";
import type { Ballot } from "./vote-book.ts";

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

export interface ElectionConfig {
  readonly id: CoordinatorId;
  /** All configured coordinators, `id` among them; 1 to 7. They hold until a changed set is known. */
  readonly members: readonly Member[];
  readonly heartbeatInterval: Duration;
  /** T. At least 3 heartbeat intervals. */
  readonly leaderTimeout: Duration;
  /** Each clock's bound against real time; default 0.01. */
  readonly drift?: number;
  /** How coarsely the machine is stepped, ms; a lease is shorter by one. */
  readonly tick: Duration;
}

/** Of a change of the set that this coordinator was asked for. */
export interface ChangeEnded {
  readonly kind: "change-ended";
  /** `later`: not now, and the same question may be asked again in a moment. */
  readonly how: "made" | "refused" | "later";
  /** One sentence for a person. */
  readonly text: string;
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
  /** From here on this set counts. */
  | { readonly kind: "members-changed"; readonly set: MemberSet }
  | ChangeEnded
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
/** A change of the set is given up when a quorum of the old set did not confirm it in this time. */
export const changePatience: Duration = 4_000;
/** A newcomer is heard for so many T before it counts, so that one that begins without a disk may promise by then. */
export const newcomerHeardFor = 2;
