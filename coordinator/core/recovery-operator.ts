// What a person orders: revive now, silence, end a silence, end a quarantine; and what a backup brings back.

import { after, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import type { MoveCommand } from "./migration/moves.ts";
import { caseOfService, isContainerCase } from "./migration/order.ts";
import type { Case } from "./recovery-case.ts";
import { considerCase, quarantine } from "./recovery-launch.ts";
import type { Ward } from "./recovery-ward.ts";
import { isInFlight, patience } from "./recovery.ts";

export interface OperatorCommand {
  /** `move`: its move, if one waits for its next attempt, is not to wait. */
  readonly kind:
    | "move"
    | "revive"
    | "silence"
    | "unsilence"
    | "release-quarantine"
    | "restore-silence"
    | "restore-quarantine";
  readonly worker: WorkerId;
  /** Who: a token's name, for the record. */
  readonly by: string;
  readonly reason: string;
  /** Of a silence; an hour where it is not given. */
  readonly for?: Duration;
  /** Of a quarantine that is restored: since it began. */
  readonly ago?: Duration;
}

/** A person's word on a service or container. */
export const asksToMove = ({ service, by }: MoveCommand): OperatorCommand => ({
  kind: "move",
  worker: isContainerCase(service) ? service : caseOfService(service),
  by,
  reason: "",
});

const usualSilence = 3_600_000;

export function onOperatorCommand(ward: Ward, command: OperatorCommand, now: Instant): void {
  if (!ward.isLeading) return;
  const c = ward.caseOf(command.worker);
  const words = `by ${command.by}: ${command.reason}`;
  switch (command.kind) {
    case "move":
      if (c.recovery.kind === "waiting") ward.setRecovery(c, { kind: "waiting", retryAt: now });
      break;
    case "revive":
      onRevive(ward, c, command, now);
      return;
    case "silence": {
      const lasts = command.for ?? usualSilence;
      c.record.silence(after(now, lasts), words, ward.term);
      // At once, even though it outdates the token of a job on its way: that is what the person wants.
      saveAtOnce(ward, c, now);
      const text = `left alone for ${Math.round(lasts / 1000)} s, ${words}`;
      ward.publish(c.worker, "silenced", text);
      break;
    }
    case "restore-silence": {
      const lasts = command.for ?? usualSilence;
      c.record.silence(after(now, lasts), command.reason, ward.term);
      saveAtOnce(ward, c, now);
      const text = `left alone for ${Math.round(lasts / 1000)} s, restored ${words}`;
      ward.publish(c.worker, "silenced", text);
      break;
    }
    case "restore-quarantine":
      if (c.record.quarantinedAt !== undefined) return;
      // As a person's silence does, it outdates the token of a job on its way.
      c.record.raise(ward.term);
      c.record.enterQuarantine(after(now, -(command.ago ?? 0)));
      quarantine(ward, c, `restored ${words}`, now, true);
      saveAtOnce(ward, c, now);
      break;
    case "unsilence":
      if (!c.record.isSilenced(now)) return;
      c.record.unsilence(ward.term);
      c.explained = "";
      ward.save(c, now);
      ward.publish(c.worker, "silence-ended", words);
      break;
    case "release-quarantine":
      if (c.record.quarantinedAt === undefined) return;
      release(ward, c, words, now);
      break;
  }
  considerCase(ward, c, now);
}

/** Acts once whatever the verdict, the quarantine or a silence say; a silence stays in force for what comes after. */
function onRevive(ward: Ward, c: Case, command: OperatorCommand, now: Instant): void {
  const words = `by ${command.by}: ${command.reason}`;
  if (isInFlight(c.recovery)) {
    const { recovery } = c.recovery.flight;
    const text = `asked for ${words}; it is being recovered already`;
    ward.publish(c.worker, "revive-requested", text, { recovery });
    return;
  }
  ward.publish(c.worker, "revive-requested", `asked for ${words}`);
  const verdict = c.decision?.verdict.kind;
  if (verdict === "paused") {
    ward.publish(c.worker, "left-alone", "it is paused: unpause it first");
    return;
  }
  if (verdict === "gone" && ward.world.spec(c.worker)?.settings.recreate !== true) {
    const text = "its container was removed and may not be made again (heartmesh.recreate)";
    ward.publish(c.worker, "left-alone", text);
    return;
  }
  if (c.record.quarantinedAt !== undefined) release(ward, c, words, now);
  else c.record.forgetRevivals();
  c.record.finish();
  c.isPaid = false;
  c.forced = { by: command.by, reason: command.reason, until: after(now, patience.forced) };
  c.since ??= now;
  c.explained = "";
  ward.setRecovery(c, { kind: "waiting", retryAt: now });
  considerCase(ward, c, now);
}

function release(ward: Ward, c: Case, words: string, now: Instant): void {
  c.record.leaveQuarantine(ward.term);
  c.explained = "";
  ward.save(c, now);
  ward.publish(c.worker, "quarantine-ended", words, { notify: true });
}

function saveAtOnce(ward: Ward, c: Case, now: Instant): void {
  if (ward.redisLostAt === undefined) ward.saveNow(c, now);
  else ward.save(c, now);
}
