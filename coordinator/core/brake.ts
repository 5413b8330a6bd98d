// Automatic action slows down when too much fails at once: then the cause is probably not the workers'.

import { after, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";

export interface BrakeState {
  readonly tripped: boolean;
  /** Failures that count: those with one cause as one. */
  readonly failing: number;
  /** `failing` as a share of all workers, 0–1. */
  readonly share: number;
}

/** Workers and why they fail, counted as they come and go; those that share a cause count once. */
class Tally {
  readonly #causes = new Map<WorkerId, string>();
  readonly #perCause = new Map<string, number>();
  #alone = 0;

  add(worker: WorkerId, cause: string): void {
    this.remove(worker);
    this.#causes.set(worker, cause);
    if (cause === "") this.#alone += 1;
    else this.#perCause.set(cause, (this.#perCause.get(cause) ?? 0) + 1);
  }

  remove(worker: WorkerId): void {
    const cause = this.#causes.get(worker);
    if (cause === undefined) return;
    this.#causes.delete(worker);
    if (cause === "") {
      this.#alone -= 1;
      return;
    }
    const left = (this.#perCause.get(cause) ?? 1) - 1;
    if (left === 0) this.#perCause.delete(cause);
    else this.#perCause.set(cause, left);
  }

  get failures(): number {
    return this.#alone + this.#perCause.size;
  }
}

/**
 * Trips when more than `fraction` of the workers, and at least `minimum`, failed within `window` without a common
 * explanation; a worker that was healed meanwhile still counts until the window has passed. Releases when those that
 * failed within the window or still fail are fewer than half the fraction, and nobody waits for its turn any more: so
 * whoever failed while it was on is healed one at a time.
 */
export class Brake {
  readonly #fraction: number;
  readonly #minimum: number;
  readonly #window: Duration;
  /** Failures within the window, oldest first. */
  readonly #recentAt = new Map<WorkerId, Instant>();
  readonly #recent = new Tally();
  /** The same and those that have not been healed since. */
  readonly #open = new Tally();
  readonly #unhealed = new Set<WorkerId>();
  #tripped = false;

  constructor(config: {
    readonly fraction: number;
    readonly minimum: number;
    readonly window: Duration;
  }) {
    this.#fraction = config.fraction;
    this.#minimum = config.minimum;
    this.#window = config.window;
  }

  /** @param commonCause what explains it, equal for all that it explains; empty when the failure stands alone. */
  onFailure(worker: WorkerId, commonCause: string, now: Instant): void {
    this.#recentAt.delete(worker);
    this.#recentAt.set(worker, now);
    this.#unhealed.add(worker);
    this.#recent.add(worker, commonCause);
    this.#open.add(worker, commonCause);
  }

  /** It is healthy again, or nobody tries to heal it any more (quarantined, silenced, removed). */
  onHealthy(worker: WorkerId, now: Instant): void {
    this.#unhealed.delete(worker);
    this.#forgetOld(now);
    if (!this.#recentAt.has(worker)) this.#open.remove(worker);
  }

  /** To be asked after every input and at `nextDeadline()`; says what changed. `isAwaited`: a failed worker waits for its turn. */
  onTick(
    total: number,
    isAwaited: () => boolean,
    now: Instant,
  ): "tripped" | "released" | "unchanged" {
    this.#forgetOld(now);
    if (!this.#tripped) {
      const failures = this.#recent.failures;
      if (failures <= this.#fraction * total || failures < this.#minimum) return "unchanged";
      this.#tripped = true;
      return "tripped";
    }
    const isOver = this.#open.failures === 0 || this.#open.failures < (this.#fraction / 2) * total;
    if (!isOver || isAwaited()) return "unchanged";
    this.#tripped = false;
    return "released";
  }

  state(total: number, now: Instant): BrakeState {
    this.#forgetOld(now);
    const failing = this.#open.failures;
    return {
      tripped: this.#tripped,
      failing,
      share: total === 0 ? 0 : Math.min(1, failing / total),
    };
  }

  /** When the oldest failure leaves the window, while the brake is tripped. */
  nextDeadline(): Instant | undefined {
    if (!this.#tripped) return undefined;
    for (const at of this.#recentAt.values()) return after(at, this.#window);
    return undefined;
  }

  #forgetOld(now: Instant): void {
    for (const [worker, at] of this.#recentAt) {
      if (now < after(at, this.#window)) return;
      this.#recentAt.delete(worker);
      this.#recent.remove(worker);
      if (!this.#unhealed.has(worker)) this.#open.remove(worker);
    }
  }
}
