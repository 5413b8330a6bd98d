// Notices a BullMQ worker that says it runs and takes no jobs (bullmq#4378): small jobs go through the same queue, and each worker must get its share.

import type { Duration } from "../../proto/units.ts";

export interface CanaryAsk {
  readonly every: Duration;
  /**
   * So many canaries went into the queue since the worker at hand took one: it is dead. Redis serves whoever has waited longest,
   * so that among n living workers each gets every n-th; eight leaves room for the seven coordinators that may exist.
   */
  readonly missed: number;
  /** Puts one in; rejects while Redis is away, which then counts for nothing. */
  readonly add: () => Promise<void>;
  /** A worker with all hands full takes none and is no less alive. */
  readonly isBusy: () => boolean;
  readonly onDead: (missed: number) => void;
}

export const canaryName = "canary";

export class Canary {
  readonly #ask: CanaryAsk;
  #sinceTaken = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(ask: CanaryAsk) {
    this.#ask = ask;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#send(), this.#ask.every);
  }

  /** Our worker took a canary, whoever sent it. */
  onTaken(): void {
    this.#sinceTaken = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #send(): Promise<void> {
    if (this.#ask.isBusy()) {
      this.#sinceTaken = 0;
      return;
    }
    if (this.#sinceTaken >= this.#ask.missed) {
      const missed = this.#sinceTaken;
      this.#sinceTaken = 0;
      this.#ask.onDead(missed);
      return;
    }
    try {
      await this.#ask.add();
      this.#sinceTaken++;
    } catch {
      // Redis is away: nothing can be said of the worker.
    }
  }
}
