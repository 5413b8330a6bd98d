// Small clusters for tests of what is decided about them.

import type {
  Cluster,
  ClusterCall,
  ClusterNode,
  ContainerWish,
} from "../../../../coordinator/core/clusters/cluster.ts";
import { decide, settled } from "../../../../coordinator/core/clusters/decide.ts";
import type { Facts } from "../../../../coordinator/core/clusters/placement.ts";

export const wish: ContainerWish = { uniqId: "", label: "", image: "w:1", command: [], env: {} };

export const clusterOf = (id: string, ...capacities: readonly number[]): Cluster => ({
  id,
  birth: `born-${id}`,
  kind: "engines",
  engine: "",
  createdAt: 0,
  isDeleting: false,
  rebalancedAt: 0,
  services: [],
  nodes: capacities.map((capacity, at): ClusterNode => ({
    ...{ id: `n${at + 1}`, place: { kind: "engine" }, host: `h${at + 1}`, port: 2375 },
    ...{ capacity, state: "joined" },
  })),
});

export const factsOf = (clusters: readonly Cluster[], some: Partial<Facts> = {}): Facts => ({
  clusters: new Map(clusters.map((one) => [one.id, one])),
  loadOf: () => 0,
  isSilent: () => false,
  ...some,
});

export const adding = (replicas: number, more: Partial<ContainerWish> = {}): ClusterCall => ({
  kind: "add-service",
  parts: [{ wish: { ...wish, ...more }, replicas }],
});

export const standing = (id: string, cluster: string): ClusterCall => ({
  kind: "add-node",
  node: { id, place: { kind: "cluster", cluster }, host: cluster, port: 0, capacity: 0 },
});

/** The cluster after the calls, each carried out; throws where one is refused. Log indices go on from `from`. */
export function after(
  cluster: Cluster,
  calls: readonly ClusterCall[],
  { from = 1, facts = factsOf([cluster]) } = {},
): Cluster {
  let now = cluster;
  for (const [at, call] of calls.entries()) {
    const decided = decide(now, from + at, call, facts);
    if (decided.kind === "refused") throw new Error(decided.text);
    const end = settled(decided.cluster, () => true);
    if (end === undefined) throw new Error(`${now.id} is gone`);
    now = end;
  }
  return now;
}

/** Node → how many replicas stand there; "" for those that wait. */
export function spreadOf({ services }: Cluster): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { replicas } of services) {
    for (const { node } of replicas) counts[node] = (counts[node] ?? 0) + 1;
  }
  return counts;
}

export const refusalOf = (
  cluster: Cluster,
  call: ClusterCall,
  facts = factsOf([cluster]),
): string => {
  const decided = decide(cluster, 99, call, facts);
  return decided.kind === "refused" ? decided.text : "";
};
