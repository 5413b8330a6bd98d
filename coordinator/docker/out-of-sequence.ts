// A manager refuses what was made from an older version of a node or service: somebody else, or its own updater, was faster.

import { setTimeout as sleep } from "node:timers/promises";
import { hasStatus } from "./engines.ts";

/** So often is it said anew, after so many ms. */
const attempts = { most: 5, apart: 100 };

/** The engine has no status of its own for it. */
export const isOutOfSequence = (error: unknown): boolean =>
  hasStatus(error, 500) && error.detail.includes("out of sequence");

/** @param change reads, and writes on the version that it read; called again where somebody else was faster */
export async function inSequence<Told>(change: () => Promise<Told>): Promise<Told> {
  for (let left = attempts.most; ; left--) {
    try {
      return await change();
    } catch (error) {
      if (left <= 1 || !isOutOfSequence(error)) throw error;
      await sleep(attempts.apart);
    }
  }
}
