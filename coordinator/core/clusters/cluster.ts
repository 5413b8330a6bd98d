// A cluster of containers: its nodes, its services, the calls that change it and what the log says of them. Plain data, kept as JSON.

import type { Term } from "../../../proto/units.ts";

/** What one container is made of. */
export interface ContainerWish {
  /** A person's own name for it, unique in its cluster; may be empty. */
  readonly uniqId: string;
  /** For people; may be empty. */
  readonly label: string;
  readonly image: string;
  /** Empty: the image's own. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Where a node's containers run. */
export type NodePlace =
  /** An engine of DOCKER_HOST by its name, or a TCP endpoint. */
  | { readonly kind: "engine" }
  /** A share of the cluster's own engine. */
  | { readonly kind: "logical" }
  /** An engine inside a container of the cluster's own engine. */
  | { readonly kind: "nested" }
  /** Another cluster. */
  | { readonly kind: "cluster"; readonly cluster: string };

export interface ClusterNode {
  /** Unique in its cluster. */
  readonly id: string;
  readonly place: NodePlace;
  readonly host: string;
  readonly port: number;
  /** Replicas; of a cluster the sum of its nodes' counts instead. */
  readonly capacity: number;
  /** `lost`: its engine has not answered for `nodeGrace`. `leaving`: removed, its containers are not yet. */
  readonly state: "joining" | "joined" | "lost" | "leaving";
}

export interface Replica {
  /** From 1 on, within its service. */
  readonly ordinal: number;
  /** Which of the service's parts it is made of. */
  readonly part: number;
  /** The node's id; empty while there is no room for it. */
  readonly node: string;
}

export interface Service {
  /** The log index of the call that added it. */
  readonly number: number;
  readonly parts: readonly ContainerWish[];
  readonly replicas: readonly Replica[];
  /** `<cluster>/<number>` of the service that was spread down to here; empty where a person asked. */
  readonly origin: string;
}

export interface Cluster {
  readonly id: string;
  /** Distinguishes it from an earlier one of the same name. */
  readonly birth: string;
  readonly kind: "engines" | "swarm";
  /** Of DOCKER_HOST, on which nodes are spawned; empty: the first. */
  readonly engine: string;
  /** Wall-clock ms. */
  readonly createdAt: number;
  readonly isDeleting: boolean;
  /** Of a Swarm: the log index of the last rebalancing; 0 before the first. */
  readonly rebalancedAt: number;
  readonly nodes: readonly ClusterNode[];
  readonly services: readonly Service[];
}

export type Clusters = ReadonlyMap<string, Cluster>;

/** What is asked of a cluster, by a person or, from `node-lost` on, by the leader itself. */
export type ClusterCall =
  | { readonly kind: "create-cluster"; readonly swarm: boolean; readonly engine: string }
  | { readonly kind: "delete-cluster" }
  | {
      readonly kind: "add-service";
      readonly parts: readonly { readonly wish: ContainerWish; readonly replicas: number }[];
    }
  | { readonly kind: "remove-service"; readonly number: number }
  | { readonly kind: "add-node"; readonly node: Omit<ClusterNode, "state"> }
  | {
      readonly kind: "remove-node";
      /** Its id, or else host and port. */
      readonly id: string;
      readonly host: string;
      readonly port: number;
      /** Also where the others have no room for its containers. */
      readonly force: boolean;
    }
  | { readonly kind: "rebalance" }
  | { readonly kind: "node-lost"; readonly node: string; readonly reason: string }
  | { readonly kind: "node-back"; readonly node: string }
  /** Replicas that waited have room now. */
  | { readonly kind: "spread" }
  /** Of a cluster that this one is a node of: these replicas of its service shall run here, and no others. */
  | {
      readonly kind: "carry";
      readonly origin: string;
      readonly parts: readonly ContainerWish[];
      readonly replicas: readonly Omit<Replica, "node">[];
    };

/** One call in the log of its cluster; its place there is its log index. */
export interface LogEntry {
  /** Of the leader that took it. */
  readonly term: Term;
  readonly call: ClusterCall;
  /** Who asked. */
  readonly by: string;
  /** Wall-clock ms. */
  readonly at: number;
  /** `running`: decided and written down, its containers are being made or removed. */
  readonly state: "pending" | "running" | "done" | "failed";
  /** What was done, or why it could not be; empty before. */
  readonly text: string;
  /** The cluster in a few words, as it was decided on and as it is to be; empty before. */
  readonly before: string;
  readonly after: string;
  /** Wall-clock ms; 0 before. */
  readonly endedAt: number;
}

export const hasEnded = ({ state }: LogEntry): boolean => state === "done" || state === "failed";

/** The container's name, or that of a Swarm's service for one part of a service (its ordinal is the part's place from 1 on); the same whoever makes it: so an engine itself refuses a second one. */
export const containerName = (cluster: string, number: number, ordinal: number): string =>
  `hm-${cluster}-${number}-${ordinal}`;

/** Whose part a service is that was spread down from that cluster. */
export const originOf = (cluster: string, number: number): string => `${cluster}/${number}`;

/** Whether a service was spread down from that cluster. */
export const isOf = (origin: string, cluster: string): boolean => origin.startsWith(`${cluster}/`);

/** Replicas that are wanted, wherever they are. */
export const desiredOf = ({ services }: Pick<Cluster, "services">): number =>
  services.reduce((sum, { replicas }) => sum + replicas.length, 0);

/** A cluster in a few words. */
export function sketchOf({ nodes, services }: Cluster): string {
  const count = desiredOf({ services });
  const stay = nodes.filter(({ state }) => state !== "leaving").length;
  return `${stay} nodes, ${services.length} services, ${count} containers`;
}

/** A call in a few words, without what containers are given in their environment. */
export function wordsOf(call: ClusterCall): string {
  switch (call.kind) {
    case "create-cluster":
    case "delete-cluster":
    case "rebalance":
    case "spread":
      return call.kind;
    case "add-service":
      return `add-service ${call.parts.map(({ wish, replicas }) => `${replicas} × ${wish.image}`).join(", ")}`;
    case "remove-service":
      return `remove-service ${call.number}`;
    case "add-node":
      return `add-node ${call.node.id}`;
    case "remove-node":
      return `remove-node ${call.id === "" ? `${call.host}:${call.port}` : call.id}`;
    case "node-lost":
    case "node-back":
      return `${call.kind} ${call.node}`;
    case "carry":
      return `carry ${call.replicas.length} of ${call.origin}`;
  }
}
