// One recovery as it is written down for people: the time of every stage, every try, evidence and outcome. Wall-clock ms throughout.

import type { WorkerId } from "../../proto/units.ts";
import type { ActionKind, Evidence, VerdictKind } from "./decision.ts";
import type { JobNews, RevivalJob, Token } from "./job.ts";

/** 0 stands for "not yet" in every instant, so that a record is the same in JSON. */
export interface TryRecord {
  readonly number: number;
  readonly runner: string;
  readonly startedAt: number;
  readonly actedAt: number;
  readonly verifiedAt: number;
  readonly failedAt: number;
  /** Why it failed; empty while it has not. */
  readonly reason: string;
  /** False for a try that is no try, because the engine did not answer. */
  readonly counts: boolean;
}

export interface RecoveryRecord {
  readonly id: string;
  readonly worker: WorkerId;
  readonly token: Token;
  readonly action: ActionKind;
  readonly verdict: VerdictKind;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  /** When it was last heard to be well; absent where nobody was heard. */
  readonly aliveAt?: number;
  readonly detectedAt: number;
  readonly decidedAt: number;
  readonly enqueuedAt: number;
  readonly tries: readonly TryRecord[];
  readonly maxTries: number;
  /** Of the last try that got so far. */
  readonly verifiedAt: number;
  readonly recoveredAt: number;
  readonly endedAt: number;
  readonly outcome: "running" | "recovered" | "exhausted" | "superseded";
  /** Why it ended as it did, where that needs a reason. */
  readonly outcomeReason: string;
  /** Who acted last. */
  readonly runner: string;
}

/** A recovery of which at most this many tries are written down; the oldest that do not count are forgotten first. */
const triesKept = 50;

export const beginRecord = (job: RevivalJob): RecoveryRecord => ({
  id: job.recovery,
  worker: job.token.worker,
  token: job.token,
  action: job.action,
  verdict: job.verdict,
  reason: job.reason,
  evidence: job.evidence,
  ...(job.aliveAt === undefined ? {} : { aliveAt: job.aliveAt }),
  detectedAt: job.detectedAt,
  decidedAt: job.decidedAt,
  enqueuedAt: 0,
  tries: [],
  maxTries: job.maxTries,
  verifiedAt: 0,
  recoveredAt: 0,
  endedAt: 0,
  outcome: "running",
  outcomeReason: "",
  runner: "",
});

/** The record after the news; the same object where the news is of another recovery, or tells nothing new. */
export function applyNews(record: RecoveryRecord, news: JobNews): RecoveryRecord {
  if (!("recovery" in news) || news.recovery !== record.id) return record;
  if (record.outcome !== "running" || isRepeated(record, news)) return record;
  switch (news.kind) {
    case "job-enqueued":
      return record.enqueuedAt === 0 ? { ...record, enqueuedAt: news.at } : record;
    case "try-started":
      return onTryStarted(record, news);
    case "acted":
      return onLastTry(record, (last) =>
        last.actedAt === 0 ? { ...last, actedAt: news.at } : last,
      );
    case "verified": {
      const next = onLastTry(record, (last) =>
        last.verifiedAt === 0 ? { ...last, verifiedAt: news.at } : last,
      );
      return next === record ? record : { ...next, verifiedAt: news.at };
    }
    case "try-failed":
      return onLastTry(record, (last) =>
        last.failedAt === 0
          ? { ...last, failedAt: news.at, reason: news.reason, counts: news.counts }
          : last,
      );
    case "recovered":
      return { ...end(record, "recovered", news.at, ""), recoveredAt: news.at };
    case "exhausted":
      return end(record, "exhausted", news.at, news.reason);
    case "superseded":
      return end(record, "superseded", news.at, news.reason);
  }
}

/** Whoever begins to follow a job hears of its last try again: what the record has of it stays as it is. */
function isRepeated({ tries }: RecoveryRecord, news: JobNews & { readonly at: number }): boolean {
  const { at } = news;
  switch (news.kind) {
    case "try-started":
      return tries.some((one) => one.startedAt === at && one.number === news.tryNumber);
    case "acted":
      return tries.some(({ actedAt }) => actedAt === at);
    case "verified":
      return tries.some(({ verifiedAt }) => verifiedAt === at);
    case "try-failed":
      return tries.some((one) => one.failedAt === at && one.number === news.tryNumber);
    default:
      return false;
  }
}

/**
 * What two coordinators know of one recovery, together. Either may have begun to follow its job half-way, or have been killed
 * before its end. In whatever order records are merged, the outcome is the same.
 */
