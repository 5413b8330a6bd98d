// What every benchmark reports: a table for people, and one line of JSON for machines.

import assert from "node:assert/strict";

export interface Statistics {
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly mean: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** One line of a benchmark; `limit` is the number that `ok` was held to, null where there is none. */
export interface BenchResult extends Statistics {
  readonly name: string;
  readonly unit: string;
  readonly limit: number | null;
  readonly ok: boolean;
}

export type Statistic = Exclude<keyof Statistics, "n">;

/** A bound on one statistic, `median` where not said. */
export interface BenchLimit {
  readonly of?: Statistic;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** `ok` when every limit is kept; the first one is shown. No sample at all is never ok, and its statistics are 0. */
export function summarize(
  name: string,
  samples: readonly number[],
  unit: string,
  ...limits: readonly BenchLimit[]
): BenchResult {
  const statistics = statisticsOf(samples);
  const first = limits[0];
  return {
    name,
    ...statistics,
    unit,
    limit: first?.atMost ?? first?.atLeast ?? null,
    ok: statistics.n > 0 && limits.every((limit) => isKept(limit, statistics)),
  };
}

/** Of no sample at all: 0 each. */
export function statisticsOf(samples: readonly number[]): Statistics {
  const sorted = [...samples].sort((a, b) => a - b);
  const n = sorted.length;
  const share = (part: number): number => sorted[Math.ceil(n * part) - 1] ?? 0;
  return {
    n,
    min: sorted[0] ?? 0,
    median: ((sorted[(n - 1) >> 1] ?? 0) + (sorted[n >> 1] ?? 0)) / 2,
    mean: n === 0 ? 0 : sorted.reduce((sum, sample) => sum + sample, 0) / n,
    p95: share(0.95),
    p99: share(0.99),
    max: sorted[n - 1] ?? 0,
  };
}

function isKept(limit: BenchLimit, statistics: Statistics): boolean {
  const { of = "median", atMost, atLeast } = limit;
  assert(atMost !== undefined || atLeast !== undefined, "a limit bounds something");
  return statistics[of] <= (atMost ?? Infinity) && statistics[of] >= (atLeast ?? -Infinity);
}

export function printTable(results: readonly BenchResult[]): void {
  const rows = [
    ["name", "n", "min", "median", "mean", "p95", "max", "unit", "limit", ""],
    ...results.map((result) => [
      result.name,
      String(result.n),
      ...[result.min, result.median, result.mean, result.p95, result.max].map(formatNumber),
      result.unit,
      result.limit === null ? "" : formatNumber(result.limit),
      result.ok ? "ok" : "MISSED",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 || column === 7
        ? cell.padEnd(widths[column] ?? 0)
        : cell.padStart(widths[column] ?? 0),
    );
    console.log(cells.join("  ").trimEnd());
  }
}

/** The last line of a benchmark that was called with `--json`. */
export function printJson(bench: string, results: readonly BenchResult[]): void {
  console.log(JSON.stringify({ bench, results }));
}

/** Four significant digits, without an exponent. */
function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toFixed(digits);
}
