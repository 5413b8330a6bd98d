// What follows from a call: the cluster's document after it, or why it cannot be. Pure, so that whoever leads comes to the same.

import {
  wordsOf,
  type Cluster,
  type ClusterCall,
  type ClusterNode,
  type Replica,
  type Service,
} from "./cluster.ts";
import {
  capacityOf,
  freeOf,
  movesBetween,
  place,
  rebalanced,
  spreadAgain,
  usedOf,
  waitingOf,
  type Facts,
} from "./placement.ts";
import { isAlive, reaches } from "./tree.ts";
import { limits } from "../../../proto/limits.ts";

export type Decided =
  | {
      readonly kind: "changed";
      readonly cluster: Cluster;
      /** What was done, one sentence. */
      readonly text: string;
    }
  /** Why not; one sentence. */
  | { readonly kind: "refused"; readonly text: string };

type CallOf<Kind extends ClusterCall["kind"]> = Extract<ClusterCall, { readonly kind: Kind }>;

const refused = (text: string): Decided => ({ kind: "refused", text });
const changed = (cluster: Cluster, text: string): Decided => ({ kind: "changed", cluster, text });

/** @param index the call's place in the log */
export function decide(cluster: Cluster, index: number, call: ClusterCall, facts: Facts): Decided {
  if (cluster.isDeleting) return refused(`${cluster.id} is being deleted`);
  switch (call.kind) {
    case "create-cluster":
      return changed(cluster, `cluster ${cluster.id} is there`);
    case "delete-cluster":
      return changed(deleting(cluster), `cluster ${cluster.id} and all that ran in it are removed`);
    case "add-service":
      return addService(cluster, index, call, facts);
    case "remove-service":
      return removeService(cluster, call);
    case "add-node":
      return addNode(cluster, call, facts);
    case "remove-node":
      return removeNode(cluster, call, facts);
    case "rebalance":
      if (cluster.kind === "swarm") {
        return changed({ ...cluster, rebalancedAt: index }, "the Swarm places its tasks anew");
      }
      return respread(cluster, rebalanced(cluster, facts), "evened out");
    case "node-lost":
      return nodeLost(cluster, call, facts);
    case "node-back":
      return nodeBack(cluster, call, facts);
    case "spread":
      return respread(cluster, spreadAgain(cluster, facts), "spread");
    case "carry":
      return carry(cluster, index, call, facts);
  }
}

const deleting = (cluster: Cluster): Cluster => ({
  ...cluster,
  isDeleting: true,
  services: [],
  nodes: cluster.nodes.map((node) => ({ ...node, state: "leaving" })),
});

/** What remains of a call that turned out to be impossible while it was carried out. */
export function withdrawn(cluster: Cluster, index: number, call: ClusterCall): Cluster {
  switch (call.kind) {
    case "add-service":
    case "carry":
      return { ...cluster, services: cluster.services.filter(({ number }) => number !== index) };
    case "add-node":
      return { ...cluster, nodes: cluster.nodes.filter(({ id }) => id !== call.node.id) };
    default:
      return cluster;
  }
}

/** For a cluster's engine that starts no engine in a container: the node becomes a share of it; the very cluster where it is one already. */
export function asShare(cluster: Cluster, id: string): Cluster {
  if (!cluster.nodes.some((node) => node.id === id && node.place.kind === "nested")) return cluster;
  const nodes = cluster.nodes.map((node) =>
    node.id === id ? { ...node, place: { kind: "logical" } as const } : node,
  );
  return { ...cluster, nodes };
}

/** After a call was carried out: what joined is in, what left is out. Undefined: the cluster itself is gone. */
export function settled(
  cluster: Cluster,
  isSwept: (node: ClusterNode) => boolean,
): Cluster | undefined {
  if (cluster.isDeleting) return undefined;
  const nodes = cluster.nodes
    .filter((node) => node.state !== "leaving" || !isSwept(node))
    .map((node): ClusterNode => (node.state === "joining" ? { ...node, state: "joined" } : node));
  return { ...cluster, nodes };
}

