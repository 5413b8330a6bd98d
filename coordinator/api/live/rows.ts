// One worker, one open recovery, as they are shown live: the same object as before where a person would read the same. Pure.

import type { LeftToPeople, OpenRecovery, WorkerRow } from "../../../proto/rest.ts";
import type { OpenRecoverySummary, RecoverySummary } from "../../core/recovery-summary.ts";
import type { RecoveryRecord } from "../../core/recovery-record.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../core/summary.ts";

/** A picture is told up to so much later than it was made, so an instant that it yields wanders by as much, ms. */
const wander = 500;

export interface Moment {
  /** The coordinator whose picture it is. */
  readonly self: string;
  readonly nowMs: number;
  /** Whether figures are told, too: not oftener than once a second. */
  readonly withFigures: boolean;
}

export function rowOf(
  worker: WorkerSummary,
  before: WorkerRow | undefined,
  moment: Moment,
): WorkerRow {
  const { nowMs } = moment;
  const quarantinedAtMs = instantOf(worker.quarantinedFor, -1, before?.quarantinedAtMs, nowMs);
  const silencedUntilMs = instantOf(worker.silencedFor, 1, before?.silencedUntilMs, nowMs);
  const recovery = recoveryOf(worker.recovery, before?.recovery ?? null);
  const isUrgent =
    before?.verdict !== worker.verdict ||
    before.recovery !== recovery ||
    before.quarantinedAtMs !== quarantinedAtMs ||
    before.silencedUntilMs !== silencedUntilMs ||
    before.silenceReason !== worker.silenceReason;
  if (!isUrgent && !moment.withFigures) return before;
  const row: WorkerRow = {
    id: worker.id,
    role: worker.role,
    verdict: worker.verdict,
    reason: worker.reason,
    host: worker.host,
    probe: worker.probe,
    roundTripMs: readable(worker.roundTrip, before?.roundTripMs, 0.2),
    loss: readable(worker.loss, before?.loss, 0.01),
    load: readable(worker.load ?? -1, before?.load, 0.05),
    standings: standingsOf(worker, before?.standings, moment.self),
    recovery,
    quarantinedAtMs,
    silencedUntilMs,
    silenceReason: worker.silenceReason,
    revivalsInWindow: worker.revivalsInWindow,
  };
  return !isUrgent && isSame(row, before) ? before : row;
}

type Source = RecoverySummary & Pick<WorkerSummary, "id" | "verdict">;

/** Undefined where nothing goes on: one that waits only because a person, or a quarantine, keeps it is left alone. */
function openOf(
  source: Source,
  before: OpenRecovery | undefined,
  record: RecoveryRecord | undefined,
  nowMs: number,
): OpenRecovery | undefined {
  const { recovery } = source;
  if (recovery === undefined) return undefined;
  const isLeftAlone = source.quarantinedFor >= 0 || source.silencedFor >= 0;
  if (recovery.stage === "waiting" && isLeftAlone) return undefined;
  const { id, stage, tries, maxTries, text, dueIn, since } = recovery;
  const isSameStage = before?.stage === stage && before.id === id;
  const toldSince = instantOf(since, -1, before?.detectedAtMs, nowMs) ?? before?.detectedAtMs;
  const detectedAtMs = record?.detectedAt ?? toldSince ?? nowMs;
  const firstSeen = before === undefined && stage === "waiting" ? detectedAtMs : nowMs;
  const open: OpenRecovery = {
    id,
    worker: source.id,
    verdict: record?.verdict ?? recovery.verdict ?? source.verdict,
    action: record?.action ?? recovery.action ?? "",
    stage,
    tries,
    maxTries,
    text,
    detectedAtMs,
    stageAtMs: recordedAt(stage, record) ?? (isSameStage ? before.stageAtMs : firstSeen),
    dueAtMs: instantOf(dueIn, 1, isSameStage ? before.dueAtMs : null, nowMs),
  };
  return before !== undefined && isSame(open, before) ? before : open;
}

