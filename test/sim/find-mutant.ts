// Looks for a seed that finds a planted mistake.

import { runFleet } from "./fleet.ts";
import type { Mutation } from "./bundle.ts";

/** Of each run: virtual seconds under faults, and workers. */
export const mutantBounds = { seconds: 30, mostWorkers: 10 } as const;

export interface Found {
  readonly seed: number;
  readonly violation: string;
  /** Seeds that ran. */
  readonly after: number;
}

export async function findMutant(
  mutation: Mutation,
  seeds: { readonly from: number; readonly count: number; readonly cores?: number },
): Promise<Found | undefined> {
  let found: Found | undefined;
  let ran = 0;
  await runFleet({
    ...seeds,
    ...mutantBounds,
    within: Number.MAX_SAFE_INTEGER,
    override: {},
    isTold: false,
    mutations: [mutation],
    onLine: ({ result: { seed, violation } }) => {
      ran++;
      if (violation !== undefined) found ??= { seed, violation, after: ran };
    },
    isEnough: () => found !== undefined,
  });
  return found;
}
