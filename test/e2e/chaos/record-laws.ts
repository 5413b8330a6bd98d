// The checker's part about the record: every recovery is on it with all its stages, by the API, the events and BullMQ alike. Pure.

import type { RecoveryView } from "../../../proto/rest.ts";
import { bounds, type Evidence, type PlantedFault } from "./evidence.ts";
import type { Violation } from "./laws.ts";

const law = "every recovery on record with all its stages";

export function recordLaws(evidence: Evidence): readonly Violation[] {
  return [
    ...evidence.recoveries.flatMap((recovery) => [
      ...ended(evidence, recovery),
      ...stagesInOrder(evidence, recovery),
      ...told(evidence, recovery),
      ...inQueue(evidence, recovery),
    ]),
    ...jobs(evidence),
    ...caps(evidence),
  ];
}

function violation({ worker, id, decidedAtMs }: RecoveryView, text: string): Violation {
  return { law, worker: worker.replace("lab/", ""), atMs: decidedAtMs, text: `${id}: ${text}` };
}

/** Done directly, by a leader that was killed before it could write down the end. Counted apart. */
export const isOrphaned = (evidence: Evidence, recovery: RecoveryView): boolean =>
  recovery.outcome === "running" &&
  wasDirect(evidence, recovery) &&
  evidence.faults.some(
    (fault) => isKillOf(fault, recovery.runner) && fault.atMs >= recovery.decidedAtMs,
  );

/** @param runner `<coordinator>.<boot id>` */
export const isKillOf = ({ kind, target }: PlantedFault, runner: string): boolean =>
  (kind === "coordinator-killed" || kind === "quorum-killed") &&
  target.split("+").includes(runner.split(".")[0] ?? "");

function ended(evidence: Evidence, recovery: RecoveryView): readonly Violation[] {
  const { outcome, outcomeReason, endedAtMs, tries } = recovery;
  if (isOrphaned(evidence, recovery)) return [];
  if (outcome === "running" || endedAtMs === null) return [violation(recovery, "it never ended")];
  if (outcome === "exhausted") {
    return [violation(recovery, `it was given up after ${tries.length} tries: ${outcomeReason}`)];
  }
  if (outcome === "superseded" && outcomeReason === "") {
    return [violation(recovery, "superseded without a reason")];
  }
  return [];
}

function stagesInOrder(evidence: Evidence, recovery: RecoveryView): readonly Violation[] {
  if (recovery.outcome !== "recovered") return [];
  const { detectedAtMs, decidedAtMs, enqueuedAtMs, actingAtMs, verifyingAtMs } = recovery;
  const { verifiedAtMs, recoveredAtMs, endedAtMs, tries } = recovery;
  const stages: readonly (readonly [string, number | null])[] = [
    ["detected", detectedAtMs],
    ["decided", decidedAtMs],
    ...(wasDirect(evidence, recovery) ? [] : [["enqueued", enqueuedAtMs] as const]),
    ["acting", actingAtMs],
    ["verifying", verifyingAtMs],
    ...(isAnswerLost(evidence, recovery) ? [] : [["verified", verifiedAtMs] as const]),
    ["recovered", recoveredAtMs],
    ["ended", endedAtMs],
  ];
  const missing = stages.flatMap(([name, at]) => (at === null ? [name] : []));
  if (missing.length > 0) return [violation(recovery, `without ${missing.join(", ")}`)];
  const disorder = stages.findIndex(
    ([, at], index) => index > 0 && (at ?? 0) + bounds.clocks < (stages[index - 1]?.[1] ?? 0),
  );
  if (disorder > 0) {
    const [late, early] = [stages[disorder], stages[disorder - 1]];
    return [violation(recovery, `${late?.[0] ?? ""} before ${early?.[0] ?? ""}`)];
  }
  const last = tries.at(-1);
  // What an earlier try started may have come to itself: then the last one only saw it.
  const hasActed = tries.some(({ actedAtMs }) => actedAtMs !== null);
  const isSeen = (last?.verifiedAtMs ?? null) !== null || isAnswerLost(evidence, recovery);
  if (last === undefined || !hasActed || !isSeen) {
    return [violation(recovery, "no try has acted, or the last was not verified")];
  }
  const silent = tries.slice(0, -1).find((one) => one.failedAtMs === null || one.reason === "");
  return silent === undefined ? [] : [violation(recovery, `try ${silent.number} ended unsaid`)];
}

