// The wait between two tries of one recovery.

import type { Random } from "../../proto/random.ts";
import type { Duration } from "../../proto/units.ts";

/** How far a wait strays from its plan, so that workers that failed together are not tried together. */
const backoffJitter = 0.25;

/** The wait after the failed try `tryNumber` (from 1), without its randomness: base · 2^(n−1), at most `max`. */
export function plannedBackoff(
  tryNumber: number,
  { base, max }: { readonly base: Duration; readonly max: Duration },
): Duration {
  return Math.min(max, base * 2 ** Math.max(0, tryNumber - 1));
}

/** The same, ±25 %; so at most 1.25 × `max`. */
export function backoffDelay(
  tryNumber: number,
  bounds: { readonly base: Duration; readonly max: Duration },
  random: Random,
): Duration {
  return random.jitter(plannedBackoff(tryNumber, bounds), backoffJitter);
}
