// When in the interval a worker is asked: spread over the workers, staggered between the coordinators, no burst.

import type { Duration, Instant, WorkerId } from "../../proto/units.ts";
import { instant } from "../../proto/units.ts";

/** A worker's place in [0, 1), the same on every coordinator: FNV-1a with murmur3's finaliser, for names differ in one digit. */
export function placeOf(worker: WorkerId): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < worker.length; i++) {
    hash = Math.imul(hash ^ worker.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** The share of an interval by which coordinator `index` of `count` asks later than the first one. */
export const stagger = (index: number, count: number): number => index / Math.max(1, count);

/** The first instant after `now` at `phase` (a share of `interval`) on the grid that begins at `origin`. */
export function nextPhase(
  now: Instant,
  origin: Instant,
  interval: Duration,
  phase: number,
): Instant {
  const first = origin + phase * interval;
  // A thousandth of a ms: an instant that was reached but for rounding is not asked twice.
  const rounds = Math.floor((now + 0.001 - first) / interval) + 1;
  return instant(first + rounds * interval);
}
