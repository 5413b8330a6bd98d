// What is done when news of a job stays away for too long, and when a direct recovery's next try is due.

import { after, type Instant } from "../../proto/units.ts";
import { askOf, type Case } from "./recovery-case.ts";
import { conclude, settle } from "./recovery-end.ts";
import { askFor, considerCase } from "./recovery-launch.ts";
import { targetOf } from "./recovery-order.ts";
import type { Ward } from "./recovery-ward.ts";
import { isInFlight, patience, type InFlight } from "./recovery.ts";

/** When a flight is to be looked at again: by its own patience, or because Redis, and so all news of it, is away. */
export function overdueAt(ward: Ward, c: Case, recovery: InFlight): Instant {
  const directFrom = ward.directFrom();
  const isSooner =
    recovery.flight.by === "queue" && directFrom !== undefined && directFrom < recovery.deadline;
  const at = isSooner ? directFrom : recovery.deadline;
  return c.patientUntil !== undefined && at < c.patientUntil ? c.patientUntil : at;
}

/** News of a flight stayed away for too long, or a direct recovery's next try is due. Leader with a lease only. */
export function onOverdue(ward: Ward, c: Case, lease: Instant, now: Instant): void {
  const recovery = c.recovery;
  if (!isInFlight(recovery)) return;
  const { flight } = recovery;
  if (ward.lostEngines.has(flight.host) || ward.world.isDead(flight.host)) {
    postpone(c, after(now, patience.news));
    return;
  }
  if (flight.by === "direct" && recovery.kind === "backing-off") {
    onDirectTryDue(ward, c, recovery, lease, now);
    return;
  }
  const isQueueAway = flight.by === "queue" && ward.redisLostAt !== undefined;
  if (!isQueueAway && flight.order !== undefined && mayAskAgain(c, recovery, now)) {
    askFor(ward, c, flight, flight.order, asksOf(recovery) + 1, lease, now);
    return;
  }
  if (askOf(c) === undefined) {
    closeWithoutNews(ward, c, recovery, now);
    return;
  }
  if (!flight.acted && flight.triesBefore + flight.failed === 0) c.isPaid = true;
  ward.publish(
    c.worker,
    "superseded",
    isQueueAway
      ? "its job cannot be heard of while Redis is out of reach: it is acted on directly"
      : "nothing was heard of its job for too long: it is asked for again under a new epoch",
    { recovery: flight.recovery },
  );
  ward.setRecovery(c, { kind: "waiting", retryAt: now });
  considerCase(ward, c, now);
}

const asksOf = (recovery: InFlight): number =>
  recovery.kind === "enqueueing" ? recovery.asks : patience.asks;

/** The same order under the same epoch: its echo stayed away, and it is still wanted. */
function mayAskAgain(c: Case, recovery: InFlight, now: Instant): boolean {
  if (asksOf(recovery) >= patience.asks || askOf(c) === undefined) return false;
  const isLeftAlone = c.record.isSilenced(now) || c.record.quarantinedAt !== undefined;
  return c.forced !== undefined || !isLeftAlone;
}

function onDirectTryDue(
  ward: Ward,
  c: Case,
  recovery: Extract<InFlight, { kind: "backing-off" }>,
  lease: Instant,
  now: Instant,
): void {
  const { flight } = recovery;
  if (c.record.isSilenced(now)) {
    postpone(c, c.record.silencedUntil ?? now);
    return;
  }
  const spec = ward.world.spec(c.worker);
  if (askOf(c) === undefined || flight.order === undefined) {
    closeWithoutNews(ward, c, recovery, now);
    return;
  }
  // The try before has changed the container's start: the next one is decided on what is there now.
  const container = spec?.container;
  const target = container === undefined ? flight.order.target : targetOf(container);
  const order = { ...flight.order, target };
  askFor(ward, c, { ...flight, order }, order, 1, lease, now);
}

/** Nothing asks for the action any more: the recovery ends as what its worker's health says. */
function closeWithoutNews(ward: Ward, c: Case, recovery: InFlight, now: Instant): void {
  const { flight } = recovery;
  const verdict = c.decision?.verdict.kind;
  const window = flight.order?.verifyWindow ?? ward.config.verifyWindow;
  // What was never heard of at all may be neither told as recovered nor counted.
  if (verdict === "healthy" && recovery.kind !== "enqueueing") {
    const steadyAt = after(c.healthySince ?? now, window);
    if (now < steadyAt) {
      postpone(c, steadyAt);
      return;
    }
    c.record.finish();
    const text = "it is healthy and stayed so, though nothing more was heard of its job";
    conclude(ward, c, "recovered", text, flight.recovery, true, now);
  } else if (verdict === "starting" && now < recovery.deadline) {
    postpone(c, recovery.deadline);
    return;
  } else {
    if (!flight.acted && flight.triesBefore + flight.failed === 0) c.isPaid = true;
    const text = `nothing more was heard of its job, and nothing asks for it: ${c.decision?.verdict.reason ?? "it is not watched any more"}`;
    conclude(ward, c, "superseded", text, flight.recovery, false, now);
  }
  // Not remembered as ended: should news of it come after all, it is followed again.
  settle(ward, c, 0, now);
}

function postpone(c: Case, until: Instant): void {
  c.patientUntil = until;
}
