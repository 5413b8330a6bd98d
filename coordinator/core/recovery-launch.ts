// Whether a waiting recovery may begin now, and its beginning.

import { after, elapsed, type Instant } from "../../proto/units.ts";
import { backoffDelay } from "./backoff.ts";
import type { ActionKind, VerdictKind } from "./decision.ts";
import { canWait } from "./migration/order.ts";
import { askOf, type Ask, type Case } from "./recovery-case.ts";
import { closedGate } from "./recovery-gates.ts";
import { buildOrder, targetOf } from "./recovery-order.ts";
import type { Ward } from "./recovery-ward.ts";
import { patience, triesOf, type Flight, type RevivalOrder } from "./recovery.ts";
import { isSwarmTask } from "./swarm-task.ts";
import type { WorkerSpec } from "./worker.ts";

/** Begins the recovery of a waiting case, or explains why not (yet) and notes when time alone may change that. */
export function considerCase(ward: Ward, c: Case, now: Instant): void {
  if (c.recovery.kind !== "waiting") return;
  c.wakeAt = undefined;
  if (c.forced !== undefined && now >= c.forced.until) {
    c.forced = undefined;
    ward.explain(c, "left-alone", "a person's order could not be carried out in time and lapsed");
  }
  const ask = askOf(c);
  if (ask === undefined) {
    cancel(ward, c, now);
    return;
  }
  if (!ask.isForced && isHeldBack(ward, c, now)) return;
  if (now < c.recovery.retryAt && !isMorePressing(c, ask)) {
    c.wakeAt = c.recovery.retryAt;
    return;
  }
  noteFailure(ward, c, ask, now);
  const lease = ward.lease(now);
  // A record of a newer term: somebody else leads, and our lease will not be renewed.
  if (lease === undefined || c.record.token.term > ward.term) return;
  const spec = ward.world.spec(c.worker);
  if (spec === undefined) {
    giveUpAsking(ward, c, ask, "it is not among the watched workers", now);
    return;
  }
  const isNew = c.record.tries === 0 && !c.isPaid;
  if (!ask.isForced && isNew && c.record.isSpent(spec.settings, now)) {
    const seconds = Math.round(spec.settings.revivalWindow / 1000);
    const text = `more than ${spec.settings.maxRevivals} recoveries within ${seconds} s were needed: heartmesh gives up on it`;
    quarantine(ward, c, text, now, true);
    return;
  }
  const gate = closedGate(ward, c, ask, spec, now);
  if (gate !== undefined) {
    c.wakeAt = gate.until;
    if (c.forced !== undefined) c.wakeAt = gate.until ?? c.forced.until;
    ward.explain(c, "held", gate.text, { evidence: ask.verdict.evidence });
    return;
  }
  launch(ward, c, ask, spec, lease, now);
}

/** The pause is that of a move that can wait, and what is asked for now cannot. */
function isMorePressing(c: Case, ask: Ask): boolean {
  const before = c.launched?.kind === "act" ? c.launched.move : undefined;
  return canWait(before) && !canWait(ask.move);
}

/** Nothing asks for an action any more and none was begun. */
export function cancel(ward: Ward, c: Case, now: Instant): void {
  ward.setRecovery(c, { kind: "idle" });
  ward.brake.onHealthy(c.worker, now);
  c.isCounted = false;
  takeBack(ward, c, now);
}

/** Tells why a worker that is not well is left alone; false where there is nothing to tell. */
export function explainLeft(ward: Ward, c: Case): boolean {
  const { decision } = c;
  if (decision?.kind !== "leave") return false;
  const { verdict, reason, isTheirs = false } = decision;
  if (reason === "" || verdict.kind === "unknown") return false;
  const said = { evidence: verdict.evidence, notify: isTheirs };
  ward.explain(c, "left-alone", `${verdict.kind}: ${reason}`, said);
  return true;
}

const failures: ReadonlySet<VerdictKind> = new Set([
  "stopped",
  "unhealthy",
  "silent",
  "agent-lost",
  "gone",
]);

