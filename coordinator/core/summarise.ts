// The picture that a coordinator gives of itself, made of its parts.

import { elapsed, type Instant } from "../../proto/units.ts";
import type { CoordinatorConfig } from "./coordinator.ts";
import type { Decision } from "./decision.ts";
import type { Election } from "./election.ts";
import type { LedgerPage } from "./ledger.ts";
import type { Lookout } from "./lookout.ts";
import { composeOf } from "./mapping.ts";
import { heardAgo } from "./path.ts";
import type { Recoveries } from "./recoveries.ts";
import type { RecoverySummary } from "./recovery-summary.ts";
import type { RedisView } from "./redis-view.ts";
import type { SelfHealth } from "./self-health.ts";
import type { CoordinatorSummary, ServiceSummary, WorkerSummary } from "./summary.ts";
import type { Wards } from "./wards.ts";
import type { Finding, Probe } from "./worker.ts";

interface Parts {
  readonly now: Instant;
  readonly config: CoordinatorConfig;
  readonly election: Election;
  readonly wards: Wards;
  readonly lookout: Lookout;
  readonly recoveries: Recoveries;
  readonly redis: RedisView;
  readonly self: SelfHealth;
  readonly fitness: { readonly fit: boolean; readonly reason: string };
  readonly counters: Readonly<Record<string, number>>;
}

export function summarise(parts: Parts): CoordinatorSummary {
  const { now, config, election, wards, lookout, recoveries, redis, self, fitness } = parts;
  const { hosts, moves, plain } = lookout;
  const lease = election.leaseUntil(now);
  const peers = election.peers(now);
  const { tripped, failing, total } = recoveries.brake(now);
  const workers: WorkerSummary[] = [];
  const findings = [...hosts.findings(now), ...wards.census.findings];
  for (const page of wards.pages()) {
    const worker = summariseWorker(page, parts);
    workers.push(worker);
    if (worker.verdict === "unwatched") findings.push(unwatched(worker));
  }
  return {
    id: config.election.id,
    role: election.role,
    term: election.term,
    leader: election.leader,
    leaseFor: lease === undefined ? 0 : elapsed(now, lease),
    fit: fitness.fit,
    unfitReason: fitness.fit ? "" : fitness.reason,
    votes: election.obstacle === "",
    peers: peers.map(({ id, heardAgo: ago, fit, redis: seen }) => ({
      id,
      heardAgo: ago,
      fit,
      redis: seen,
    })),
    set: election.members.set,
    change: election.changeText,
    strangers: election.strangers(now),
    redis: redis.own,
    redisByQuorum: redis.byQuorum,
    brake: { tripped, failing, total },
    engines: wards.hosts.list(),
    hosts: hosts.summary(now),
    findings,
    workers,
    services: [...moves.decisions(), ...plain.decisions()].map((decision) => ({
      ...summariseService(decision),
      ...recoveries.summaryOf(decision.worker, now),
    })),
    movable: [...wards.census.containers()].filter(({ belongings }) => belongings !== undefined),
    counters: {
      ...parts.counters,
      "elections-started": election.candidacies,
      ...self.counters,
      ...wards.counters,
      ...wards.pinger.counters,
      ...(hosts.isIdle ? {} : hosts.counters),
    },
    heartbeatsMissed: Object.fromEntries(peers.map(({ id, missed }) => [id, missed])),
    histograms: { roundTrips: wards.pinger.roundTrips.view(), lateness: self.lateness.view() },
  };
}

/** What was decided of a service, or of a container that may move, and whether a person has to act. */
export function summariseService(decision: Decision): Omit<ServiceSummary, keyof RecoverySummary> {
  const { worker, verdict } = decision;
  const left = decision.kind === "leave" && decision.isTheirs === true ? decision : undefined;
  return {
    id: worker,
    verdict: verdict.kind,
    reason: verdict.reason,
    left: left?.reason ?? "",
    awaitsWord: left?.awaitsWord === true,
  };
}

function summariseWorker(page: LedgerPage, parts: Parts): WorkerSummary {
  const { now, wards, recoveries } = parts;
  const { worker, spec, verdict } = page;
  const path = wards.pinger.path(worker, now);
  return {
    id: worker,
    role: spec.role,
    verdict: verdict.kind,
    reason: verdict.reason,
    evidence: verdict.evidence,
    host: spec.container?.host ?? "",
    containerId: spec.container?.id ?? "",
    composeService: spec.container === undefined ? "" : (composeOf(spec.container)?.service ?? ""),
    probe: describeProbe(spec.probe),
    standing: path?.standing ?? "abstain",
    standings: wards.standings.saidOf(worker),
    roundTrip: path?.roundTrip ?? -1,
    loss: path?.loss ?? -1,
    heardAgo: path === undefined ? -1 : heardAgo(path, now),
    // An agent in a container of its own measures that one.
    load: path?.standing === "up" && spec.agent === undefined ? page.load : undefined,
    ...recoveries.summaryOf(worker, now),
  };
}

function describeProbe(probe: Probe): string {
  switch (probe.kind) {
    case "agent":
      return `agent ${probe.address}:${probe.port}`;
    case "check":
      return probe.check.kind === "http"
        ? probe.check.url
        : `tcp://${probe.check.host}:${probe.check.port}`;
    case "engine-only":
      return "engine only";
  }
}

function unwatched({ id, reason }: WorkerSummary): Finding {
  const text = `${id} is not watched: ${reason}. Give it an agent, or the label heartmesh.check.`;
  return { subject: id, code: "unwatched", text };
}