function addService(
  cluster: Cluster,
  number: number,
  { parts }: CallOf<"add-service">,
  facts: Facts,
): Decided {
  if (cluster.services.length >= limits.clusterServices) {
    return refused(`${cluster.id} has ${limits.clusterServices} services already; remove one`);
  }
  const taken = takenIds(cluster);
  const twice = parts.map(({ wish }) => wish.uniqId).find((id) => id !== "" && taken.has(id));
  if (twice !== undefined)
    return refused(`a container of ${cluster.id} is called ${twice} already`);
  const count = parts.reduce((sum, { replicas }) => sum + replicas, 0);
  const nodes =
    cluster.kind === "swarm" ? Array<string>(count).fill("") : place(cluster, count, facts);
  if (nodes === undefined) {
    const free = freeOf(cluster, facts);
    return refused(`${cluster.id} has room for ${free} of ${count} replicas; add a node`);
  }
  const replicas = parts.flatMap(({ replicas: many }, part) => Array<number>(many).fill(part));
  const service: Service = {
    number,
    parts: parts.map(({ wish }) => wish),
    replicas: replicas.map((part, at): Replica => ({
      ordinal: at + 1,
      part,
      node: nodes[at] ?? "",
    })),
    origin: "",
  };
  const services = [...cluster.services, service];
  return changed({ ...cluster, services }, `service ${number} runs with ${count} containers`);
}

const takenIds = ({ services }: Cluster): ReadonlySet<string> =>
  new Set(services.flatMap(({ parts }) => parts.map(({ uniqId }) => uniqId)));

function removeService(cluster: Cluster, { number }: CallOf<"remove-service">): Decided {
  const service = cluster.services.find((one) => one.number === number);
  if (service === undefined) return refused(`${cluster.id} has no service ${number}`);
  if (service.origin !== "") {
    return refused(`service ${number} belongs to ${service.origin}; remove it there`);
  }
  const services = cluster.services.filter((one) => one !== service);
  const count = service.replicas.length;
  return changed(
    { ...cluster, services },
    `service ${number} and its ${count} containers are gone`,
  );
}

function addNode(cluster: Cluster, { node }: CallOf<"add-node">, { clusters }: Facts): Decided {
  if (cluster.kind === "swarm") {
    return refused(`${cluster.id} is a Swarm; its nodes join by /api/swarm/join`);
  }
  if (cluster.nodes.length >= limits.clusterNodes) {
    return refused(`${cluster.id} has ${limits.clusterNodes} nodes already`);
  }
  const same = cluster.nodes.find((one) => one.id === node.id || isAt(one, node));
  // One that was removed and could not be swept: its engine is swept by the new one.
  const others = cluster.nodes.filter((one) => one !== same);
  if (same !== undefined && same.state !== "leaving") {
    return refused(`${cluster.id} has a node ${same.id} at ${same.host}:${same.port} already`);
  }
  if (node.place.kind === "cluster") {
    const child = clusters.get(node.place.cluster);
    if (child === undefined) return refused(`there is no cluster ${node.place.cluster}`);
    if (reaches(clusters, child.id, cluster.id)) {
      return refused(`${child.id} cannot stand below ${cluster.id}: it would be a circle`);
    }
    if (child.kind === "swarm") return refused(`${child.id} is a Swarm, which has no capacity`);
  }
  const nodes: readonly ClusterNode[] = [...others, { ...node, state: "joining" }];
  return changed({ ...cluster, nodes }, `node ${node.id} has joined ${cluster.id}`);
}

const isAt = (one: ClusterNode, { host, port, place }: Omit<ClusterNode, "state">): boolean =>
  one.host === host && one.port === port && one.place.kind === place.kind;

