// From a cluster's document, and what engines have of it, to what the API says. Pure.

import type {
  CallRow,
  ClusterContainer,
  ClusterNodeRow,
  ClusterRow,
  ClusterServiceRow,
  ClusterState,
  ClusterStats,
  ClusterView,
  LogEntryRow,
} from "../../proto/cluster-rest.ts";
import {
  containerName,
  desiredOf,
  originOf,
  wordsOf,
  type Cluster,
  type ClusterNode,
  type Clusters,
  type LogEntry,
  type Service,
} from "../core/clusters/cluster.ts";
import type { FoundContainer, FoundEngine } from "../core/clusters/compare.ts";
import { capacityOf, capacityWithin, usedOf, waitingOf } from "../core/clusters/placement.ts";
import type { SwarmPart } from "./swarm-hands.ts";

const isoOf = (ms: number): string => (ms === 0 ? "" : new Date(ms).toISOString());

export const callRow = (cluster: string, index: number, entry: LogEntry): CallRow => ({
  cluster,
  log_index: index,
  term: entry.term,
  call: wordsOf(entry.call),
  state: entry.state,
  text: entry.text,
});

export const entryRow = (cluster: string, index: number, entry: LogEntry): LogEntryRow => ({
  ...callRow(cluster, index, entry),
  by: entry.by,
  at: isoOf(entry.at),
  ended_at: isoOf(entry.endedAt),
});

export const clusterRow = (cluster: Cluster, clusters: Clusters): ClusterRow => ({
  id: cluster.id,
  kind: cluster.kind,
  created_at: isoOf(cluster.createdAt),
  nodes: cluster.nodes.length,
  services: cluster.services.length,
  capacity: capacityWithin(cluster, clusters),
  replicas: desiredOf(cluster),
  waiting: waitingOf(cluster),
});

export const clusterView = (cluster: Cluster, clusters: Clusters): ClusterView => ({
  ...clusterRow(cluster, clusters),
  nodes: cluster.nodes.map((node) => nodeRow(cluster, node, clusters)),
  services: cluster.services.map(({ number }) => number),
});

const nodeRow = (cluster: Cluster, node: ClusterNode, clusters: Clusters): ClusterNodeRow => ({
  id: node.id,
  kind: node.place.kind,
  host: node.host,
  port: node.port,
  cluster: node.place.kind === "cluster" ? node.place.cluster : "",
  state: node.state,
  capacity: capacityOf(node, clusters),
  used: usedOf(cluster, node.id),
});

/** What was found of a cluster; `undefined` of a service: nobody could tell. */
export interface FoundCluster {
  readonly engines: readonly FoundEngine[];
  readonly parts: readonly SwarmPart[];
  /** Of clusters below. */
  readonly below: ReadonlyMap<string, FoundCluster>;
}

export function servicesView(
  cluster: Cluster,
  found: FoundCluster,
  clusters: Clusters,
): readonly ClusterServiceRow[] {
  return cluster.services.map((service): ClusterServiceRow => {
    const { number, origin, parts } = service;
    const replicas = cluster.kind === "swarm" ? [] : replicaRows(cluster, service, found, clusters);
    const isRunning = ({ state }: { readonly state: string }): boolean => state === "running";
    return {
      n: number,
      origin,
      containers: parts.map(({ uniqId, label, image, command, env }, part) => ({
        ...{ uniq_id: uniqId, label, image, command, env: Object.keys(env) },
        replicas: service.replicas.filter((one) => one.part === part).length,
      })),
      desired: service.replicas.length,
      running:
        cluster.kind === "swarm"
          ? runningTasks(cluster, service, found.parts)
          : replicas.filter(isRunning).length,
      replicas,
    };
  });
}

const runningTasks = (
  { id }: Cluster,
  { number, parts }: Service,
  all: readonly SwarmPart[],
): number =>
  parts.reduce((sum, _part, at) => {
    const name = containerName(id, number, at + 1);
    return sum + (all.find((one) => one.name === name)?.running ?? 0);
  }, 0);

