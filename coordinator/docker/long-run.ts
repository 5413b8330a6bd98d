// Work that goes on until it is told to stop.

import { setTimeout as sleep } from "node:timers/promises";
import type { Duration } from "../../proto/units.ts";

export class LongRun {
  readonly #work: (stopping: AbortSignal) => Promise<void>;
  #abort: AbortController | undefined;
  #running: Promise<void> | undefined;

  /** @param work ends soon after the signal */
  constructor(work: (stopping: AbortSignal) => Promise<void>) {
    this.#work = work;
  }

  /** Idempotent. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#abort = new AbortController();
    this.#running = this.#work(this.#abort.signal);
  }

  /** Resolves when the work has ended. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#running;
    this.#running = undefined;
  }
}

/** The wait between two rounds of work. */
export class Break {
  #woken: AbortController | undefined;

  /** Ends the wait that is under way. */
  wake(): void {
    this.#woken?.abort();
  }

  /** @param gather so long it lasts on when it was woken, so that several wakings are one */
  async wait(ms: Duration, gather: Duration, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#woken = woken;
    await pause(ms, AbortSignal.any([signal, woken.signal]));
    if (woken.signal.aborted) await pause(gather, signal);
  }
}

/** A call, since the compiler takes a signal that was looked at once as never changing. */
export const isOpen = (signal: AbortSignal): boolean => !signal.aborted;

/** Ends early, without an exception, when the signal says so. */
export async function pause(ms: Duration, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
