// Coordinators that are heard without belonging to the set: newcomers that wait to be added, and removed ones.

import { elapsed, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";

/** More are not remembered. */
const remembered = 16;

export class Strangers {
  /** After so long a silence it counts as heard for the first time. */
  readonly #patience: Duration;
  readonly #heard = new Map<CoordinatorId, { since: Instant; at: Instant }>();

  constructor(patience: Duration) {
    this.#patience = patience;
  }

  onHeard(id: CoordinatorId, now: Instant): void {
    const known = this.#heard.get(id);
    const isUnbroken = known !== undefined && elapsed(known.at, now) < this.#patience;
    this.#heard.delete(id);
    this.#heard.set(id, { since: isUnbroken ? known.since : now, at: now });
    if (this.#heard.size <= remembered) return;
    const [oldest] = this.#heard.keys();
    if (oldest !== undefined) this.#heard.delete(oldest);
  }

  /** Without a break; 0 when it is not heard at present. */
  heardFor(id: CoordinatorId, now: Instant): Duration {
    const known = this.#heard.get(id);
    if (known === undefined || elapsed(known.at, now) >= this.#patience) return 0;
    return elapsed(known.since, now);
  }

  /** @returns those heard at present. */
  list(now: Instant): readonly CoordinatorId[] {
    return [...this.#heard.keys()].filter((id) => this.heardFor(id, now) > 0);
  }
}
