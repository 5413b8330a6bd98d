// The picture of a Swarm that plans are made from. Plain data, as one manager told it in one moment; a host is a Swarm node.

import type { Duration } from "../../../proto/units.ts";

export interface SwarmView {
  readonly hosts: readonly SwarmHost[];
  readonly services: readonly SwarmService[];
  readonly tasks: readonly SwarmTask[];
}

/** Processor time in billionths of one processor, memory in bytes. */
export interface Resources {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

export interface SwarmHost {
  readonly id: string;
  readonly name: string;
  readonly role: "manager" | "worker";
  readonly availability: "active" | "pause" | "drain";
  /** Swarm's own: `ready`, `down`, `unknown` or `disconnected`. */
  readonly state: string;
  readonly address: string;
  /** The node labels that a person gave it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly engineLabels: Readonly<Record<string, string>>;
  /** As the engine writes them: `linux`, `x86_64`. */
  readonly os: string;
  readonly arch: string;
  /** All that it has; 0 where it did not say. */
  readonly resources: Resources;
  /** Names of its volume drivers; empty where it did not say. */
  readonly volumeDrivers: readonly string[];
  /** Load of one processor, 1 where all are busy; undefined while nobody measures it. */
  readonly load?: number;
  /** What is free by measurement; undefined while nobody measures it. */
  readonly free?: Resources;
}

export type ServiceMode = "replicated" | "global" | "replicated-job" | "global-job";

/** A part of a specification exactly as the engine gave it, to be given back to it. */
export type EngineJson = Readonly<Record<string, unknown>>;

export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** An update must name it, and is refused where another came first. */
  readonly version: number;
  /** Of the service itself (`deploy.labels` in a stack file). */
  readonly labels: Readonly<Record<string, string>>;
  /** Of its containers (`labels` in a stack file). */
  readonly containerLabels: Readonly<Record<string, string>>;
  readonly mode: ServiceMode;
  /** Of a replicated one; 0 of the others. */
  readonly replicas: number;
  readonly constraints: readonly string[];
  /** 0: no bound. */
  readonly maxReplicasPerHost: number;
  /** The platforms of its image, where Swarm could resolve it; empty: any. */
  readonly platforms: readonly { readonly os: string; readonly arch: string }[];
  readonly reservations: Resources;
  /** Reserved kinds beyond processors and memory, for a person. */
  readonly genericReservations: readonly string[];
  readonly mounts: readonly ServiceMount[];
  readonly ports: readonly ServicePort[];
  readonly stopGracePeriod: Duration;
  readonly image: string;
  /** Undefined where it has none and Swarm's defaults hold. */
  readonly updateConfig: EngineJson | undefined;
  /** `updating`, `paused`, `rollback_started` …; empty where it was never updated. */
  readonly updateState: string;
}

export interface ServiceMount {
  /** `volume`, `bind`, `tmpfs`, `npipe`, `cluster` …: the engine's word. */
  readonly type: string;
  /** A volume's name or a path of the host; empty for an anonymous volume. */
  readonly source: string;
  /** Of a volume; empty for the engine's default, `local`. */
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
}

export interface ServicePort {
  readonly protocol: string;
  /** 0: the engine takes any free one. */
  readonly published: number;
  /** `host`: only on the hosts where it runs, and once on each. */
  readonly mode: "host" | "ingress";
}

export interface SwarmTask {
  readonly id: string;
  readonly serviceId: string;
  /** 0 for tasks of global services. */
  readonly slot: number;
  /** Empty while it waits for a host. */
  readonly hostId: string;
  readonly desired: string;
  readonly state: string;
  /** Swarm's own words for why it does not run; empty where it has none. */
  readonly error: string;
  readonly image: string;
  readonly reservations: Resources;
}

const ended: ReadonlySet<string> = new Set([
  ...["complete", "shutdown", "failed", "rejected", "remove", "orphaned"],
]);
const unwanted: ReadonlySet<string> = new Set(["shutdown", "remove", "complete"]);

/** Whether Swarm counts on it: it runs, or is on its way to. */
export const isWanted = ({ desired, state }: SwarmTask): boolean =>
  !unwanted.has(desired) && !ended.has(state);

/** Whether Swarm may place new tasks there. */
export const isUsable = ({ state, availability }: SwarmHost): boolean =>
  state === "ready" && availability === "active";

/** By name, then by id: the order of input never matters. */
export function byName<Named extends { readonly name: string; readonly id: string }>(
  a: Named,
  b: Named,
): number {
  return compare(a.name, b.name) || compare(a.id, b.id);
}

/** Not by language: the same everywhere. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
