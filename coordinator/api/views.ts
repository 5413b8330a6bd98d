// From what the coordinator knows to what the API says. Pure.

import { createHash } from "node:crypto";
import type {
  CoordinatorsView,
  EventView,
  LeaderView,
  RecoveryView,
  StatusView,
  WorkerView,
} from "../../proto/rest.ts";
import type { MeshEvent } from "../core/event.ts";
import type { OpenRecoverySummary } from "../core/recovery-summary.ts";
import type { RecoveryRecord } from "../core/recovery-record.ts";
import type { CoordinatorSummary, WorkerSummary } from "../core/summary.ts";
import type { ProcessFacts } from "./plane.ts";

/** Whether it leads with a lease: what proxies and writes go by. */
export const holdsLease = (summary: CoordinatorSummary): boolean =>
  summary.role === "leader" && summary.leaseFor > 0;

export const leaderView = (summary: CoordinatorSummary, url: string | undefined): LeaderView => ({
  leader: summary.leader,
  term: summary.term,
  url: url ?? null,
  isSelf: holdsLease(summary),
});

export function coordinatorsView(summary: CoordinatorSummary): CoordinatorsView {
  const { set, leader, id: self, change, strangers } = summary;
  const heardAgo = new Map(summary.peers.map((peer) => [peer.id, peer.heardAgo]));
  return {
    coordinators: set.members.map(({ id, host, port }) => ({
      id,
      address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
      isLeader: id === leader,
      heardAgoMs: id === self ? 0 : atLeastZero(heardAgo.get(id) ?? -1),
    })),
    term: set.stamp.term,
    version: set.stamp.version,
    change,
    strangers,
  };
}

export function statusView(
  summary: CoordinatorSummary,
  readiness: StatusView["readiness"],
  facts: ProcessFacts,
): StatusView {
  const { id, role, term, leader, fit, unfitReason, votes, redis, redisByQuorum } = summary;
  const workers: Record<string, number> = {};
  for (const { verdict } of summary.workers) workers[verdict] = (workers[verdict] ?? 0) + 1;
  return {
    id,
    version: facts.version,
    startedAtMs: facts.startedAt,
    leaderSinceMs: facts.leaderSince ?? null,
    role,
    term,
    leader,
    leaseForMs: Math.max(0, summary.leaseFor),
    fit,
    unfitReason,
    votes,
    peers: summary.peers.map((peer) => ({
      id: peer.id,
      heardAgoMs: atLeastZero(peer.heardAgo),
      fit: peer.fit,
      redis: peer.redis,
    })),
    redis,
    redisByQuorum,
    brake: summary.brake,
    engines: summary.engines,
    findings: summary.findings,
    readiness,
    workers,
  };
}

export function workerView(summary: CoordinatorSummary, worker: WorkerSummary): WorkerView {
  return {
    id: worker.id,
    role: worker.role,
    verdict: worker.verdict,
    reason: worker.reason,
    evidence: worker.evidence,
    host: worker.host,
    containerId: worker.containerId,
    probe: worker.probe,
    standings: { ...worker.standings, [summary.id]: worker.standing },
    roundTripMs: atLeastZero(worker.roundTrip),
    loss: atLeastZero(worker.loss),
    heardAgoMs: atLeastZero(worker.heardAgo),
    load: worker.load ?? null,
    recovery: worker.recovery === undefined ? null : recoveryOf(worker.recovery),
    quarantinedForMs: atLeastZero(worker.quarantinedFor),
    silencedForMs: atLeastZero(worker.silencedFor),
    silenceReason: worker.silenceReason,
    revivalsInWindow: worker.revivalsInWindow,
  };
}

function recoveryOf(open: OpenRecoverySummary): WorkerView["recovery"] {
  const { id, stage, tries, text, dueIn } = open;
  const isPause = stage === "backing-off" && dueIn >= 0;
  return { id, stage, tries, text: isPause ? `${text} in ${Math.ceil(dueIn / 1000)} s` : text };
}

export function recoveryView(record: RecoveryRecord): RecoveryView {
  const actedAt = record.tries.findLast((one) => one.actedAt > 0)?.actedAt ?? 0;
  // An earlier try's first healthy answer says nothing of what was done since.
  const verifiedAt = record.verifiedAt < actedAt ? 0 : record.verifiedAt;
  return {
    id: record.id,
    worker: record.worker,
    verdict: record.verdict,
    action: record.action,
    reason: record.reason,
    evidence: record.evidence,
    term: record.token.term,
    epoch: record.token.epoch,
    outcome: record.outcome,
    outcomeReason: record.outcomeReason,
    runner: record.runner,
    maxTries: record.maxTries,
    detectedAtMs: record.detectedAt,
    decidedAtMs: record.decidedAt,
    enqueuedAtMs: unlessZero(record.enqueuedAt),
    actingAtMs: unlessZero(record.tries[0]?.startedAt ?? 0),
    verifyingAtMs: unlessZero(actedAt),
    verifiedAtMs: unlessZero(verifiedAt),
    recoveredAtMs: unlessZero(record.recoveredAt),
    endedAtMs: unlessZero(record.endedAt),
    tries: record.tries.map((one) => ({
      number: one.number,
      runner: one.runner,
      startedAtMs: one.startedAt,
      actedAtMs: unlessZero(one.actedAt),
      verifiedAtMs: unlessZero(one.verifiedAt),
      failedAtMs: unlessZero(one.failedAt),
      reason: one.reason,
      counts: one.counts,
    })),
  };
}

export function eventView(id: string, event: MeshEvent): EventView {
  const { kind, at, by, worker, recovery, text, evidence, change } = event;
  const view = { id, kind, atMs: at, by, worker, recovery, text, evidence };
  return change === undefined ? view : { ...view, change };
}

/** The same wherever the event is read: its time, then a hash of it. */
export function streamId(event: MeshEvent): string {
  const parts = [event.kind, event.by, event.worker, event.recovery, event.text];
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
  return `${event.at}-${hash}`;
}

const atLeastZero = (value: number): number | null => (value < 0 ? null : value);
const unlessZero = (at: number): number | null => (at === 0 ? null : at);