export function mergeRecords(a: RecoveryRecord, b: RecoveryRecord): RecoveryRecord {
  const tries = [...a.tries];
  for (const one of b.tries) {
    const at = tries.findIndex((other) => isSameTry(one, other));
    const other = tries[at];
    if (other === undefined) tries.push(one);
    else tries[at] = mergeTries(other, one);
  }
  const kept = withinBound(tries.sort((x, y) => x.startedAt - y.startedAt));
  const verified = kept.findLast(({ verifiedAt }) => verifiedAt > 0);
  const { endedAt, recoveredAt, outcome, outcomeReason } = endsFirst(a, b) ? a : b;
  return {
    ...a,
    enqueuedAt: first(a.enqueuedAt, b.enqueuedAt),
    tries: kept,
    verifiedAt: verified?.verifiedAt ?? 0,
    recoveredAt,
    endedAt,
    outcome,
    outcomeReason,
    runner: kept.at(-1)?.runner ?? "",
  };
}

/** A try is told again whenever a runner goes on with it, so its start may be a later one for who missed the first. */
function isSameTry(a: TryRecord, b: TryRecord): boolean {
  if (a.number !== b.number) return false;
  if (a.startedAt === b.startedAt) return true;
  const [earlier, later] = a.startedAt < b.startedAt ? [a, b] : [b, a];
  return earlier.failedAt === 0 || later.startedAt < earlier.failedAt;
}

function mergeTries(a: TryRecord, b: TryRecord): TryRecord {
  const failedAt = first(a.failedAt, b.failedAt);
  const failed = a.failedAt === failedAt ? a : b;
  return {
    number: a.number,
    runner: isRunnersLater(a, b) ? a.runner : b.runner,
    startedAt: Math.min(a.startedAt, b.startedAt),
    actedAt: first(a.actedAt, b.actedAt),
    verifiedAt: first(a.verifiedAt, b.verifiedAt),
    failedAt,
    reason: failed.reason,
    counts: failed.counts,
  };
}

/** Whose runner is the one that had the try last. */
function isRunnersLater(a: TryRecord, b: TryRecord): boolean {
  const order = a.startedAt - b.startedAt || stagesOf(a) - stagesOf(b);
  return order === 0 ? a.runner >= b.runner : order > 0;
}

const stagesOf = ({ actedAt, verifiedAt, failedAt }: TryRecord): number =>
  [actedAt, verifiedAt, failedAt].filter((at) => at > 0).length;

/** The earlier of two instants, of which 0 is none. */
const first = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : Math.min(a, b));

function endsFirst(a: RecoveryRecord, b: RecoveryRecord): boolean {
  if (a.endedAt === 0 || b.endedAt === 0) return a.endedAt > 0;
  return a.endedAt === b.endedAt ? a.outcome <= b.outcome : a.endedAt < b.endedAt;
}

function onTryStarted(
  record: RecoveryRecord,
  news: Extract<JobNews, { kind: "try-started" }>,
): RecoveryRecord {
  const last = record.tries.at(-1);
  // A stalled try that another runner goes on with is the same try.
  if (last?.number === news.tryNumber && last.failedAt === 0) {
    if (last.runner === news.runner) return record;
    const goesOn = { ...last, runner: news.runner };
    return { ...record, runner: news.runner, tries: [...record.tries.slice(0, -1), goesOn] };
  }
  const earlier = onLastTry(record, (one) => (one.failedAt === 0 ? unheard(one, news) : one)).tries;
  const begun: TryRecord = {
    number: news.tryNumber,
    runner: news.runner,
    startedAt: news.at,
    actedAt: 0,
    verifiedAt: 0,
    failedAt: 0,
    reason: "",
    counts: true,
  };
  return { ...record, runner: news.runner, tries: withinBound([...earlier, begun]) };
}

/** A try whose end is lost, as when Redis lost its last second: it is over, for the next one has begun. */
const unheard = (
  one: TryRecord,
  { at, tryNumber }: Extract<JobNews, { kind: "try-started" }>,
): TryRecord => ({
  ...one,
  failedAt: at,
  reason: `its end was not heard; try ${tryNumber} has begun since`,
});

function withinBound(tries: readonly TryRecord[]): readonly TryRecord[] {
  if (tries.length <= triesKept) return tries;
  const free = tries.findIndex((one) => !one.counts);
  return tries.toSpliced(free === -1 ? 0 : free, 1);
}

function onLastTry(record: RecoveryRecord, change: (last: TryRecord) => TryRecord): RecoveryRecord {
  const last = record.tries.at(-1);
  if (last === undefined) return record;
  const changed = change(last);
  return changed === last ? record : { ...record, tries: [...record.tries.slice(0, -1), changed] };
}

const end = (
  record: RecoveryRecord,
  outcome: Exclude<RecoveryRecord["outcome"], "running">,
  at: number,
  reason: string,
): RecoveryRecord => ({ ...record, outcome, endedAt: at, outcomeReason: reason });
