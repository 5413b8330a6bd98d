// The checker: what must hold of a run, judged afterwards from what was planted and what the engine, heartmesh and BullMQ remember. Pure.

import { actionLease } from "../../../coordinator/jobs/token.ts";
import type { RecoveryView, TryView } from "../../../proto/rest.ts";
import { bounds, type ChaosWorker, type EngineEntry, type Evidence } from "./evidence.ts";
import { endsAll } from "./faults.ts";
import { isKillOf, recordLaws } from "./record-laws.ts";
import { troublesOf, type Trouble } from "./troubles.ts";

export interface Violation {
  readonly law: string;
  /** Empty where it concerns no worker. */
  readonly worker: string;
  readonly atMs: number;
  /** What was seen, and what was expected. */
  readonly text: string;
}

export function judge(evidence: Evidence): readonly Violation[] {
  const troubles = troublesOf(evidence);
  const deeds = deedsOf(evidence);
  return [
    ...noOverlap(evidence, deeds),
    ...noDeedWithoutVerdict(evidence, deeds),
    ...noHealthyWorkerTouched(evidence, deeds, troubles),
    ...everyFailureHealed(evidence, troubles),
    ...recordLaws(evidence),
    ...oneLeaderATerm(evidence),
    ...allWell(evidence),
  ].sort((a, b) => a.atMs - b.atMs);
}

/** One try of a recovery, from its begin to the end of its action. */
interface Span {
  readonly recovery: RecoveryView;
  readonly number: number;
  readonly runner: string;
  readonly fromMs: number;
  /** When it was told that it had acted, or failed. */
  readonly toMs: number;
  /** When its right to act ended: without Redis an action lease is not renewed, and somebody else may follow. */
  readonly rightMs: number;
  /** It was put off, and is no try: it had no right to act. */
  readonly isNone: boolean;
}

/** What changed a container, by the engine's own log, and whose tries may have done so. */
interface Deed {
  readonly worker: ChaosWorker;
  readonly entry: EngineEntry;
  readonly spans: readonly Span[];
}

const isOf = (recovery: RecoveryView, worker: ChaosWorker): boolean =>
  recovery.worker === `lab/${worker.name}`;

function spansOf(evidence: Evidence, worker: ChaosWorker): readonly Span[] {
  return evidence.recoveries
    .filter((recovery) => isOf(recovery, worker))
    .flatMap((recovery) => recovery.tries.map((one) => spanOf(evidence, recovery, one)))
    .sort((a, b) => a.fromMs - b.fromMs);
}

function spanOf(
  { events, faults }: Evidence,
  recovery: RecoveryView,
  { number, runner, startedAtMs, actedAtMs, failedAtMs, counts }: TryView,
): Span {
  // Where its runner was killed with the leader, the record knows the runner that went on, and an event the first one.
  const told = events
    .filter(({ kind, recovery: id }) => kind === "try-started" && id === recovery.id)
    .filter(({ text }) => text.startsWith(`try ${number} `))
    .map(({ atMs }) => atMs);
  const isFirst = recovery.tries[0]?.startedAtMs === startedAtMs;
  const fromMs = isFirst ? Math.min(startedAtMs, ...told) : startedAtMs;
  const killed = faults
    .filter((fault) => isKillOf(fault, runner) && fault.atMs >= fromMs)
    .map(({ atMs }) => atMs + bounds.lastAct);
  const toMs = actedAtMs ?? failedAtMs ?? recovery.endedAtMs ?? Math.min(Infinity, ...killed);
  // Redis itself, or the way to it: a starved quorum cannot tell.
  const lost = [
    ...faults.filter(({ kind }) => kind.startsWith("redis-")),
    ...events.filter(({ kind }) => kind === "redis-lost"),
  ];
  const ends = lost.filter(({ atMs }) => atMs >= fromMs).map(({ atMs }) => atMs + actionLease);
  const rightMs = Math.min(toMs, ...ends);
  const isNone = actedAtMs === null && failedAtMs !== null && !counts;
  return { recovery, number, runner, fromMs, toMs, rightMs, isNone };
}

const changing: ReadonlySet<string> = new Set(["kill", "stop", "start", "restart"]);

function deedsOf(evidence: Evidence): readonly Deed[] {
  return evidence.workers.flatMap((worker) => {
    const spans = spansOf(evidence, worker);
    return evidence.engine
      .filter(({ container }) => container === worker.name || container === worker.agent)
      .filter(({ action, atMs }) => changing.has(action) && atMs >= evidence.beganMs)
      .filter((entry) => !isPlanted(evidence, worker, entry))
      .map((entry) => ({
        worker,
        entry,
        spans: spans.filter(
          ({ fromMs, toMs }) =>
            entry.atMs >= fromMs - bounds.clocks && entry.atMs <= toMs + bounds.clocks,
        ),
      }));
  });
}

