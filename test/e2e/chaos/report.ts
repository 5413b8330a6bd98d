// What a run comes to: counts, how long healing took, and each violation with its evidence. Pure.

import type { Evidence } from "./evidence.ts";
import { lostDeeds, type Violation } from "./laws.ts";
import { brokenStories, isOrphaned } from "./record-laws.ts";
import { troublesOf } from "./troubles.ts";

export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  /** Planted. */
  readonly faults: number;
  readonly skipped: number;
  /** Of workers: what a recovery had to end. */
  readonly failures: number;
  readonly healed: number;
  /** From the failure to the first healthy answer; null where nothing failed. */
  readonly healMs: { readonly median: number; readonly worst: number } | null;
  readonly recoveries: number;
  /** Calls that are on no record, since Redis was away and their leader was killed. */
  readonly lostDeeds: number;
  /** Recoveries whose end is on no record, for the same reason. */
  readonly orphaned: number;
  /** Recoveries whose begin or end no event tells, or two do, since the leader changed meanwhile. */
  readonly brokenStories: number;
  readonly leaders: number;
  readonly violations: readonly Violation[];
}

export function reportOf(
  run: { readonly evidence: Evidence; readonly violations: readonly Violation[] },
  { seed, minutes }: { readonly seed: number; readonly minutes: number },
): ChaosReport {
  const { evidence, violations } = run;
  const failures = failuresOf(evidence);
  const times = failures.flatMap((one) => (one === null ? [] : [one])).sort((a, b) => a - b);
  const planted = evidence.faults.filter(({ skipped }) => skipped === "");
  return {
    seed,
    minutes,
    faults: planted.length,
    skipped: evidence.faults.length - planted.length,
    failures: failures.length,
    healed: times.length,
    healMs:
      times.length === 0
        ? null
        : { median: times[Math.floor(times.length / 2)] ?? 0, worst: times.at(-1) ?? 0 },
    recoveries: evidence.recoveries.length,
    lostDeeds: lostDeeds(evidence),
    orphaned: evidence.recoveries.filter((one) => isOrphaned(evidence, one)).length,
    brokenStories: brokenStories(evidence),
    leaders: evidence.events.filter(({ kind }) => kind === "leader-changed").length,
    violations,
  };
}

/**
 * How long each failure took until a healthy answer proved it healed, or, where a change of leader cut its record short,
 * until its trouble was over; ms, null where it never was. Troubles of a worker that follow from each other are one failure.
 */
function failuresOf(evidence: Evidence): readonly (number | null)[] {
  return evidence.workers.flatMap(({ name }) => {
    const verified = evidence.recoveries
      .filter(({ worker }) => worker === `lab/${name}`)
      .flatMap(({ verifiedAtMs }) => verifiedAtMs ?? [])
      .sort((a, b) => a - b);
    const times: (number | null)[] = [];
    let healedAt = 0;
    const all = troublesOf(evidence).filter(({ worker }) => worker === name);
    for (const { fromMs, toMs, text } of all.sort((a, b) => a.fromMs - b.fromMs)) {
      // A cut may end before anybody has to act.
      if (fromMs <= healedAt || text === "no PING reaches it") continue;
      const over = Number.isFinite(toMs) ? toMs : undefined;
      const at = verified.find((one) => one > fromMs) ?? over;
      times.push(at === undefined ? null : at - fromMs);
      healedAt = at ?? Infinity;
    }
    return times;
  });
}

export function tellReport(report: ChaosReport, beganMs: number): string {
  const { seed, minutes, healMs, violations } = report;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const heal =
    healMs === null
      ? ""
      : ` in ${seconds(healMs.median)} (median), ${seconds(healMs.worst)} (worst)`;
  return [
    `\nSeed ${seed}, ${minutes} minutes: ${report.faults} faults planted (${report.skipped} found nobody to strike),`,
    `${report.failures} failures of workers, ${report.healed} healed${heal};`,
    `${report.recoveries} recoveries, ${report.leaders} changes of leader;`,
    `${report.lostDeeds} calls and ${report.orphaned} ends on no record (Redis away, their leader killed), ${report.brokenStories} recoveries told not once but recorded (leader changed);`,
    `${violations.length} violations.`,
    ...violations.map(
      ({ law, worker, atMs, text }) =>
        `  VIOLATED at ${seconds(atMs - beganMs)}: ${law}${worker === "" ? "" : ` (${worker})`}\n    ${text}`,
    ),
  ].join("\n");
}
