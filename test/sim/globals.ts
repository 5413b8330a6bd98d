// What the bundle gives the product in place of Node's globals: timers and clocks of the simulated thread that runs just now.

import { currentLoop, type Timer } from "./loop.ts";

type Callback = (...values: unknown[]) => void;

/** Most are given nothing to pass on. */
const withValues = (run: Callback, values: readonly unknown[]): (() => void) =>
  values.length === 0
    ? run
    : () => {
        run(...values);
      };

export const setTimeout = (run: Callback, ms = 1, ...values: unknown[]): Timer =>
  currentLoop().setTimer(withValues(run, values), ms, false);

export const setInterval = (run: Callback, ms = 1, ...values: unknown[]): Timer =>
  currentLoop().setTimer(withValues(run, values), ms, true);

export const clearTimeout = (timer: Timer | undefined): void => {
  if (timer !== undefined) timer.isOver = true;
};

export const clearInterval = (timer: Timer | undefined): void => {
  clearTimeout(timer);
};

export const setImmediate = (run: Callback, ...values: unknown[]): void => {
  currentLoop().setImmediate(withValues(run, values));
};

export const performance = {
  now: (): number => currentLoop().now(),
};

/** Stands for `process.hrtime.bigint`: shared by all threads of a process. */
export const simHrtime = (): bigint => BigInt(Math.round(currentLoop().process.monotonic() * 1e6));

/** Node's own costs 10 µs, and each check of each agent makes one. */
export class AbortSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Map<() => void, { readonly once: boolean }>();

  static any(signals: readonly AbortSignal[]): AbortSignal {
    const joined = new AbortSignal();
    for (const signal of signals) {
      if (signal.aborted) joined.abort(signal.reason);
      else
        signal.addEventListener("abort", () => {
          joined.abort(signal.reason);
        });
    }
    return joined;
  }

  static timeout(ms: number): AbortSignal {
    const signal = new AbortSignal();
    setTimeout(() => {
      signal.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    }, ms);
    return signal;
  }

  addEventListener(_name: "abort", listener: () => void, options?: { once?: boolean }): void {
    this.#listeners.set(listener, { once: options?.once === true });
  }

  removeEventListener(_name: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const [listener, { once }] of [...this.#listeners]) {
      if (once) this.#listeners.delete(listener);
      listener();
    }
  }
}

export class AbortController {
  readonly signal = new AbortSignal();

  abort(reason: unknown = new DOMException("This operation was aborted", "AbortError")): void {
    this.signal.abort(reason);
  }
}