/** A person's stop, or an engine's that ends. */
function isPlanted({ faults }: Evidence, worker: ChaosWorker, entry: EngineEntry): boolean {
  if (entry.action === "start" || entry.action === "restart") return false;
  return faults.some(({ kind, target, atMs, plantedMs, skipped }) => {
    const isWithin = entry.atMs >= atMs - bounds.clocks && entry.atMs <= plantedMs + bounds.clocks;
    if (!isWithin || skipped !== "") return false;
    if (endsAll(kind)) return true;
    const isByHand = kind === "worker-stopped" || kind === "worker-killed-by-hand";
    return isByHand && target === worker.name && entry.container === worker.name;
  });
}

const tell = ({ entry }: Deed): string =>
  `${entry.action}${entry.signal === 0 ? "" : ` ${entry.signal}`} of ${entry.container}`;
const tellSpan = ({ recovery, number, runner, fromMs, toMs }: Span): string =>
  `try ${number} of ${recovery.id} (${recovery.action}) by ${runner} from ${fromMs} to ${toMs}`;

function noOverlap(evidence: Evidence, deeds: readonly Deed[]): readonly Violation[] {
  const law = "no two actions overlap on a worker";
  const ofSpans = evidence.workers.flatMap((worker) => {
    const spans = spansOf(evidence, worker).filter(({ isNone }) => !isNone);
    return spans.flatMap((span, at) => {
      const before = spans
        .slice(0, at)
        .find(({ rightMs }) => rightMs > span.fromMs + bounds.clocks);
      if (before === undefined) return [];
      const text = `${tellSpan(span)} began during ${tellSpan(before)}`;
      return [{ law, worker: worker.name, atMs: span.fromMs, text }];
    });
  });
  const ofStarts = evidence.workers.flatMap((worker) =>
    evidence.recoveries
      .filter((recovery) => isOf(recovery, worker))
      .flatMap((recovery) => startedTwice(recovery, worker, deeds)),
  );
  return [...ofSpans, ...ofStarts];
}

/** One try starts each container once. */
function startedTwice(
  recovery: RecoveryView,
  worker: ChaosWorker,
  deeds: readonly Deed[],
): readonly Violation[] {
  const seen = new Map<string, Deed>();
  return deeds.flatMap((deed) => {
    const [span, another] = deed.spans;
    if (deed.worker !== worker || deed.entry.action !== "start") return [];
    if (span?.recovery !== recovery || another !== undefined) return [];
    const key = `${span.fromMs} ${deed.entry.container}`;
    const before = seen.get(key);
    seen.set(key, deed);
    if (before === undefined) return [];
    const text = `${tellSpan(span)} started ${deed.entry.container} twice, at ${before.entry.atMs} and ${deed.entry.atMs}`;
    return [
      {
        law: "no two actions overlap on a worker",
        worker: worker.name,
        atMs: deed.entry.atMs,
        text,
      },
    ];
  });
}

/**
 * The one way in which an action is on no record: Redis was away, so that its leader acted directly and kept the record
 * in memory, and was killed before Redis was back (README, "How it works inside"). Counted apart.
 */
export function lostDeeds(evidence: Evidence): number {
  return deedsOf(evidence).filter((deed) => deed.spans.length === 0 && isLost(evidence, deed))
    .length;
}

function isLost({ faults }: Evidence, { entry }: Deed): boolean {
  return faults.some(
    (away) =>
      away.kind.startsWith("redis-") &&
      away.atMs <= entry.atMs &&
      entry.atMs <= away.untilMs + bounds.redisBack &&
      faults.some(
        ({ kind, atMs }) =>
          (kind === "coordinator-killed" || kind === "quorum-killed") &&
          atMs >= entry.atMs - bounds.lastAct &&
          atMs <= away.untilMs + bounds.redisBack,
      ),
  );
}

function noDeedWithoutVerdict(evidence: Evidence, deeds: readonly Deed[]): readonly Violation[] {
  const law = "no action without its verdict";
  return deeds.flatMap((deed) => {
    const about = { law, worker: deed.worker.name, atMs: deed.entry.atMs };
    const [span] = deed.spans;
    if (span === undefined) {
      const text = `${tell(deed)} in no try on record`;
      return isLost(evidence, deed) ? [] : [{ ...about, text }];
    }
    const { verdict, reason, decidedAtMs, detectedAtMs, id } = span.recovery;
    const faults = [
      ...(verdict === "" || reason === "" ? ["no verdict, or no reason for it"] : []),
      ...(span.recovery.evidence.length === 0 ? ["no evidence"] : []),
      ...(detectedAtMs <= decidedAtMs && decidedAtMs <= span.fromMs + bounds.clocks
        ? []
        : [`detected at ${detectedAtMs}, decided at ${decidedAtMs}, tried at ${span.fromMs}`]),
    ];
    return faults.map((fault) => ({ ...about, text: `${tell(deed)} by ${id}: ${fault}` }));
  });
}

