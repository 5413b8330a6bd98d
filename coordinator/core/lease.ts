// How long a leader may act without being acknowledged again, and the arithmetic that keeps two leases apart.

import { after, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";

/**
 * What a leader asks for with each heartbeat: 0.8 T, whole milliseconds since that is what travels. Shorter than every
 * election timeout (T to 1.33 T), so that by the time the first follower asks for pre-votes the promises of those
 * who heard the dead leader up to T/5 later have ended too; longer, and a lost datagram would delay the election.
 */
export const promiseOf = (leaderTimeout: Duration): Duration => Math.floor(0.8 * leaderTimeout);

/**
 * P (1−d)/(1+d) − tick. A follower whose clock runs fast by d ends a promise of P after P/(1+d) of real time; a leader
 * whose clock runs slow by d lets L pass in L/(1−d) of real time. The lease ends first where L/(1−d) ≤ P/(1+d).
 */
export const leaseLength = (promise: Duration, drift: number, tick: Duration): Duration =>
  (promise * (1 - drift)) / (1 + drift) - tick;

/** Whose acknowledgements count, and how many of them; it may change while the lease runs. */
export interface Electorate {
  readonly quorum: number;
  has(id: CoordinatorId): boolean;
}

/**
 * The leader's side. It runs from the *send* time of the newest heartbeat that a quorum (itself included)
 * acknowledged: the promises began later than that, so they end later.
 */
export class Lease {
  readonly #electorate: Electorate;
  readonly #length: Duration;
  /** Per peer the send time of the newest heartbeat that it acknowledged in this term; by the own id where n = 1. */
  readonly #acknowledged = new Map<CoordinatorId, Instant>();

  constructor(electorate: Electorate, length: Duration) {
    this.#electorate = electorate;
    this.#length = length;
  }

  /** When a term is won, and when leading ends: nothing acknowledged before counts. */
  clear(): void {
    this.#acknowledged.clear();
  }

  /** `by` promised on a heartbeat sent at `sentAt`. Older and repeated acknowledgements change nothing. */
  onAcknowledged(by: CoordinatorId, sentAt: Instant): void {
    const known = this.#acknowledged.get(by);
    if (known === undefined || sentAt > known) this.#acknowledged.set(by, sentAt);
  }

  /** The newest send time that a quorum acknowledged; a mesh of one acknowledges itself. */
  acknowledgedAt(): Instant | undefined {
    const others = Math.max(1, this.#electorate.quorum - 1);
    // By rank instead of a sorted copy: it is asked for several times in every step.
    for (const [by, at] of this.#acknowledged) {
      if (!this.#electorate.has(by)) continue;
      let newer = 0;
      let same = 0;
      for (const [other, otherAt] of this.#acknowledged) {
        if (!this.#electorate.has(other)) continue;
        if (otherAt > at) newer++;
        else if (otherAt === at) same++;
      }
      if (newer < others && others <= newer + same) return at;
    }
    return undefined;
  }

  /** Where it ends, or ended; exclusive: at this instant it is over. Undefined before a first acknowledgement. */
  end(): Instant | undefined {
    const from = this.acknowledgedAt();
    return from === undefined ? undefined : after(from, this.#length);
  }

  /** Undefined when none is held at `now`. */
  until(now: Instant): Instant | undefined {
    const end = this.end();
    return end !== undefined && now < end ? end : undefined;
  }
}
