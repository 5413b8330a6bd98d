// The figures of a coordinator's picture of itself and of what it watches.

import type { CoordinatorSummary } from "../core/summary.ts";
import { showCounters } from "./counters.ts";
import type { Exposition, Samples } from "./exposition.ts";

const roles: readonly CoordinatorSummary["role"][] = [
  "follower",
  "pre-candidate",
  "candidate",
  "leader",
];

/** What all coordinators believe alike. */
const takeLeaders = "As this coordinator sees it; take the leader's.";

export function showPicture(text: Exposition, summary: CoordinatorSummary): void {
  showSelf(text, summary);
  showWatched(text, summary);
  showCounters(text, summary.counters);
  text.histogram(
    "heartmesh_round_trip_seconds",
    "From a PING to its PONG, of all workers together, as this coordinator measured it.",
    [[{}, summary.histograms.roundTrips]],
  );
}

function showSelf(text: Exposition, summary: CoordinatorSummary): void {
  const { role, peers } = summary;
  text.gauge("heartmesh_leader", "1 on the leader.", bit(role === "leader"));
  text.gauge(
    "heartmesh_role",
    "1 for the role that this coordinator has.",
    roles.map((one) => [{ role: one }, bit(one === role)]),
  );
  text.gauge(
    "heartmesh_lease_seconds",
    "Lease margin: how long the lease still lasts; 0 where it holds none.",
    Math.max(0, summary.leaseFor) / 1000,
  );
  text.gauge("heartmesh_term", "The election term.", summary.term);
  text.gauge("heartmesh_fit", "1 while it is fit to judge.", bit(summary.fit));
  text.gauge("heartmesh_votes", "1 while it may vote.", bit(summary.votes));
  text.gauge(
    "heartmesh_coordinators",
    "Coordinators of the set that counts here, itself included.",
    summary.set.members.length,
  );
  text.gauge(
    "heartmesh_redis_reachable",
    "1 while Redis answers this coordinator.",
    bit(summary.redis === "reachable"),
  );
  text.gauge(
    "heartmesh_peer_heard_seconds",
    "Since the other coordinator was heard.",
    peers.flatMap(({ id, heardAgo }) =>
      heardAgo < 0 ? [] : [[{ peer: id }, heardAgo / 1000] as const],
    ),
  );
  text.counter(
    "heartmesh_heartbeats_missed_total",
    "Heartbeats that the other coordinator did not acknowledge in time.",
    Object.entries(summary.heartbeatsMissed).map(([peer, count]) => [{ peer }, count]),
  );
}

function showWatched(text: Exposition, summary: CoordinatorSummary): void {
  const { brake, workers, hosts } = summary;
  text.gauge(
    "heartmesh_workers",
    `Workers by verdict. ${takeLeaders}`,
    countedBy("verdict", workers),
  );
  const recoveries = [...workers, ...summary.services].flatMap(({ recovery }) => recovery ?? []);
  text.gauge(
    "heartmesh_recoveries_open",
    `Recoveries under way or waiting, by stage. ${takeLeaders}`,
    countedBy("stage", recoveries),
  );
  text.gauge(
    "heartmesh_workers_quarantined",
    `Workers that heartmesh has given up on. ${takeLeaders}`,
    workers.filter((one) => one.quarantinedFor >= 0).length,
  );
  text.gauge(
    "heartmesh_workers_silenced",
    `Workers that a person wants left alone. ${takeLeaders}`,
    workers.filter((one) => one.silencedFor >= 0).length,
  );
  text.gauge(
    "heartmesh_brake_tripped",
    `1 while the brake is tripped. ${takeLeaders}`,
    bit(brake.tripped),
  );
  text.gauge(
    "heartmesh_brake_failing",
    `Workers that count toward the brake. ${takeLeaders}`,
    brake.failing,
  );
  text.gauge(
    "heartmesh_findings",
    `Things that a person should know. ${takeLeaders}`,
    summary.findings.length,
  );
  text.gauge(
    "heartmesh_engine_reachable",
    "1 while the engine answers this coordinator.",
    summary.engines.map(({ host, reachable }) => [{ host }, bit(reachable)]),
  );
  text.gauge("heartmesh_hosts", `Hosts by verdict. ${takeLeaders}`, countedBy("verdict", hosts));
  text.gauge(
    "heartmesh_host_up",
    `0 while the host is dead. ${takeLeaders}`,
    hosts.map(({ id, verdict }) => [{ host: id }, bit(verdict !== "dead")]),
  );
  text.gauge(
    "heartmesh_host_fence_held",
    `1 while containers with heartmesh.fence may run on the host. ${takeLeaders}`,
    hosts.flatMap(({ id, fence }) =>
      fence === undefined ? [] : [[{ host: id }, bit(fence.state !== "lapsed")] as const],
    ),
  );
}

/** How many have each value of `field`. */
function countedBy<Field extends string>(
  field: Field,
  all: readonly Readonly<Record<Field, string>>[],
): Samples {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one[field], (counts.get(one[field]) ?? 0) + 1);
  return [...counts].map(([value, count]) => [{ [field]: value }, count]);
}

const bit = (isTrue: boolean): number => (isTrue ? 1 : 0);