/** Nobody could say that it answered: Redis was away between what was done and the end, and its leader saw it healthy. */
const isAnswerLost = ({ faults }: Evidence, recovery: RecoveryView): boolean =>
  recovery.verifiedAtMs === null &&
  wasRedisAway(faults, recovery.verifyingAtMs ?? Infinity, recovery.endedAtMs ?? 0);

/** At any time between these two, or so shortly before that not everybody was back. */
const wasRedisAway = (faults: Evidence["faults"], fromMs: number, toMs: number): boolean =>
  faults.some(
    ({ kind, atMs, untilMs }) =>
      kind.startsWith("redis-") && atMs <= toMs && untilMs + bounds.redisBack >= fromMs,
  );

/** Without the queue: it was away, or a starved quorum could not tell, when this was decided or to be carried out. */
function wasDirect({ jobs: all, faults, events }: Evidence, recovery: RecoveryView): boolean {
  if (all.some(({ id }) => id === recovery.id)) return false;
  const latest = recovery.actingAtMs ?? recovery.decidedAtMs;
  const told = events.filter(
    ({ kind, atMs }) => /^redis-(lost|back)$/.test(kind) && atMs <= latest,
  );
  return wasRedisAway(faults, recovery.decidedAtMs, latest) || told.at(-1)?.kind === "redis-lost";
}

/** Begin and end are told to people, each once, by the one leader there is. */
function told({ events }: Evidence, recovery: RecoveryView): readonly Violation[] {
  if (recovery.outcome !== "recovered" || outlivesItsLeader(events, recovery)) return [];
  const { begins, ends } = tellings(events, recovery);
  return [
    ...(begins > 0 ? [] : [violation(recovery, "no event says that it began")]),
    ...(ends === 1 ? [] : [violation(recovery, `${ends} events say that it recovered`)]),
  ];
}

/** Stories that a change of leader left without begin or end, or with two: the record has them in full. Counted apart. */
export function brokenStories({ events, recoveries }: Evidence): number {
  return recoveries.filter((recovery) => {
    const { begins, ends } = tellings(events, recovery);
    return recovery.outcome === "recovered" && (begins === 0 || ends !== 1);
  }).length;
}

function tellings(
  events: Evidence["events"],
  { id }: RecoveryView,
): { readonly begins: number; readonly ends: number } {
  const count = (...kinds: readonly string[]): number =>
    events.filter((one) => one.recovery === id && kinds.includes(one.kind)).length;
  return { begins: count("recovery-enqueued", "recovery-adopted"), ends: count("recovered") };
}

function outlivesItsLeader(
  events: Evidence["events"],
  { decidedAtMs, endedAtMs }: RecoveryView,
): boolean {
  return events.some(
    ({ kind, atMs }) =>
      kind === "leader-changed" &&
      atMs >= decidedAtMs - bounds.retold &&
      atMs <= (endedAtMs ?? Infinity) + bounds.retold,
  );
}

function inQueue(evidence: Evidence, recovery: RecoveryView): readonly Violation[] {
  const job = evidence.jobs.find(({ id }) => id === recovery.id);
  if (job === undefined) {
    return wasDirect(evidence, recovery) || recovery.enqueuedAtMs === null
      ? []
      : [violation(recovery, "BullMQ does not know it")];
  }
  const expected = recovery.outcome === "exhausted" ? "failed" : "completed";
  if (job.state !== expected) {
    return [violation(recovery, `${recovery.outcome}, and its job is ${job.state}`)];
  }
  return expected === "failed" || job.outcome === recovery.outcome
    ? []
    : [violation(recovery, `${recovery.outcome}, and its job returned ${job.outcome}`)];
}

function jobs(evidence: Evidence): readonly Violation[] {
  const known = new Set(evidence.recoveries.map(({ id }) => id));
  return evidence.jobs
    .filter(({ id }) => !known.has(id))
    .map(({ id, worker, state }) => ({
      law,
      worker: worker.replace("lab/", ""),
      atMs: evidence.endedMs,
      text: `job ${id} is ${state}, and no recovery of that name is on record`,
    }));
}

/** The schedule gives nobody reason to give up. */
function caps({ events }: Evidence): readonly Violation[] {
  return events
    .filter(({ kind }) => kind === "quarantined")
    .map(({ worker, atMs, text }) => ({
      law: "every failure healed",
      worker: worker.replace("lab/", ""),
      atMs,
      text: `quarantined: ${text}`,
    }));
}
