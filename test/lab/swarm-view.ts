// What a Swarm's managers say of it, and what really runs on its hosts.

import { askEngine } from "./ask-engine.ts";
import type { LabEngine } from "./engine.ts";

/** A task as a manager sees it; the manager's clock, ms. */
export interface SwarmTask {
  readonly id: string;
  /** Undefined for a service that runs once on each node. */
  readonly slot: number | undefined;
  /** Undefined until it is assigned. */
  readonly nodeId: string | undefined;
  readonly container: string | undefined;
  readonly desired: string;
  readonly state: string;
  /** When it came into this state. */
  readonly stateAt: number;
  readonly createdAt: number;
  /** Empty where there is none. */
  readonly error: string;
}

export interface SwarmNode {
  readonly id: string;
  /** The host's name. */
  readonly name: string;
  /** `ready`, `down`, `unknown` or `disconnected`. */
  readonly state: string;
  /** `active`, `pause` or `drain`. */
  readonly availability: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined for one that is no manager. */
  readonly manager: { readonly isLeader: boolean; readonly isReachable: boolean } | undefined;
}

/** A container that an engine says to be running. */
export interface RunningContainer {
  readonly id: string;
  readonly name: string;
  /** Empty for one that no Swarm service started. */
  readonly service: string;
  readonly task: string;
}

interface TaskAnswer {
  readonly ID: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly CreatedAt: string;
  readonly DesiredState: string;
  readonly Status: {
    readonly Timestamp: string;
    readonly State: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string };
  };
}

interface NodeAnswer {
  readonly ID: string;
  readonly Spec: {
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Availability: string;
  };
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability: string };
}

interface ContainerAnswer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

/** All that the manager remembers of this service, oldest first. */
export async function tasksOf(manager: LabEngine, service: string): Promise<readonly SwarmTask[]> {
  const filters = encodeURIComponent(JSON.stringify({ service: [service] }));
  const answer = (await askEngine(manager, `/tasks?filters=${filters}`)) as readonly TaskAnswer[];
  const tasks = answer.map(({ ID, Slot, NodeID, CreatedAt, DesiredState, Status }) => ({
    id: ID,
    slot: Slot,
    nodeId: NodeID,
    container: Status.ContainerStatus?.ContainerID,
    desired: DesiredState,
    state: Status.State,
    stateAt: Date.parse(Status.Timestamp),
    createdAt: Date.parse(CreatedAt),
    error: Status.Err ?? "",
  }));
  return tasks.sort((a, b) => a.createdAt - b.createdAt);
}

export async function nodesOf(manager: LabEngine): Promise<readonly SwarmNode[]> {
  const answer = (await askEngine(manager, "/nodes")) as readonly NodeAnswer[];
  return answer.map(({ ID, Spec, Description, Status, ManagerStatus }) => ({
    id: ID,
    name: Description.Hostname,
    state: Status.State,
    availability: Spec.Availability,
    labels: Spec.Labels ?? {},
    manager: ManagerStatus && {
      isLeader: ManagerStatus.Leader ?? false,
      isReachable: ManagerStatus.Reachability === "reachable",
    },
  }));
}

/** @param patience ms without an answer until it throws */
export async function runningOn(
  engine: LabEngine,
  patience?: number,
): Promise<readonly RunningContainer[]> {
  const filters = encodeURIComponent(JSON.stringify({ status: ["running"] }));
  const path = `/containers/json?filters=${filters}`;
  const answer = (await askEngine(engine, path, { patience })) as readonly ContainerAnswer[];
  return answer.map(({ Id, Names, Labels }) => ({
    id: Id,
    name: Names[0]?.slice(1) ?? "",
    service: Labels["com.docker.swarm.service.name"] ?? "",
    task: Labels["com.docker.swarm.task.id"] ?? "",
  }));
}
