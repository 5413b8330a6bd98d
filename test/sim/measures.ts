// What a run measures on the way: how soon failures are noticed and leaders followed, and how often a worker is called silent that is well.

import type { WorkerId } from "../../proto/units.ts";

export interface Measured {
  /** A coordinator said `silent` of a worker that was well all the while. */
  readonly falseVerdicts: number;
  /** From a worker's failure to the first verdict that says so, ms. */
  readonly detections: readonly number[];
  /** From the death of the leader to the next lease, ms. */
  readonly failovers: readonly number[];
}

const failing: ReadonlySet<string> = new Set([
  ...["stopped", "unhealthy", "silent", "agent-lost", "gone"],
]);

export class Measures {
  falseVerdicts = 0;
  readonly #verdicts: { readonly at: number; readonly worker: WorkerId; readonly kind: string }[] =
    [];
  readonly #leases: number[] = [];
  readonly #deaths: number[] = [];
  readonly #failures: { readonly at: number; readonly worker: WorkerId }[] = [];

  onVerdict(at: number, worker: WorkerId, kind: string): void {
    this.#verdicts.push({ at, worker, kind });
  }

  /** Somebody else holds the lease from now on. */
  onLease(at: number): void {
    this.#leases.push(at);
  }

  /** Whoever held the lease is dead. */
  onLeaderDied(at: number): void {
    this.#deaths.push(at);
  }

  /** A worker that was well fails. */
  onFailure(at: number, worker: WorkerId): void {
    this.#failures.push({ at, worker });
  }

  /** `within`: what is noticed later was noticed for another reason. */
  result(within: number): Measured {
    return {
      falseVerdicts: this.falseVerdicts,
      detections: this.#failures.flatMap(({ at, worker }) =>
        waits(
          at,
          this.#verdicts.find(
            (one) => one.worker === worker && one.at > at && failing.has(one.kind),
          )?.at,
          within,
        ),
      ),
      failovers: this.#deaths.flatMap((at) =>
        waits(
          at,
          this.#leases.find((one) => one > at),
          within,
        ),
      ),
    };
  }
}

const waits = (from: number, to: number | undefined, within: number): readonly number[] =>
  to === undefined || to - from > within ? [] : [to - from];
