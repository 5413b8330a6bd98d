// How many plain-text PINGs are answered: a token bucket, so that strangers cannot make the agent busy.

import { elapsed, type Duration, type Instant } from "../../proto/units.ts";

const burst = 40;
const refill: Duration = 50; // One more every 50 ms: 20 a second.

export class TextBudget {
  #tokens = burst;
  #filledAt: Instant | undefined;
  #refused = 0;

  /** How many were not to be answered. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether one more may be answered now. */
  take(now: Instant): boolean {
    if (this.#filledAt !== undefined) {
      this.#tokens = Math.min(burst, this.#tokens + elapsed(this.#filledAt, now) / refill);
    }
    this.#filledAt = now;
    if (this.#tokens < 1) {
      this.#refused++;
      return false;
    }
    this.#tokens--;
    return true;
  }
}