/** By a new leader: it was decided while somebody else led, or nobody; that a worker is down and left so is worth telling again. */
export function retellLeft(ward: Ward, c: Case): void {
  if (c.decision?.kind !== "leave") return;
  // Of one that its engine does not show just now, once it shows it.
  c.explained = "";
  if (failures.has(c.decision.verdict.kind)) explainLeft(ward, c);
}

/** Nothing can be done, and only another decision may change that. */
function giveUpAsking(ward: Ward, c: Case, ask: Ask, text: string, now: Instant): void {
  c.forced = undefined;
  cancel(ward, c, now);
  ward.explain(c, "left-alone", text, { evidence: ask.verdict.evidence });
}

/** A revival that was counted for a job that changed nothing is not held against the worker. */
export function takeBack(ward: Ward, c: Case, now: Instant): void {
  if (!c.isPaid) return;
  c.isPaid = false;
  if (!ward.isLeading) return;
  c.record.takeBackRevival();
  c.record.raise(ward.term);
  ward.save(c, now);
}

export function quarantine(
  ward: Ward,
  c: Case,
  text: string,
  now: Instant,
  notify: boolean,
  recovery = "",
): void {
  c.record.enterQuarantine(now);
  ward.save(c, now);
  ward.brake.onHealthy(c.worker, now);
  c.explained = quarantineExplained;
  c.said = text;
  const evidence = c.decision?.verdict.evidence ?? [];
  ward.publish(c.worker, "quarantined", text, { recovery, evidence, notify });
}

/** Stands in `explained` of a worker whose quarantine was told, so that it is not told again as being left alone. */
const quarantineExplained = "quarantined";

/** Silence, quarantine and a decision's own "not before". */
function isHeldBack(ward: Ward, c: Case, now: Instant): boolean {
  const { record, decision } = c;
  const evidence = decision?.verdict.evidence ?? [];
  if (record.isSilenced(now)) {
    ward.explain(c, "left-alone", `it is silenced: ${record.silenceReason}`, { evidence });
    return true;
  }
  if (record.quarantinedAt !== undefined) {
    if (c.explained === quarantineExplained) return true;
    ward.explain(
      c,
      "left-alone",
      "it is in quarantine until a person, or a long healthy spell, ends it",
      { evidence },
    );
    return true;
  }
  if (decision?.kind === "act" && now < decision.notBefore) {
    c.wakeAt = decision.notBefore;
    const seconds = (decision.notBefore - now) / 1000;
    const text = `${decision.verdict.reason}; ${decision.waitReason} (${seconds.toFixed(1)} s)`;
    ward.explain(c, "held", text, { evidence });
    return true;
  }
  return false;
}

/** Every coordinator's brake hears of a failure when its time has come, so that a new leader's knows. */
function noteFailure(ward: Ward, c: Case, ask: Ask, now: Instant): void {
  if (c.isCounted || ask.isForced || c.decision?.kind !== "act") return;
  c.isCounted = true;
  ward.brake.onFailure(c.worker, c.decision.commonCause, now);
  tickBrake(ward, now);
}

export function tickBrake(ward: Ward, now: Instant): void {
  const total = ward.world.workerCount();
  const isAwaited = (): boolean => {
    for (const c of ward.wanting) {
      if (c.isCounted && !ward.kept.has(c)) return true;
    }
    return false;
  };
  const change = ward.brake.onTick(total, isAwaited, now);
  if (change === "unchanged") return;
  const { failing } = ward.brake.state(total, now);
  if (change === "tripped") {
    const text = `${failing} of ${total} workers failed without a common explanation: one recovery at a time from here on`;
    ward.publish("", "brake-tripped", text, { notify: true });
  } else {
    const text = `${failing} of ${total} workers fail: recoveries are not held back any more`;
    ward.publish("", "brake-released", text, { notify: true });
  }
}

