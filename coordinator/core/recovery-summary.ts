// What is shown of one worker's recovery, quarantine and silence.

import { elapsed, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import type { ActionKind, VerdictKind } from "./decision.ts";
import { askOf, type Case } from "./recovery-case.ts";
import type { Ward } from "./recovery-ward.ts";
import { describeRecovery, isInFlight, triesOf, windowEnd, type Recovery } from "./recovery.ts";

export interface OpenRecoverySummary {
  /** Empty until it has begun. */
  readonly id: string;
  readonly stage: Exclude<Recovery["kind"], "idle">;
  readonly tries: number;
  readonly maxTries: number;
  /** One sentence; a wait's length stands in `dueIn`. */
  readonly text: string;
  /** What asked for it, where this coordinator knows. */
  readonly verdict: VerdictKind | undefined;
  readonly action: ActionKind | undefined;
  /** Since the failure was decided on; -1 where only news told of it. */
  readonly since: Duration;
  /** Until the next thing happens by itself (a try, the end of VERIFY_WINDOW, of a hold); -1 where nobody knows. */
  readonly dueIn: Duration;
}

export interface RecoverySummary {
  readonly recovery: OpenRecoverySummary | undefined;
  /** -1 when it is not in quarantine. */
  readonly quarantinedFor: Duration;
  /** -1 when it is not silenced. */
  readonly silencedFor: Duration;
  readonly silenceReason: string;
  readonly revivalsInWindow: number;
}

export function summariseCase(ward: Ward, worker: WorkerId, now: Instant): RecoverySummary {
  const c = ward.find(worker);
  if (c === undefined) return nothingKnown;
  const { record } = c;
  const window = ward.world.spec(worker)?.settings.revivalWindow ?? ward.config.revivalWindow;
  const isSilenced = record.silencedUntil !== undefined && record.isSilenced(now);
  return {
    recovery: openRecovery(ward, c, now),
    quarantinedFor: record.quarantinedAt === undefined ? -1 : elapsed(record.quarantinedAt, now),
    silencedFor: isSilenced ? elapsed(now, record.silencedUntil) : -1,
    silenceReason: isSilenced ? record.silenceReason : "",
    revivalsInWindow: record.revivalsWithin(window, now),
  };
}

function openRecovery(ward: Ward, c: Case, now: Instant): OpenRecoverySummary | undefined {
  const { recovery } = c;
  if (recovery.kind === "idle") return undefined;
  const order = isInFlight(recovery) ? recovery.flight.order : undefined;
  const triesBefore = isInFlight(recovery) ? recovery.flight.triesBefore : 0;
  const most = ward.world.spec(c.worker)?.settings.maxTries ?? ward.config.maxTries;
  const dueAt = dueOf(ward, c, now);
  return {
    ...(isInFlight(recovery)
      ? {
          id: recovery.flight.recovery,
          tries: triesOf(recovery.flight),
          text: describeRecovery(recovery),
        }
      : { id: "", tries: c.record.tries, text: c.explained === "" ? "" : c.said }),
    stage: recovery.kind,
    maxTries: order === undefined ? most : triesBefore + order.maxTries,
    verdict: order?.verdict ?? c.decision?.verdict.kind,
    action: order?.action ?? askOf(c)?.action,
    since: c.since === undefined ? -1 : elapsed(c.since, now),
    dueIn: dueAt === undefined ? -1 : Math.max(0, elapsed(now, dueAt)),
  };
}

function dueOf(ward: Ward, c: Case, now: Instant): Instant | undefined {
  const { recovery } = c;
  switch (recovery.kind) {
    case "waiting":
      // A dead host is looked at again and again: nothing happens by that.
      return isOfDeadHost(ward, c) || isLeftAlone(c, now) ? undefined : c.wakeAt;
    case "verifying": {
      const settings = ward.world.spec(c.worker)?.settings;
      const window = settings?.verifyWindow ?? ward.config.verifyWindow;
      return windowEnd(recovery, window);
    }
    case "backing-off":
      return recovery.until;
    case "idle":
    case "enqueueing":
    case "enqueued":
    case "acting":
      return undefined;
  }
}

const isLeftAlone = ({ record }: Case, now: Instant): boolean =>
  record.quarantinedAt !== undefined || record.isSilenced(now);

function isOfDeadHost(ward: Ward, c: Case): boolean {
  const spec = ward.world.spec(c.worker);
  const host = spec?.container?.host ?? c.target?.host ?? spec?.agent?.host;
  return host !== undefined && ward.world.isDead(host);
}

const nothingKnown: RecoverySummary = {
  recovery: undefined,
  quarantinedFor: -1,
  silencedFor: -1,
  silenceReason: "",
  revivalsInWindow: 0,
};