/** All open ones, the longest first; the same list as before where nothing in it has changed. */
export function openOnes(
  { workers, services }: Pick<CoordinatorSummary, "workers" | "services">,
  before: readonly OpenRecovery[],
  recordOf: (id: string) => RecoveryRecord | undefined,
  nowMs: number,
): readonly OpenRecovery[] {
  const known = new Map(before.map((one) => [one.worker, one]));
  const open: OpenRecovery[] = [];
  const take = (source: Source): void => {
    const { recovery } = source;
    if (recovery === undefined) return;
    const record = recovery.id === "" ? undefined : recordOf(recovery.id);
    const one = openOf(source, known.get(source.id), record, nowMs);
    if (one !== undefined) open.push(one);
  };
  for (const worker of workers) take(worker);
  for (const service of services) take(service);
  open.sort((a, b) => a.detectedAtMs - b.detectedAtMs || (a.worker < b.worker ? -1 : 1));
  const isKnown = open.length === before.length && open.every((one, i) => one === before[i]);
  return isKnown ? before : open;
}

/** What waits for a person, by name; the same list as before where nothing in it has changed. */
export function leftOnes(
  { services }: Pick<CoordinatorSummary, "services">,
  before: readonly LeftToPeople[],
): readonly LeftToPeople[] {
  const left = services
    .filter((one) => one.left !== "")
    .map(({ id, verdict, reason, left: text, awaitsWord }) => {
      return { worker: id, verdict, reason, text, awaitsWord };
    })
    .sort((a, b) => (a.worker < b.worker ? -1 : 1));
  const isKnown = left.length === before.length;
  return isKnown && left.every((one, i) => isSame(one, before[i] ?? one)) ? before : left;
}

/** When the recovery came to its stage, by its record; undefined where that does not tell (yet). */
function recordedAt(
  stage: OpenRecoverySummary["stage"],
  record: RecoveryRecord | undefined,
): number | undefined {
  const last = record?.tries.at(-1);
  switch (stage) {
    case "waiting":
      return undefined;
    case "enqueueing":
      return unlessZero(record?.decidedAt);
    case "enqueued":
      return unlessZero(record?.enqueuedAt);
    case "acting":
      return unlessZero(last?.startedAt);
    case "verifying":
      return unlessZero(last?.verifiedAt) ?? unlessZero(last?.actedAt);
    case "backing-off":
      return unlessZero(last?.failedAt);
  }
}

const unlessZero = (at: number | undefined): number | undefined => (at === 0 ? undefined : at);

/** @param away from now, ms; -1: there is no such instant */
function instantOf(
  away: number,
  direction: 1 | -1,
  before: number | null | undefined,
  nowMs: number,
): number | null {
  if (away < 0) return null;
  const at = Math.round(nowMs + direction * away);
  const isOld = before !== null && before !== undefined && Math.abs(at - before) <= wander;
  return isOld ? before : at;
}

function recoveryOf(
  open: OpenRecoverySummary | undefined,
  before: WorkerRow["recovery"],
): WorkerRow["recovery"] {
  if (open === undefined) return null;
  const { id, stage, tries, text } = open;
  const row = { id, stage, tries, text };
  return before !== null && isSame(row, before) ? before : row;
}

function standingsOf(
  { standings, standing }: WorkerSummary,
  before: WorkerRow["standings"] | undefined,
  self: string,
): WorkerRow["standings"] {
  const row = { ...standings, [self]: standing };
  return before !== undefined && isSame(row, before) ? before : row;
}

/**
 * A figure of two digits, which stays until the true one is off by a fifth, and by `step` at least: what only trembles
 * is told once.
 * @param value below 0: there is none
 */
export function readable(
  value: number,
  before: number | null | undefined,
  step: number,
): number | null {
  if (value < 0) return null;
  const rounded = Number(value.toPrecision(2));
  if (before === null || before === undefined || value === 0) return rounded;
  return Math.abs(value - before) < Math.max(step, before / 5) ? before : rounded;
}

/** Of the same properties, each the very same. */
function isSame<Row extends object>(a: Row, b: Row): boolean {
  const keys = Object.keys(a) as (keyof Row)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