function removeNode(cluster: Cluster, call: CallOf<"remove-node">, facts: Facts): Decided {
  const found = cluster.nodes.filter(({ id, host, port, state }) => {
    if (state === "leaving") return false;
    return call.id === "" ? host === call.host && port === call.port : id === call.id;
  });
  const [node] = found;
  const asked = call.id === "" ? `at ${call.host}:${call.port}` : call.id;
  if (node === undefined) return refused(`${cluster.id} has no node ${asked}`);
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(", ");
    return refused(`${found.length} nodes of ${cluster.id} are ${asked}; give an id: ${ids}`);
  }
  const rest = withState(cluster, node.id, "leaving");
  const next = spreadAgain(rest, facts);
  const without = waitingOf(next) - waitingOf(cluster);
  if (without > 0 && !call.force) {
    const used = usedOf(cluster, node.id);
    return refused(
      `the other nodes have room for ${used - without} of its ${used} containers; add a node, or say "force":true`,
    );
  }
  return changed(next, `node ${node.id} has left ${cluster.id}${movedText(cluster, next)}`);
}

const withState = (cluster: Cluster, id: string, state: ClusterNode["state"]): Cluster => ({
  ...cluster,
  nodes: cluster.nodes.map((node) => (node.id === id ? { ...node, state } : node)),
});

function nodeLost(cluster: Cluster, { node, reason }: CallOf<"node-lost">, facts: Facts): Decided {
  const found = cluster.nodes.find(({ id }) => id === node);
  if (found?.state !== "joined") return refused(`${node} is no node that lives`);
  const next = lose(cluster, node, facts);
  return changed(next, `node ${node} is dead: ${reason}${movedText(cluster, next)}`);
}

/** What ran there is spread over the others. */
export const lose = (cluster: Cluster, node: string, facts: Facts): Cluster =>
  spreadAgain(withState(cluster, node, "lost"), facts);

function nodeBack(cluster: Cluster, { node }: CallOf<"node-back">, facts: Facts): Decided {
  const found = cluster.nodes.find(({ id }) => id === node);
  if (found?.state !== "lost") return refused(`${node} is no node that was lost`);
  const next = spreadAgain(withState(cluster, node, "joined"), facts);
  return changed(next, `node ${node} answers again${movedText(cluster, next)}`);
}

const respread = (before: Cluster, after: Cluster, how: string): Decided =>
  changed(after, `${before.id} is ${how}${movedText(before, after)}`);

function movedText(before: Cluster, after: Cluster): string {
  const moves = movesBetween(before, after);
  const waiting = waitingOf(after);
  const rest = waiting === 0 ? "" : `; ${waiting} wait for room`;
  return `; ${moves} containers are placed elsewhere${rest}`;
}

function carry(
  cluster: Cluster,
  index: number,
  { origin, parts, replicas }: CallOf<"carry">,
  facts: Facts,
): Decided {
  const old = cluster.services.find((one) => one.origin === origin);
  const placed = new Map(old?.replicas.map(({ ordinal, node }) => [ordinal, node]));
  const service: Service = {
    number: old?.number ?? index,
    parts,
    origin,
    replicas: replicas.map((one) => ({ ...one, node: placed.get(one.ordinal) ?? "" })),
  };
  const others = cluster.services.filter((one) => one !== old);
  const services = replicas.length === 0 ? others : [...others, service];
  const next = spreadAgain({ ...cluster, services }, facts);
  return changed(
    next,
    `${wordsOf({ kind: "carry", origin, parts, replicas })}${movedText(cluster, next)}`,
  );
}

/** What the leader itself has to ask of a cluster for which no call waits: a word to its log. */
export function upkeepOf(cluster: Cluster, facts: Facts): ClusterCall | undefined {
  for (const { id, place, state } of cluster.nodes) {
    if (place.kind !== "cluster") continue;
    const lives = isAlive(facts.clusters, place.cluster);
    if (state === "joined" && !lives) {
      const reason = `no node of cluster ${place.cluster} lives`;
      return { kind: "node-lost", node: id, reason };
    }
    if (state === "lost" && lives) return { kind: "node-back", node: id };
  }
  const overfull = cluster.nodes.some(
    (node) =>
      node.state === "joined" &&
      node.place.kind === "cluster" &&
      usedOf(cluster, node.id) > capacityOf(node, facts.clusters),
  );
  const hasRoom = waitingOf(cluster) > 0 && freeOf(cluster, facts) > 0;
  return hasRoom && !overfull ? { kind: "spread" } : undefined;
}
