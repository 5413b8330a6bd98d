// Looks for a seed that finds a planted mistake.

import { runFleet } from "./fleet.ts";
import type { Mutant } from "./mutants.ts";

/** Of each run: virtual seconds under faults, and workers. */
export const mutantBounds = { seconds: 30, mostWorkers: 10 } as const;
/** Seeds within which each mistake must be found. */
export const mutantSeeds = 2_000;

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

export async function findMutant(
  { mood, also = [], ...mutation }: Mutant,
  seeds: { readonly from: number; readonly count: number; readonly cores?: number },
): Promise<Found | undefined> {
  let found: Found | undefined;
  await runFleet({
    ...seeds,
    ...mutantBounds,
    mood,
    within: Number.MAX_SAFE_INTEGER,
    override: {},
    isTold: false,
    isPlain: true,
    mutations: [mutation, ...also],
    onLine: ({ result: { seed, violation } }) => {
      if (violation !== undefined) found ??= { seed, violation };
    },
    isEnough: () => found !== undefined,
  });
  return found;
}