/** The agent's turn comes once in a recovery, and never takes the last try: that is the worker's. */
function turnOf(
  c: Case,
  ask: Ask,
  { container }: WorkerSpec,
  triesBefore: number,
  left: number,
): ActionKind {
  if (triesBefore === 0) c.agentHadTurn = false;
  // Also where a person asks for it: it is never started by hand.
  if (container !== undefined && isSwarmTask(container)) return "kill";
  if (ask.action !== "agent-then-worker") return ask.action;
  if (c.agentHadTurn || left === 1) return "kill-start";
  c.agentHadTurn = true;
  return ask.action;
}

function launch(
  ward: Ward,
  c: Case,
  ask: Ask,
  spec: WorkerSpec,
  lease: Instant,
  now: Instant,
): void {
  const triesBefore = c.record.tries;
  const left = spec.settings.maxTries - triesBefore;
  if (left <= 0) {
    const text = `${triesBefore} tries failed: heartmesh gives up on it`;
    ward.publish(c.worker, "exhausted", text, { notify: true });
    quarantine(ward, c, text, now, false);
    return;
  }
  const container = spec.container ?? (ask.action === "revive-agent" ? spec.agent : undefined);
  const known = container === undefined ? c.target : targetOf(container);
  const target = ward.world.service?.(c.worker) ?? known;
  if (target === undefined) {
    const text = "no container of it is known, so there is nothing to act on";
    giveUpAsking(ward, c, ask, text, now);
    return;
  }
  const token = c.record.raise(ward.term);
  if (triesBefore === 0 && !c.isPaid) c.record.noteRevival(now);
  c.isPaid = false;
  c.launched = c.decision;
  c.dependencySince = undefined;
  const order = buildOrder({
    ...ask,
    action: turnOf(c, ask, spec, triesBefore, left),
    token,
    target,
    spec,
    maxTries: left,
    backoff: ward.config.backoff,
    backoffMax: ward.config.backoffMax,
    detectedAgo: elapsed(c.since ?? now, now),
    aliveAgo: c.aliveAt === undefined ? undefined : elapsed(c.aliveAt, now),
  });
  const flight: Flight = {
    token,
    recovery: order.recovery,
    by: ward.redisLostAt === undefined ? "queue" : "direct",
    host: target.host,
    order,
    triesBefore,
    failed: 0,
    acted: false,
    preventedSince: undefined,
  };
  askFor(ward, c, flight, order, 1, lease, now);
  ward.onRecordChanged(c);
  if (flight.by === "direct") sayEnqueued(ward, c, flight);
}

/** The first event of a recovery that people are told. */
export function sayEnqueued(ward: Ward, c: Case, flight: Flight): void {
  const order = flight.order;
  if (order === undefined) return;
  const way = flight.by === "direct" ? " directly, without the queue" : "";
  const text = `${order.verdict}: ${order.reason}; ${order.action} follows${way}`;
  c.explained = "";
  ward.publish(c.worker, "recovery-enqueued", text, {
    recovery: flight.recovery,
    evidence: order.evidence,
    notify: true,
  });
}

/** Hands an order out, for the first time or again. */
export function askFor(
  ward: Ward,
  c: Case,
  flight: Flight,
  order: RevivalOrder,
  asks: number,
  lease: Instant,
  now: Instant,
): void {
  ward.setRecovery(c, {
    kind: "enqueueing",
    flight,
    asks,
    deadline: after(now, patience.echo),
  });
  if (flight.by === "queue") ward.emit({ kind: "enqueue", order, validUntil: lease });
  else {
    const tryNumber = flight.failed + 1;
    ward.emit({ kind: "act-directly", order, tryNumber, validUntil: lease });
  }
}

/** The wait of a direct recovery after a try, which BullMQ gives the others. */
export function directBackoff(ward: Ward, flight: Flight, now: Instant): Instant {
  const { backoff: base, backoffMax: max } = ward.config;
  return after(now, backoffDelay(Math.max(1, triesOf(flight)), { base, max }, ward.random));
}
