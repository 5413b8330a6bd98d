// What many runs measured, summed up.

import { statisticsOf } from "../bench/report.ts";

/** ms */
export interface Spread {
  readonly n: number;
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
}

export interface FalseVerdicts {
  readonly falseVerdicts: number;
  readonly workerHours: number;
  /** 95 % upper bound of false verdicts in 1,000 worker-hours. */
  readonly upperBound: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const { n, median, p99, max } = statisticsOf(values);
  return { n, median: Math.round(median), p99: Math.round(p99), worst: Math.round(max) };
}

export const describeSpread = ({ n, median, p99, worst }: Spread): string =>
  `${median} / ${p99} / ${worst} ms (${n})`;

export const falseVerdictsOf = (falseVerdicts: number, workerHours: number): FalseVerdicts => ({
  falseVerdicts,
  workerHours,
  upperBound: (1000 * poissonUpper(falseVerdicts)) / workerHours,
});

/** 95 % upper bound of the mean of a Poisson count, one-sided; Wilson and Hilferty's approximation of the chi-square quantile. */
function poissonUpper(count: number): number {
  if (count === 0) return -Math.log(0.05);
  const k = count + 1;
  return k * (1 - 1 / (9 * k) + 1.6449 / (3 * Math.sqrt(k))) ** 3;
}
