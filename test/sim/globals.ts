// What the bundle gives the product in place of Node's globals: timers and clocks of the simulated thread that runs just now.

import { currentLoop, type Timer } from "./loop.ts";

type Callback = (...values: unknown[]) => void;

export const setTimeout = (run: Callback, ms = 1, ...values: unknown[]): Timer =>
  currentLoop().setTimer(
    () => {
      run(...values);
    },
    ms,
    false,
  );

export const setInterval = (run: Callback, ms = 1, ...values: unknown[]): Timer =>
  currentLoop().setTimer(
    () => {
      run(...values);
    },
    ms,
    true,
  );

export const clearTimeout = (timer: Timer | undefined): void => {
  if (timer !== undefined) timer.isOver = true;
};

export const clearInterval = (timer: Timer | undefined): void => {
  clearTimeout(timer);
};

export const setImmediate = (run: Callback, ...values: unknown[]): void => {
  currentLoop().setImmediate(() => {
    run(...values);
  });
};

export const performance = {
  now: (): number => currentLoop().now(),
};

/** Stands for `process.hrtime.bigint`: shared by all threads of a process. */
export const simHrtime = (): bigint => BigInt(Math.round(currentLoop().process.monotonic() * 1e6));
