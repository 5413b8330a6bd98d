// How long a path's answers take, smoothed, and when to stop waiting for one.

import type { Duration } from "../../proto/units.ts";

/** An answer is never missed sooner than this after its question: below it the scheduler's noise would be taken for silence. */
export const shortestWait: Duration = 60;
/** RFC 6298's clock granularity G: a path without jitter still varies by the two processes' own timers. */
const granularity: Duration = 25;

/**
 * RFC 6298, section 2: the first sample R gives SRTT = R, RTTVAR = R/2; each later one
 * RTTVAR = 3/4 RTTVAR + 1/4 |SRTT − R|, then SRTT = 7/8 SRTT + 1/8 R; wait SRTT + max(G, 4 RTTVAR).
 * Unlike TCP every datagram has a nonce of its own, so that a sample is never ambiguous (Karn's rule is not needed).
 */
export class RoundTrip {
  #smoothed: Duration = -1;
  #deviation: Duration = 0;

  /** The smoothed round trip in ms; -1 before the first answer. */
  get smoothed(): Duration {
    return this.#smoothed;
  }

  sample(roundTrip: Duration): void {
    if (this.#smoothed < 0) {
      this.#smoothed = roundTrip;
      this.#deviation = roundTrip / 2;
      return;
    }
    this.#deviation += (Math.abs(this.#smoothed - roundTrip) - this.#deviation) / 4;
    this.#smoothed += (roundTrip - this.#smoothed) / 8;
  }

  /** How long after its sending a datagram is unanswered; `timeout` while nothing is known. `lag`: what the agent said of its own lateness. */
  wait(timeout: Duration, lag: Duration): Duration {
    if (this.#smoothed < 0) return timeout;
    const expected = this.#smoothed + Math.max(granularity, 4 * this.#deviation) + lag;
    return Math.min(timeout, Math.max(shortestWait, expected));
  }
}
