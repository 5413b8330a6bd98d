// Views of the API as people read them on a terminal. Pure.

import type {
  CoordinatorsView,
  EventView,
  NotifyTestView,
  RecoveryView,
  StatusView,
  WorkerView,
} from "../../proto/rest.ts";
import { facts, table, toned, type Cell, type Look } from "./table.ts";
import { ago, clock, printable, span } from "./terminal.ts";
import { isAtEase, tonedWord } from "./tones.ts";

export function statusText(status: StatusView, look: Look): string {
  const { brake, redis, redisByQuorum, readiness } = status;
  const byVerdict = Object.entries(status.workers).map(([verdict, n]) => `${n} ${verdict}`);
  const tone = Object.keys(status.workers).every(isAtEase) ? "good" : "bad";
  const role =
    status.role === "leader" ? `leader, lease for ${span(status.leaseForMs)}` : status.role;
  const rows: readonly (readonly [string, Cell])[] = [
    ["coordinator", `${status.id} (${role}), term ${status.term}`],
    ["leader", status.leader === "" ? toned("none is known", "bad") : status.leader],
    ["ready", yesOrNo(readiness.ready, `no: ${readiness.reasons.join("; ")}`)],
    ["judges", yesOrNo(status.fit, `abstains: ${status.unfitReason}`)],
    ...(status.votes ? [] : [["votes", toned("no", "bad")] as const]),
    ...status.peers.map((peer): [string, string] => [`peer ${peer.id}`, peerText(peer)]),
    ["redis", `${redis}; the quorum says ${redisByQuorum}`],
    ...status.engines.map((engine): [string, Cell] => [
      `engine ${engine.host}`,
      engine.reachable ? "answers" : toned(`does not answer: ${engine.reason}`, "bad"),
    ]),
    [
      "brake",
      `${brake.tripped ? "TRIPPED, recoveries go one by one" : "released"}; ${brake.failing} of ${brake.total} fail`,
    ],
    ["workers", byVerdict.length === 0 ? "none" : toned(byVerdict.join(", "), tone)],
    [
      "findings",
      status.findings.length === 0 ? "none" : `${status.findings.length}: heartmesh doctor`,
    ],
  ];
  return facts(rows, look);
}

const yesOrNo = (isSo: boolean, no: string): Cell =>
  isSo ? toned("yes", "good") : toned(no, "bad");

export function coordinatorsText(view: CoordinatorsView, look: Look): string {
  const rows = view.coordinators.map((one) => [
    one.id,
    one.address,
    one.isLeader ? "leads" : "",
    one.heardAgoMs === null ? "never heard" : `heard ${span(one.heardAgoMs)} ago`,
  ]);
  const lines = [table(["COORDINATOR", "ADDRESS", "", "HEARD"], rows, look)];
  lines.push(
    view.term === 0
      ? "The set is as COORDINATORS gives it."
      : `Version ${view.version} of the set, by the leader of term ${view.term}.`,
  );
  if (view.change !== "") lines.push(`Under way: ${view.change}.`);
  if (view.strangers.length > 0) {
    lines.push(`Heard, and not of the set: ${view.strangers.join(", ")}.`);
  }
  return lines.join("\n");
}

function peerText(peer: StatusView["peers"][number]): string {
  if (peer.heardAgoMs === null) return "never heard";
  const fit = peer.fit ? "judges" : "abstains";
  return `heard ${span(peer.heardAgoMs)} ago, ${fit}, redis ${peer.redis}`;
}

export function workersText(workers: readonly WorkerView[], look?: Look): string {
  if (workers.length === 0) return "No workers. A container becomes one by WORKER_LABEL.";
  return table(
    ["WORKER", "VERDICT", "HEARD", "ROUND TRIP", "LOSS", "REVIVALS", "NOTE"],
    workers.map((one) => [
      one.id,
      tonedWord(one.verdict),
      one.heardAgoMs === null ? "never" : `${span(one.heardAgoMs)} ago`,
      one.roundTripMs === null ? "-" : `${one.roundTripMs.toFixed(1)} ms`,
      one.loss === null ? "-" : `${(100 * one.loss).toFixed(1)} %`,
      String(one.revivalsInWindow),
      noteOf(one),
    ]),
    look,
  );
}

function noteOf(worker: WorkerView): string {
  const notes: string[] = [];
  if (worker.quarantinedForMs !== null) {
    notes.push(`quarantined for ${span(worker.quarantinedForMs)}`);
  }
  if (worker.silencedForMs !== null) {
    notes.push(`silenced for another ${span(worker.silencedForMs)}: ${worker.silenceReason}`);
  }
  if (worker.recovery !== null) notes.push(worker.recovery.text);
  if (notes.length === 0 && worker.verdict !== "healthy") notes.push(worker.reason);
  return notes.join("; ");
}

export function recoveriesText(recoveries: readonly RecoveryView[], look: Look): string {
  const { now } = look;
  if (recoveries.length === 0) return "No recovery is on record.";
  return table(
    ["RECOVERY", "WORKER", "BEGAN", "VERDICT", "ACTION", "TRIES", "TOOK", "OUTCOME"],
    recoveries.map((one) => [
      one.id,
      one.worker,
      ago(one.detectedAtMs, now),
      one.verdict,
      one.action,
      `${one.tries.filter((each) => each.counts).length}/${one.maxTries}`,
      tookText(one, now),
      tonedWord(
        one.outcome,
        one.outcomeReason === "" ? one.outcome : `${one.outcome}: ${one.outcomeReason}`,
      ),
    ]),
    look,
  );
}

/** Until it lived again, where it does; else until its end, or so far. */
export const tookText = (recovery: RecoveryView, now: number): string =>
  span((recovery.verifiedAtMs ?? recovery.endedAtMs ?? now) - recovery.detectedAtMs);

export function eventText(event: EventView, { now }: Pick<Look, "now">): string {
  const worker = event.worker === "" ? "" : ` ${event.worker}`;
  const recovery = event.recovery === "" ? "" : ` [${event.recovery}]`;
  return printable(
    `${clock(event.atMs)} (${ago(event.atMs, now)}) ${event.by} ${event.kind}${worker}: ${event.text}${recovery}`,
  );
}

export function notifyTestText({ channels }: NotifyTestView, look: Look): string {
  if (channels.length === 0) {
    return "There is no channel: give the coordinators SLACK_WEBHOOK_URL, WEBHOOK_URL or SMTP_URL.";
  }
  const rows = channels.map(({ channel, ok, text }) => [
    channel,
    ok ? toned("ok", "good") : toned("FAILED", "bad"),
    ok ? "" : text,
  ]);
  return table(["CHANNEL", "RESULT", ""], rows, look);
}
