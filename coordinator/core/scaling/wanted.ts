// How many replicas a load asks for. Pure.

/** So near the target, as a share of it, a load asks for nothing. */
const deadBand = 0.1;
/** What adding up loads may cost. */
const rounding = 1e-9;

export interface LoadReport {
  readonly replicas: number;
  /** Of each task that tells one. */
  readonly loads: readonly number[];
}

/** On average over the tasks that tell one; undefined where none does. */
export const meanOf = (loads: readonly number[]): number | undefined =>
  loads.length === 0 ? undefined : loads.reduce((sum, one) => sum + one, 0) / loads.length;

/**
 * ceil(replicas × load / target). Tasks that tell nothing count as idle where more are asked for, and as loaded by the target where fewer
 * are; where that turns it round, nothing is asked for. Undefined where no task tells anything.
 */
export function wantedOf({ replicas, loads }: LoadReport, target: number): number | undefined {
  const told = meanOf(loads);
  if (told === undefined) return undefined;
  const silent = Math.max(0, replicas - loads.length);
  const assumed = told > target ? 0 : target;
  const share = (told * loads.length + assumed * silent) / (loads.length + silent) / target;
  const isTurned = told > target !== share > 1;
  if (isTurned || Math.abs(share - 1) <= deadBand + rounding) return replicas;
  return Math.ceil(replicas * share - rounding);
}
