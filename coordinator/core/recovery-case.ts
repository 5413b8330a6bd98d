// The case of one worker: its record, what is decided of it, and where its recovery stands.

import type { Duration, Instant, WorkerId } from "../../proto/units.ts";
import type { ActionKind, Decision, Verdict } from "./decision.ts";
import type { CoreEvent } from "./event.ts";
import type { Target } from "./job.ts";
import type { Move } from "./migration/order.ts";
import { WorkerRecord } from "./quarantine.ts";
import type { Recovery } from "./recovery.ts";

export interface Case {
  readonly worker: WorkerId;
  readonly record: WorkerRecord;
  decision: Decision | undefined;
  recovery: Recovery;
  /** When the failure was first decided on; undefined while nothing is wrong. */
  since: Instant | undefined;
  /** When it was last heard to be well, as that was decided; undefined where nobody was heard, or a person asked for it. */
  aliveAt: Instant | undefined;
  /** A person wants it revived whatever the verdict, until then. */
  forced: { readonly by: string; readonly reason: string; readonly until: Instant } | undefined;
  /** The decision that the last job was made for (or was there when its news came): seen again, it is old news. */
  launched: Decision | undefined;
  /** The newest revival in the record belongs to a job that changed nothing: the next one is not counted again. */
  isPaid: boolean;
  /** In the recovery that goes on, its agent was acted on for its silence. */
  agentHadTurn: boolean;
  supersededTimes: number;
  /** The recovery whose success was told last: what comes late of it is no news. */
  recoveredTold: string;
  /** The recovery that ended last, so that stragglers' news of it is dropped. */
  ended: string;
  /** Of its try that goes on, what was told: another runner that takes it over repeats it. */
  told: { readonly recovery: string; readonly tryNumber: number; readonly startedAt: string };
  /** What was explained last, so that each change is told once. */
  explained: string;
  /** That, as it was said then; of no meaning where nothing is explained. */
  said: string;
  /** The brake knows of the failure. */
  isCounted: boolean;
  healthySince: Instant | undefined;
  /** Its container as last seen, for one that is gone. */
  target: Target | undefined;
  dependencySince: Instant | undefined;
  /** When waiting may end by time alone. */
  wakeAt: Instant | undefined;
  /** A flight that is overdue is not looked at again before. */
  patientUntil: Instant | undefined;
  /** How its last recovery ended, until it is certain that a leader has told. */
  outcome: { readonly event: CoreEvent; readonly at: Instant } | undefined;
}

export const nothingTold: Case["told"] = { recovery: "", tryNumber: 0, startedAt: "" };

export const newCase = (worker: WorkerId): Case => ({
  worker,
  record: new WorkerRecord(worker),
  decision: undefined,
  recovery: { kind: "idle" },
  since: undefined,
  aliveAt: undefined,
  forced: undefined,
  launched: undefined,
  isPaid: false,
  agentHadTurn: false,
  supersededTimes: 0,
  recoveredTold: "",
  ended: "",
  told: nothingTold,
  explained: "",
  said: "",
  isCounted: false,
  healthySince: undefined,
  target: undefined,
  dependencySince: undefined,
  wakeAt: undefined,
  patientUntil: undefined,
  outcome: undefined,
});

/** What is asked for at the moment, by the verdict or by a person. */
export interface Ask {
  readonly action: ActionKind;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly isForced: boolean;
  readonly move?: Move;
}

export function askOf(c: Case): Ask | undefined {
  const decision = c.decision;
  if (c.forced === undefined) {
    if (decision?.kind !== "act") return undefined;
    const { action, verdict, move } = decision;
    const ask = { action, verdict, reason: verdict.reason, isForced: false };
    return move === undefined ? ask : { ...ask, move };
  }
  const reason = `${c.forced.by} asked for it: ${c.forced.reason}`;
  const verdict = decision?.verdict ?? {
    worker: c.worker,
    kind: "unknown" as const,
    reason: "nothing is known of it yet",
    evidence: [],
  };
  const evidence = [
    ...verdict.evidence,
    { kind: "operator" as const, by: c.forced.by, text: reason },
  ];
  const action = decision?.kind === "act" ? decision.action : forcedAction(verdict);
  return { action, verdict: { ...verdict, evidence }, reason, isForced: true };
}

/** What a person's order means where the verdict asks for nothing. */
function forcedAction(verdict: Verdict): ActionKind {
  switch (verdict.kind) {
    case "stopped":
      return "start";
    case "silent":
      return "kill-start";
    case "agent-lost":
      return "revive-agent";
    case "gone":
      return "recreate";
    case "healthy":
    case "starting":
    case "unhealthy":
    case "partial":
    case "paused":
    case "unwatched":
    case "stranded":
    case "away":
    case "unknown":
      return "restart";
  }
}

/** An action is asked for; `aliveAt`: when it was last heard to be well. */
export function noteFailing(c: Case, aliveAt: Instant | undefined, now: Instant): void {
  if (c.since !== undefined) return;
  c.since = now;
  c.aliveAt = aliveAt;
}

/** Follows a decision's health; a healthy spell of at least `window` ends what a lost recovery left behind. */
export function noteHealth(
  c: Case,
  verdict: Verdict["kind"],
  window: Duration,
  now: Instant,
): void {
  switch (verdict) {
    case "healthy":
    case "away":
      c.healthySince ??= now;
      c.isCounted = false;
      c.supersededTimes = 0;
      return;
    // Some hear it, or we cannot tell: neither proves health, nor ends it.
    case "partial":
    case "unknown":
      return;
    case "starting":
    case "unhealthy":
    case "silent":
    case "agent-lost":
    case "stopped":
    case "paused":
    case "gone":
    case "stranded":
    case "unwatched":
      if (
        c.healthySince !== undefined &&
        now - c.healthySince >= window &&
        (c.recovery.kind === "idle" || c.recovery.kind === "waiting")
      )
        c.record.finish();
      c.healthySince = undefined;
  }
}
