// Where replicas go: to the node that is emptiest for its capacity, load counted in; moved only where that is asked or a node is gone.

import {
  desiredOf,
  isOf,
  type Cluster,
  type ClusterNode,
  type Clusters,
  type Replica,
  type Service,
} from "./cluster.ts";

/** What is known of nodes beside their clusters. */
export interface Facts {
  readonly clusters: Clusters;
  /** Load average per processor of the node's engine, 0 where nobody tells. */
  readonly loadOf: (cluster: string, node: string) => number;
  /** Whether its engine was silent when it was asked last: it gets something only where the others have no room. */
  readonly isSilent: (cluster: string, node: string) => boolean;
}

/** A node as it is seen by whoever looks for room. */
interface Seat {
  readonly id: string;
  readonly capacity: number;
  used: number;
  /** At most 1, or very much where it is silent. */
  readonly load: number;
}

const silentLoad = 1_000;

/** Share of its capacity in use if it had so many, and its load. The lowest is next. */
const score = ({ capacity, load }: Seat, used: number): number =>
  (capacity === 0 ? Number.POSITIVE_INFINITY : used / capacity) + load;

export const usedOf = ({ services }: Pick<Cluster, "services">, node: string): number =>
  services.reduce(
    (sum, { replicas }) => sum + replicas.filter((one) => one.node === node).length,
    0,
  );

/** How many replicas it bears; of a cluster the sum of its nodes that live. */
export function capacityOf(node: ClusterNode, clusters: Clusters): number {
  if (node.place.kind !== "cluster") return node.capacity;
  const child = clusters.get(node.place.cluster);
  return child === undefined || child.isDeleting ? 0 : capacityWithin(child, clusters);
}

/** Of the nodes that live. */
export const capacityWithin = (cluster: Cluster, clusters: Clusters): number =>
  cluster.nodes
    .filter(({ state }) => state === "joined")
    .reduce((sum, node) => sum + capacityOf(node, clusters), 0);

function seatsOf(cluster: Cluster, facts: Facts): readonly Seat[] {
  return cluster.nodes
    .filter(({ state }) => state === "joined")
    .map((node) => {
      const used = usedOf(cluster, node.id);
      const isSilent = facts.isSilent(cluster.id, node.id);
      const load = Math.min(1, Math.max(0, facts.loadOf(cluster.id, node.id)));
      return {
        id: node.id,
        capacity: Math.max(
          used,
          capacityOf(node, facts.clusters) - foreignUse(cluster, node, facts),
        ),
        used,
        load: isSilent ? silentLoad : load,
      };
    });
}

/** What others than this cluster have in a cluster that is its node. */
function foreignUse(cluster: Cluster, { place }: ClusterNode, { clusters }: Facts): number {
  const child = place.kind === "cluster" ? clusters.get(place.cluster) : undefined;
  if (child === undefined) return 0;
  const ours = child.services
    .filter(({ origin }) => isOf(origin, cluster.id))
    .reduce((sum, { replicas }) => sum + replicas.length, 0);
  return desiredOf(child) - ours;
}

/** The next seat with room; ties go to the one with more room left, then by id. */
function takeSeat(seats: readonly Seat[]): string {
  const free = seats.filter(({ capacity, used }) => used < capacity);
  const [best] = free.toSorted(
    (a, b) =>
      score(a, a.used + 1) - score(b, b.used + 1) ||
      b.capacity - b.used - (a.capacity - a.used) ||
      (a.id < b.id ? -1 : 1),
  );
  if (best === undefined) return "";
  best.used++;
  return best.id;
}

export const freeOf = (cluster: Cluster, facts: Facts): number =>
  seatsOf(cluster, facts).reduce((sum, { capacity, used }) => sum + capacity - used, 0);

/** Where each of so many new replicas goes, in order; undefined where there is no room for all. */
export function place(
  cluster: Cluster,
  count: number,
  facts: Facts,
): readonly string[] | undefined {
  const seats = seatsOf(cluster, facts);
  const taken = Array.from({ length: count }, () => takeSeat(seats));
  return taken.includes("") ? undefined : taken;
}

/** The replicas that are on no node that lives get one, as far as there is room; all others stay. */
export function spreadAgain(cluster: Cluster, facts: Facts): Cluster {
  const living = new Set(
    cluster.nodes.filter(({ state }) => state === "joined").map(({ id }) => id),
  );
  const homeless = mapReplicas(cluster, (replica) =>
    living.has(replica.node) ? replica : { ...replica, node: "" },
  );
  const seats = seatsOf(homeless, facts);
  return mapReplicas(homeless, (replica) =>
    replica.node === "" ? { ...replica, node: takeSeat(seats) } : replica,
  );
}

/** The fewest moves after which no further one would even things out; of a service the last replicas go first. */
export function rebalanced(cluster: Cluster, facts: Facts): Cluster {
  let now = spreadAgain(cluster, facts);
  for (let left = desiredOf(now); left > 0; left--) {
    const seats = seatsOf(now, facts);
    const fullest = seats
      .filter(({ used }) => used > 0)
      .toSorted((a, b) => score(b, b.used) - score(a, a.used))[0];
    const emptiest = seats
      .filter((seat) => seat !== fullest && seat.used < seat.capacity)
      .toSorted((a, b) => score(a, a.used + 1) - score(b, b.used + 1))[0];
    if (fullest === undefined || emptiest === undefined) return now;
    if (score(emptiest, emptiest.used + 1) >= score(fullest, fullest.used)) return now;
    now = moveOne(now, fullest.id, emptiest.id);
  }
  return now;
}

function moveOne(cluster: Cluster, from: string, to: string): Cluster {
  const service = cluster.services.findLast(({ replicas }) =>
    replicas.some(({ node }) => node === from),
  );
  const replica = service?.replicas.findLast(({ node }) => node === from);
  return mapReplicas(cluster, (one) => (one === replica ? { ...one, node: to } : one));
}

const mapReplicas = (cluster: Cluster, change: (one: Replica) => Replica): Cluster => ({
  ...cluster,
  services: cluster.services.map((service): Service => ({
    ...service,
    replicas: service.replicas.map(change),
  })),
});

/** Those for which there is no room. */
export const waitingOf = ({ kind, services }: Cluster): number =>
  kind === "swarm"
    ? 0
    : services.reduce(
        (sum, { replicas }) => sum + replicas.filter(({ node }) => node === "").length,
        0,
      );

/** How many replicas stand on another node than before. */
export function movesBetween(before: Cluster, after: Cluster): number {
  const places = (cluster: Cluster): ReadonlyMap<string, string> =>
    new Map(
      cluster.services.flatMap(({ number, replicas }) =>
        replicas.map(({ ordinal, node }): [string, string] => [`${number}/${ordinal}`, node]),
      ),
    );
  const earlier = places(before);
  return [...places(after)].filter(([key, node]) => node !== "" && earlier.get(key) !== node)
    .length;
}