function noHealthyWorkerTouched(
  evidence: Evidence,
  deeds: readonly Deed[],
  troubles: readonly Trouble[],
): readonly Violation[] {
  const law = "no healthy worker restarted";
  const hurts = ({ action }: EngineEntry): boolean => action === "kill" || action === "stop";
  const killed = deeds.filter(({ entry }) => hurts(entry));
  const ofDeeds = killed.flatMap((deed) => {
    const { worker, entry } = deed;
    // Where the agent joins the worker, its trouble is none of the worker's.
    const isSpared = worker.arrangement === "joins-worker" && entry.container === worker.name;
    const explained = troubles.some(
      (trouble) =>
        trouble.worker === worker.name &&
        (trouble.of === "worker" || !isSpared) &&
        trouble.fromMs <= entry.atMs &&
        trouble.toMs + bounds.lateVerdict >= entry.atMs,
    );
    if (explained) return [];
    const [span] = deed.spans;
    const why =
      span === undefined ? "by nobody known" : `${tellSpan(span)}: ${span.recovery.reason}`;
    return [{ law, worker: worker.name, atMs: entry.atMs, text: `${tell(deed)}, ${why}` }];
  });
  return [...ofDeeds, ...unfoundedRecoveries(evidence, troubles, law)];
}

/** Also where nothing was killed. What a runner finds well when it looks, and leaves, has hurt nobody: a starved leader's picture is old. */
function unfoundedRecoveries(
  { recoveries, beganMs }: Evidence,
  troubles: readonly Trouble[],
  law: string,
): readonly Violation[] {
  return recoveries
    .filter(({ detectedAtMs }) => detectedAtMs >= beganMs)
    .filter(({ tries }) => tries.some(({ actedAtMs }) => actedAtMs !== null))
    .filter(
      ({ worker, decidedAtMs }) =>
        !troubles.some(
          (trouble) =>
            `lab/${trouble.worker}` === worker &&
            trouble.fromMs - bounds.clocks <= decidedAtMs &&
            trouble.toMs + bounds.lateVerdict >= decidedAtMs,
        ),
    )
    .map(({ worker, id, decidedAtMs, verdict, reason }) => ({
      law,
      worker: worker.replace("lab/", ""),
      atMs: decidedAtMs,
      text: `${id} was decided on, and carried out, while nothing was wrong: ${verdict}, ${reason}`,
    }));
}

function everyFailureHealed(
  { endedMs }: Evidence,
  troubles: readonly Trouble[],
): readonly Violation[] {
  return troubles
    .filter(
      ({ fromMs, toMs }) => Math.min(toMs, endedMs) - fromMs > bounds.healed || toMs > endedMs,
    )
    .map(({ worker, fromMs, toMs, text }) => ({
      law: "every failure healed",
      worker,
      atMs: fromMs,
      text:
        toMs > endedMs
          ? `${text} since then, and still at the end`
          : `${text} for ${toMs - fromMs} ms; the bound is ${bounds.healed}`,
    }));
}

function oneLeaderATerm({ events }: Evidence): readonly Violation[] {
  const leaders = new Map<string, string>();
  return events.flatMap(({ kind, text, atMs }) => {
    const [, leader = "", term = ""] = /^(\S+) leads term (\d+)$/.exec(text) ?? [];
    if (kind !== "leader-changed" || term === "") return [];
    const known = leaders.get(term) ?? leader;
    leaders.set(term, known);
    if (known === leader) return [];
    const said = `${known} and ${leader} lead term ${term}`;
    return [{ law: "one leader a term", worker: "", atMs, text: said }];
  });
}

function allWell({ unwell, surprises, endedMs, healedMs }: Evidence): readonly Violation[] {
  const waited = `${Math.round((endedMs - healedMs) / 1000)} s after the last fault`;
  return [
    ...unwell.map((text) => ({ law: "all is well in the end", text: `${waited}: ${text}` })),
    ...surprises.map((text) => ({ law: "no coordinator ends by itself", text })),
  ].map((one) => ({ ...one, worker: "", atMs: endedMs }));
}
