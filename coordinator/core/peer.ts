// Another coordinator as this one hears it: when it was heard, what its heartbeats said, how lossy and how slow the way to it is.

import {
  after,
  elapsed,
  term,
  type CoordinatorId,
  type Duration,
  type Instant,
  type Term,
} from "../../proto/units.ts";
import type { Heartbeat, SetStamp } from "../../proto/messages.ts";

export interface PeerView {
  readonly id: CoordinatorId;
  /** Milliseconds; -1 when it was never heard. */
  readonly heardAgo: Duration;
  readonly fit: boolean;
  readonly redis: Heartbeat["redis"];
  readonly term: Term;
  /** Whom it follows; empty when it knows none. */
  readonly leader: CoordinatorId;
  /** Of heartbeats and their acknowledgements, 0–1. */
  readonly loss: number;
  /** Smoothed, ms; -1 when it was never measured. */
  readonly roundTrip: Duration;
  /** Heartbeats that it did not acknowledge in time, since it was added. */
  readonly missed: number;
}

interface Sent {
  readonly at: Instant;
  /** The term that the heartbeat asked a promise for; undefined when it asked for none. */
  readonly led: Term | undefined;
  countedLost: boolean;
}

export interface PeerTimes {
  readonly heartbeatInterval: Duration;
  readonly leaderTimeout: Duration;
  readonly tick: Duration;
}

/** One sample changes the smoothed loss and round trip by this share. */
const weight = 1 / 8;
/** Heartbeats are repeated so often that all of one interval are lost with at most this probability … */
const tolerated = 0.1;
/** … but never more often than this, whatever the loss. */
const mostPerInterval = 4;

export class Peer {
  readonly id: CoordinatorId;
  readonly #times: PeerTimes;
  #heardAt: Instant | undefined;
  #last: Heartbeat | undefined;
  #loss = 0;
  #roundTrip: Duration = -1;
  #missed = 0;
  readonly #sent = new Map<number, Sent>();
  /** Its durable set of coordinators, and its term, as it said last; without a stamp from a release whose set cannot change. */
  held: { readonly stamp: SetStamp | undefined; readonly term: Term } | undefined;
  nextBeatAt: Instant;

  constructor(id: CoordinatorId, times: PeerTimes, now: Instant) {
    this.id = id;
    this.#times = times;
    this.nextBeatAt = now;
  }

  view(now: Instant): PeerView {
    return {
      id: this.id,
      heardAgo: this.#heardAt === undefined ? -1 : elapsed(this.#heardAt, now),
      fit: this.#last?.fit ?? false,
      redis: this.#last?.redis ?? "unknown",
      term: this.#last?.term ?? term(0),
      leader: this.#last?.leader ?? "",
      loss: this.#loss,
      roundTrip: this.#roundTrip,
      missed: this.#missed,
    };
  }

  /** It sent a heartbeat: it counts this coordinator among its own. */
  get beats(): boolean {
    return this.#last !== undefined;
  }

  isHeard(now: Instant): boolean {
    return this.#heardAt !== undefined && elapsed(this.#heardAt, now) < this.#times.leaderTimeout;
  }

  onHeard(now: Instant): void {
    this.#heardAt = now;
  }

  /** An overtaken heartbeat does not bring an old fitness back. */
  onHeartbeat(heartbeat: Heartbeat): void {
    const last = this.#last;
    const overtaken =
      last !== undefined && heartbeat.term === last.term && heartbeat.round < last.round;
    if (!overtaken) this.#last = heartbeat;
  }

  /** A heartbeat was sent; the next one is due after an interval that shrinks as loss grows. */
  onSent(round: number, led: Term | undefined, now: Instant): void {
    this.#sent.set(round, { at: now, led, countedLost: false });
    this.#countLost(now);
    this.nextBeatAt = after(now, this.#interval(now));
  }

  /** @returns when and for which term the acknowledged heartbeat was sent; undefined for a repeated or forgotten one. */
  onAcknowledged(round: number, now: Instant): Sent | undefined {
    const sent = this.#sent.get(round);
    if (sent === undefined) return undefined;
    this.#sent.delete(round);
    const took = elapsed(sent.at, now);
    this.#roundTrip =
      this.#roundTrip < 0 ? took : this.#roundTrip + (took - this.#roundTrip) * weight;
    if (!sent.countedLost) this.#loss -= this.#loss * weight;
    return sent;
  }

  /** Send times of before a jump of the clock mean nothing after it. */
  onJump(now: Instant): void {
    this.#sent.clear();
    this.nextBeatAt = now;
  }

  /** How long a request waits for its answer before it is sent again. */
  resendAfter(): Duration {
    const { heartbeatInterval, tick } = this.#times;
    const patience = 4 * tick + 2 * Math.max(0, this.#roundTrip);
    return Math.min(patience, heartbeatInterval);
  }

  /** Unanswered heartbeats count as lost while the peer lives; an outage is no loss. */
  #countLost(now: Instant): void {
    const { heartbeatInterval, leaderTimeout } = this.#times;
    const patience = Math.max(heartbeatInterval, 4 * this.#roundTrip);
    const alive = this.isHeard(now);
    for (const [round, sent] of this.#sent) {
      const age = elapsed(sent.at, now);
      if (age > leaderTimeout) this.#sent.delete(round);
      if (sent.countedLost || age <= patience) continue;
      sent.countedLost = true;
      this.#missed++;
      if (alive) this.#loss += (1 - this.#loss) * weight;
    }
  }

  /** The interval over k = ⌈ln 0.1 / ln p⌉, 1 ≤ k ≤ 4, while the peer lives. */
  #interval(now: Instant): Duration {
    const { heartbeatInterval, tick } = this.#times;
    if (this.#loss <= 0 || !this.isHeard(now)) return heartbeatInterval;
    const needed = Math.ceil(Math.log(tolerated) / Math.log(Math.min(this.#loss, 0.99)));
    const times = Math.min(mostPerInterval, Math.max(1, needed));
    return Math.max(2 * tick, heartbeatInterval / times);
  }
}
