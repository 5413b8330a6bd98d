// The dead-man call: while this coordinator leads with a lease, a URL is called every minute. Whoever waits there raises the alarm when it stops.

import type { Logger } from "pino";
import type { Clock } from "../../agent/io/clock.ts";
import { elapsed, type Duration, type Instant } from "../../proto/units.ts";
import type { Secret } from "../config.ts";
import { inTime } from "../io/in-time.ts";
import { currentText } from "../secret.ts";

export interface DeadmanOptions {
  readonly url: Secret;
  /** Asked right before each call. */
  readonly holdsLease: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between calls; after a failed one a quarter of it. */
  readonly every?: Duration;
}

export class DeadmanCall {
  readonly #options: DeadmanOptions;
  readonly #every: Duration;
  #nextAt: Instant | undefined;
  #timer: NodeJS.Timeout | undefined;
  #calling: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(options: DeadmanOptions) {
    this.#options = options;
    this.#every = options.every ?? 60_000;
  }

  start(): void {
    const tick = Math.min(1000, this.#every / 4);
    this.#timer ??= setInterval(() => {
      this.#onTick();
    }, tick);
    this.#timer.unref();
  }

  /** Ends a call that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stop.abort();
    await this.#calling;
  }

  #onTick(): void {
    if (this.#calling !== undefined || !this.#options.holdsLease()) return;
    const now = this.#options.clock.now();
    if (this.#nextAt !== undefined && elapsed(now, this.#nextAt) > 0) return;
    this.#calling = this.#call().finally(() => {
      this.#calling = undefined;
    });
  }

  async #call(): Promise<void> {
    const began = this.#options.clock.now();
    const wait = (await this.#isTaken()) ? this.#every : this.#every / 4;
    this.#nextAt = (began + wait) as Instant;
  }

  async #isTaken(): Promise<boolean> {
    const { url, log } = this.#options;
    const call = async (signal: AbortSignal): Promise<Response> => {
      const answer = await fetch(currentText(url), { signal, redirect: "follow" });
      await answer.body?.cancel();
      return answer;
    };
    try {
      const within = Math.min(10_000, this.#every / 2);
      const response = await inTime(within, call, this.#stop.signal);
      if (!response.ok) log.warn({ status: response.status }, "the dead-man call was refused");
      return response.ok;
    } catch {
      // The cause may carry the URL, which may be a secret.
      if (!this.#stop.signal.aborted) log.warn("the dead-man call got no answer");
      return false;
    }
  }
}
