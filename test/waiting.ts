// The waiting that real parts need: for a time, or until something is so.

import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds. */
export const pause = (ms: number): Promise<void> => sleep(ms);

/** What takes a second alone may take several beside other tests: all patience is so many times longer. */
const busy = 3;

/** Waits until `found` gives something but false; throws with `what` after a multiple of `patience` ms. */
export async function until<Value>(
  what: string,
  found: () => Promise<Value | undefined> | Value | undefined,
  patience = 10_000,
  every = 10,
): Promise<Value> {
  const end = performance.now() + busy * patience;
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not within ${busy * patience} ms: ${what}`);
    await sleep(every);
  }
}

/** How long that took, ms. */
export async function timeUntil(
  what: string,
  isSo: () => boolean,
  patience?: number,
): Promise<number> {
  const begun = performance.now();
  await until(what, isSo, patience);
  return performance.now() - begun;
}
