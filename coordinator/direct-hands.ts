// Runs the tries that the core orders while Redis is away: by this leader itself, one at a time for each recovery (design rule 12).

import { backoffDelay } from "./core/backoff.ts";
import type { JobNews, RevivalJob } from "./core/job.ts";
import type { Random } from "../proto/random.ts";
import type { Clock } from "../agent/io/clock.ts";
import { runDirectly, type DirectMemory } from "./jobs/direct.ts";
import type { Actor, LifeWatch } from "./jobs/ports.ts";

export interface DirectHandsAsk {
  readonly actor: Actor;
  readonly lifeWatch: LifeWatch;
  readonly clock: Clock;
  readonly random: Random;
  readonly owner: string;
  /** Whether this coordinator holds a lease now. */
  readonly holdsLease: () => boolean;
  readonly onNews: (news: JobNews) => void;
}

export class DirectHands {
  readonly #ask: DirectHandsAsk;
  /** What a try handed to the next one of the same recovery. */
  readonly #memories = new Map<string, DirectMemory>();
  readonly #running = new Map<string, () => void>();
  #isStopping = false;

  constructor(ask: DirectHandsAsk) {
    this.#ask = ask;
  }

  act(job: RevivalJob, tryNumber: number): void {
    const { recovery } = job;
    // The core asks again when it hears nothing; the try that runs is the answer.
    if (this.#isStopping || this.#running.has(recovery)) return;
    const { random, owner, actor, lifeWatch, clock, onNews, holdsLease } = this.#ask;
    const interruption = new Promise<void>((resolve) => {
      this.#running.set(recovery, resolve);
    });
    const ask = {
      job,
      tryNumber,
      memory: this.#memories.get(recovery),
      runner: owner,
      mayAct: () => !this.#isStopping && holdsLease(),
      interruption,
      nextTryIn: backoffDelay(tryNumber, { base: job.backoff, max: job.backoffMax }, random),
    };
    void runDirectly(ask, { actor, lifeWatch, clock, onNews })
      .then((memory) => {
        if (memory === undefined) this.#memories.delete(recovery);
        else this.#memories.set(recovery, memory);
      })
      .finally(() => {
        this.#running.delete(recovery);
      });
  }

  /** The lease is lost, or this process stops: what runs ends without a verdict of its own. */
  interrupt(): void {
    for (const interrupt of this.#running.values()) interrupt();
    this.#memories.clear();
  }

  stop(): void {
    this.#isStopping = true;
    this.interrupt();
  }
}
