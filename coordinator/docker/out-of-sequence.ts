// A manager refuses what was made from an older version of a node or service: somebody else, or its own updater, was faster.

import { hasStatus } from "./engines.ts";

/** The engine has no status of its own for it. */
export const isOutOfSequence = (error: unknown): boolean =>
  hasStatus(error, 500) && error.detail.includes("out of sequence");
