// What a leader has beside its role: the lease, the watch over it, and check-quorum.

import { after, earliest, elapsed } from "../../proto/units.ts";
import type { CoordinatorId, Duration, Instant } from "../../proto/units.ts";
import type { ElectionConfig } from "./election-shape.ts";
import { Lease, leaseLength, promiseOf } from "./lease.ts";
import type { Members } from "./member-set.ts";

export class Leadership {
  readonly #lease: Lease;
  readonly #leaderTimeout: Duration;
  readonly #heartbeatInterval: Duration;
  /** Alone it acknowledges itself, once a heartbeat interval. */
  readonly #members: Members;
  /** Its election, or the last change of the set: from then on a quorum has the time T to acknowledge it. */
  #countedFrom: Instant;
  #wasHeld = false;

  constructor(config: ElectionConfig, members: Members, now: Instant) {
    const { leaderTimeout, heartbeatInterval, drift = 0.01, tick } = config;
    const length = leaseLength(promiseOf(leaderTimeout), drift, tick);
    this.#lease = new Lease(members, length);
    this.#leaderTimeout = leaderTimeout;
    this.#heartbeatInterval = heartbeatInterval;
    this.#members = members;
    this.#countedFrom = now;
  }

  begin(now: Instant): void {
    this.#countedFrom = now;
    this.#wasHeld = false;
    this.#lease.clear();
    this.renewAlone(now);
  }

  /** Whoever is new in the set has acknowledged nothing yet. */
  onMembers(now: Instant): void {
    this.#countedFrom = now;
  }

  /** @returns whether a lease was held until now. */
  end(): boolean {
    const wasHeld = this.#wasHeld;
    this.#wasHeld = false;
    this.#lease.clear();
    return wasHeld;
  }

  until(now: Instant): Instant | undefined {
    return this.#lease.until(now);
  }

  onAcknowledged(by: CoordinatorId, sentAt: Instant): void {
    this.#lease.onAcknowledged(by, sentAt);
  }

  renewAlone(now: Instant): void {
    if (!this.#members.isAlone) return;
    const at = this.#lease.acknowledgedAt();
    if (at === undefined || elapsed(at, now) >= this.#heartbeatInterval) {
      this.#lease.onAcknowledged(this.#members.self, now);
    }
  }

  /** @returns whether the lease ran out since the last look. */
  hasRunOut(now: Instant): boolean {
    const isHeld = this.#lease.until(now) !== undefined;
    const hasRunOut = this.#wasHeld && !isHeld;
    this.#wasHeld = isHeld;
    return hasRunOut;
  }

  /** When the time T without a quorum's acknowledgement is over. */
  stepDownAt(): Instant {
    const at = this.#lease.acknowledgedAt();
    const since = at === undefined || at < this.#countedFrom ? this.#countedFrom : at;
    return after(since, this.#leaderTimeout);
  }

  nextDeadline(): Instant | undefined {
    const at = this.#lease.acknowledgedAt();
    const renewAt =
      this.#members.isAlone && at !== undefined ? after(at, this.#heartbeatInterval) : undefined;
    return earliest(this.stepDownAt(), renewAt, this.#wasHeld ? this.#lease.end() : undefined);
  }
}
