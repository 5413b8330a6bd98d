// What each coordinator showed of itself lately, as its own pictures say: one every 100 ms.

import type { CoordinatorSummary, WorkerSummary } from "../../coordinator/core/summary.ts";
import type { CoordinatorId, WorkerId } from "../../proto/units.ts";

export interface Belief {
  readonly at: number;
  readonly summary: CoordinatorSummary;
}

/** ms */
const kept = 8_000;

export class Beliefs {
  readonly #of = new Map<CoordinatorId, Belief[]>();

  add(belief: Belief): void {
    const all = this.#of.get(belief.summary.id) ?? [];
    all.push(belief);
    // Two are kept whatever their age: a thread that stands still shows nothing new.
    while (all.length > 2 && (all[0]?.at ?? 0) < belief.at - kept) all.shift();
    this.#of.set(belief.summary.id, all);
  }

  last(id: CoordinatorId): Belief | undefined {
    return this.#of.get(id)?.at(-1);
  }

  /** What it showed from `at` on, and what stood then. */
  since(id: CoordinatorId, at: number): readonly Belief[] {
    const all = this.#of.get(id) ?? [];
    const first = all.findIndex((belief) => belief.at > at);
    return first === -1 ? all.slice(-1) : all.slice(Math.max(0, first - 1));
  }
}

export const workerIn = ({ summary }: Belief, worker: WorkerId): WorkerSummary | undefined =>
  summary.workers.find(({ id }) => id === worker);
