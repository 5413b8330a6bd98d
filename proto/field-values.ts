// Values as they are written into a message, each checked for its range: what cannot travel is an assertion of the sender.

import assert from "node:assert/strict";
import { isName } from "./text.ts";
import type { Duration } from "./units.ts";

export function name(text: string): string {
  assert(isName(text), `not a name that can travel: ${JSON.stringify(text.slice(0, 300))}`);
  return text;
}

export const nameOrEmpty = (text: string): string => (text === "" ? "" : name(text));

export function count(value: number, lowest = 0, highest = Number.MAX_SAFE_INTEGER): number {
  assert(
    Number.isSafeInteger(value) && value >= lowest && value <= highest,
    `expected a whole number from ${lowest} to ${highest}, got ${value}`,
  );
  return value;
}

/** Rounded up, so that nothing looks fresher than it is and no promise is shorter than was meant. */
export const age = (ms: Duration): number => count(Math.min(Math.ceil(ms), longest));

/** Rounded to the nearest, so that times that are passed on and on do not drift. */
export const remembered = (ms: Duration): number => count(Math.min(Math.round(ms), longest));

/** Who hears an absurd time and adds to it must still be able to pass it on. */
const longest = Number.MAX_SAFE_INTEGER;

export const hundredths = (value: number): number => count(Math.round(value * 100));

export function atMost<Item>(most: number, items: readonly Item[]): readonly Item[] {
  assert(items.length <= most, `expected at most ${most} items, got ${items.length}`);
  return items;
}