function replicaRows(
  cluster: Cluster,
  { number, replicas }: Service,
  found: FoundCluster,
  clusters: Clusters,
): ClusterServiceRow["replicas"] {
  return replicas.map(({ ordinal, node }) => {
    const place = cluster.nodes.find(({ id }) => id === node)?.place;
    const there =
      place?.kind === "cluster"
        ? belowOf(
            clusters.get(place.cluster),
            originOf(cluster.id, number),
            ordinal,
            found,
            clusters,
          )
        : containersOn(found.engines, node)?.find(
            (one) => one.node === node && one.number === number && one.ordinal === ordinal,
          );
    const isKnown = place?.kind === "cluster" || containersOn(found.engines, node) !== undefined;
    const state = node === "" ? "waiting" : (there?.state ?? (isKnown ? "missing" : "unknown"));
    return { ordinal, node, container: there?.id ?? "", state };
  });
}

const containersOn = (
  engines: readonly FoundEngine[],
  node: string,
): readonly FoundContainer[] | undefined =>
  engines.find(({ nodes }) => nodes.includes(node))?.containers;

/** The container of a replica that was spread down. */
function belowOf(
  child: Cluster | undefined,
  origin: string,
  ordinal: number,
  found: FoundCluster,
  clusters: Clusters,
): { readonly id: string; readonly state: string } | undefined {
  const service = child?.services.find((one) => one.origin === origin);
  const own = child === undefined ? undefined : found.below.get(child.id);
  if (child === undefined || service === undefined || own === undefined) return undefined;
  const row = replicaRows(child, service, own, clusters).find((one) => one.ordinal === ordinal);
  return row === undefined ? undefined : { id: row.container, state: row.state };
}

export function stateView(
  cluster: Cluster,
  services: readonly ClusterServiceRow[],
  log: ClusterState["log"],
): ClusterState {
  const of = (state: ClusterNode["state"]): readonly ClusterNode[] =>
    cluster.nodes.filter((node) => node.state === state);
  const desired = desiredOf(cluster);
  const running = services.reduce((sum, one) => sum + one.running, 0);
  const waiting = waitingOf(cluster);
  const reasons = [
    ...of("lost").map(({ id }) => `node ${id} is dead`),
    ...(waiting > 0 ? [`${waiting} replicas wait for room`] : []),
    ...(running < desired ? [`${running} of ${desired} replicas run`] : []),
  ];
  return {
    id: cluster.id,
    state: cluster.isDeleting ? "deleting" : reasons.length === 0 ? "ready" : "degraded",
    reasons,
    nodes: { total: cluster.nodes.length, joined: of("joined").length, lost: of("lost").length },
    services: cluster.services.length,
    replicas: { desired, running, waiting },
    log,
  };
}

export function statsView(
  cluster: Cluster,
  found: FoundCluster,
  clusters: Clusters,
  more: { readonly loadOf: (engine: string) => number | undefined; readonly at: number },
): ClusterStats {
  const nodes = cluster.nodes.map((node) => {
    const engine = found.engines.find((one) => one.nodes.includes(node.id));
    const own = engine?.containers?.filter((one) => one.node === node.id);
    return {
      ...nodeRow(cluster, node, clusters),
      load: engine === undefined ? null : (more.loadOf(engine.engine) ?? null),
      containers: own?.map(containerRow) ?? null,
    };
  });
  const capacity = capacityWithin(cluster, clusters);
  const used = desiredOf(cluster) - waitingOf(cluster);
  const free = Math.max(0, capacity - used);
  return { id: cluster.id, capacity, used, free, nodes, timestamp: isoOf(more.at) };
}

const containerRow = ({ id, name, number, ordinal, state }: FoundContainer): ClusterContainer => ({
  id,
  name,
  service: number,
  ordinal,
  state,
});
