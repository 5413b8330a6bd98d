// How often a duration fell between which bounds: what Prometheus calls a histogram, kept as plain numbers so that it can cross threads.

import type { Duration } from "../../proto/units.ts";

export interface HistogramView {
  /** Upper bounds (inclusive) in ms, rising; the last bucket, without one, holds the rest. */
  readonly bounds: readonly Duration[];
  /** How many fell into each bucket alone; one more than there are bounds. */
  readonly counts: readonly number[];
  /** Of all that was observed, ms. */
  readonly sum: Duration;
}

export class Histogram {
  readonly #bounds: readonly Duration[];
  readonly #counts: number[];
  #sum: Duration = 0;

  constructor(bounds: readonly Duration[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** A comparison for each bound that it exceeds: those that are met most stand first. Negative counts as 0, for clocks differ. */
  observe(duration: Duration): void {
    const taken = Math.max(0, duration);
    let at = 0;
    while (taken > (this.#bounds[at] ?? Infinity)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += taken;
  }

  view(): HistogramView {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}

/** Of a round trip: a bridge on one machine to another continent, TIMEOUT being 0.5 s. */
export const roundTripBounds: readonly Duration[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500,
];
/** Of the lateness of a thread's own timers: 50 ms are noticed, 2 s are taken for a sleep. */
export const latenessBounds: readonly Duration[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000,
];
/** Of a recovery's stages, of which 2 s are the aim. */
export const stageBounds: readonly Duration[] = [
  100, 250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000, 300_000,
];
