// What a watched host is, and what is concluded of it.

import type { Capacity, StandingKind } from "../../../proto/messages.ts";
import type { CoordinatorId, Duration } from "../../../proto/units.ts";
import type { Evidence } from "../decision.ts";
import type { FenceView } from "./fence.ts";
import type { FenceSummary } from "./fence-record.ts";

/** The name of a machine with an engine: the Swarm node's, or the one in HOSTS. It holds no `/`, so that it is never a worker's id. */
export type HostId = string;

/** One line of a Swarm's own list of nodes. */
export interface SwarmNode {
  readonly id: string;
  readonly hostname: string;
  /** Where its host answers; empty where the Swarm does not know. */
  readonly address: string;
  readonly role: "manager" | "worker";
  readonly state: "ready" | "down" | "disconnected" | "unknown";
  readonly availability: "active" | "pause" | "drain";
}

/** What a manager among the engines says of its Swarm. Sent every few seconds and after each event of a node; no nodes where it manages none any more. */
export interface SwarmNodes {
  readonly kind: "swarm-nodes";
  /** The engine that said so, as in other news of it. */
  readonly host: string;
  /** Its own node's id. */
  readonly self: string;
  readonly nodes: readonly SwarmNode[];
}

export interface HostSpec {
  readonly id: HostId;
  /** Of its agent; a name is resolved by the shell. */
  readonly address: string;
  readonly port: number;
  /** Its place in a Swarm, where it has one. */
  readonly node: SwarmNode | undefined;
  /** Names by which engines, and so their workers, call this host; its own among them. */
  readonly engines: readonly string[];
}

export type HostVerdictKind =
  | "healthy"
  /** Its agent answers and says that the engine does not. */
  | "engine-unhealthy"
  /** Some hear it, some do not, or it is heard and cannot be asked: a path is broken. */
  | "partial"
  /** Its agent is silent, and the host itself answers. */
  | "agent-lost"
  /** A person asked the Swarm to drain it. */
  | "draining"
  | "dead"
  /** Nothing was heard of it yet. */
  | "unknown";

/** What is concluded of a host now. */
export interface HostNow {
  readonly id: HostId;
  readonly node: SwarmNode | undefined;
  readonly verdict: HostVerdictKind;
}

export interface HostVerdict {
  readonly kind: HostVerdictKind;
  /** One sentence: why this and not another. */
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

export interface HostSummary {
  readonly id: HostId;
  readonly address: string;
  readonly port: number;
  readonly verdict: HostVerdictKind;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  /** How long the verdict stands, ms. */
  readonly since: Duration;
  /** This coordinator's own, and what each other one said last. */
  readonly standing: StandingKind;
  readonly standings: Readonly<Record<CoordinatorId, StandingKind>>;
  /** Milliseconds since its agent, or anything else on it, was heard here; -1 when never. */
  readonly heardAgo: Duration;
  /** As for a worker's path; -1 when never heard. */
  readonly roundTrip: Duration;
  readonly loss: number;
  /** By its agent's last answer; undefined before the first. */
  readonly load: number | undefined;
  readonly capacity: Capacity | undefined;
  /** Undefined before its agent's first answer, and of one that cannot fence. */
  readonly fence: FenceSummary | undefined;
  /** Whether what is fenced there has been stopped, by this coordinator's own book. */
  readonly fenceView: FenceView;
  /** Of the Swarm node; undefined outside a Swarm. */
  readonly node: SwarmNode | undefined;
}
