// A call is spread down: what clusters that stand as nodes have to run of a cluster's services, as calls to their own logs.

import {
  isOf,
  originOf,
  type Cluster,
  type ClusterCall,
  type Clusters,
  type Service,
} from "./cluster.ts";

export type Carry = Extract<ClusterCall, { readonly kind: "carry" }>;

export interface CarriedDown {
  readonly cluster: string;
  readonly call: Carry;
}

/** What differs from what those clusters' documents say. */
export function carriesOf(cluster: Cluster, clusters: Clusters): readonly CarriedDown[] {
  const children = cluster.nodes.flatMap(({ id, place, state }) => {
    const child = place.kind === "cluster" ? clusters.get(place.cluster) : undefined;
    return child === undefined || child.isDeleting ? [] : [{ node: id, state, child }];
  });
  return children.flatMap(({ node, state, child }) => {
    const wanted = state === "leaving" || cluster.isDeleting ? [] : cluster.services;
    const origins = new Set([
      ...wanted.map(({ number }) => originOf(cluster.id, number)),
      ...carriedBy(child, cluster.id).map(({ origin }) => origin),
    ]);
    return [...origins].flatMap((origin) => {
      const service = wanted.find(({ number }) => originOf(cluster.id, number) === origin);
      const call = carryOf(origin, service, node);
      return isCarried(child, call) ? [] : [{ cluster: child.id, call }];
    });
  });
}

const carriedBy = (child: Cluster, parent: string): readonly Service[] =>
  child.services.filter(({ origin }) => isOf(origin, parent));

function carryOf(origin: string, service: Service | undefined, node: string): Carry {
  const replicas = (service?.replicas ?? [])
    .filter((one) => one.node === node)
    .map(({ ordinal, part }) => ({ ordinal, part }));
  return { kind: "carry", origin, parts: service?.parts ?? [], replicas };
}

function isCarried(child: Cluster, { origin, replicas }: Carry): boolean {
  const there = child.services.find((one) => one.origin === origin)?.replicas ?? [];
  const ordinals = (all: readonly { readonly ordinal: number }[]): string =>
    all
      .map(({ ordinal }) => ordinal)
      .toSorted((a, b) => a - b)
      .join();
  return ordinals(there) === ordinals(replicas);
}
