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
  /** For the record alone: what it began and will not end. The core has given it up by itself. */
  readonly onAbandoned: (news: JobNews) => void;
}

export class DirectHands {
  readonly #ask: DirectHandsAsk;
  /** What a try handed to the next one of the same recovery. */
  readonly #memories = new Map<string, DirectMemory>();
  readonly #running = new Map<string, () => void>();
  /** Begun, and not heard to have ended. */
  readonly #open = new Map<string, RevivalJob>();
  #isStopping = false;

  constructor(ask: DirectHandsAsk) {
    this.#ask = ask;
  }

  act(job: RevivalJob, tryNumber: number): void {
    const { recovery } = job;
    // The core asks again when it hears nothing; the try that runs is the answer.
    if (this.#isStopping || this.#running.has(recovery)) return;
    const { random, owner, actor, lifeWatch, clock, holdsLease } = this.#ask;
    let isInterrupted = false;
    const interruption = new Promise<void>((resolve) => {
      this.#running.set(recovery, () => {
        isInterrupted = true;
        resolve();
      });
    });
    this.#open.set(recovery, job);
    const onNews = (news: JobNews): void => {
      if (isEnd(news)) this.#open.delete(recovery);
      this.#ask.onNews(news);
    };
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
        if (isInterrupted) this.#abandon(job);
      });
  }

  /** The lease is lost, or this process stops: what runs ends without a verdict of its own. */
  interrupt(): void {
    for (const interrupt of this.#running.values()) interrupt();
    for (const job of [...this.#open.values()]) {
      if (!this.#running.has(job.recovery)) this.#abandon(job);
    }
    this.#memories.clear();
  }

  stop(): void {
    this.#isStopping = true;
    this.interrupt();
  }

  #abandon({ token, recovery }: RevivalJob): void {
    if (!this.#open.delete(recovery)) return;
    const reason = "its leader gave up leading before it ended; whoever leads then decides anew";
    this.#ask.onAbandoned({
      kind: "superseded",
      token,
      recovery,
      reason,
      at: this.#ask.clock.wall(),
    });
  }
}

const isEnd = ({ kind }: JobNews): boolean =>
  kind === "recovered" || kind === "exhausted" || kind === "superseded";
