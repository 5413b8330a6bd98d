// The rows of `/api/swarm/*` from a manager's JSON. Pure; tolerant of fields that an engine leaves out.

import type {
  SwarmJoinToken,
  SwarmNodeRow,
  SwarmPort,
  SwarmServiceRow,
  SwarmTaskRow,
} from "../../proto/swarm-rest.ts";
import type { RawNode, RawService, RawTask } from "./swarm-views.ts";

/** Of an entry of `GET /nodes`, beyond what moves read. */
export type RawNodeRow = RawNode & {
  readonly Version?: { readonly Index?: number };
  readonly Description?: { readonly Engine?: { readonly EngineVersion?: string } };
  readonly Status?: { readonly Message?: string };
  readonly ManagerStatus?: { readonly Leader?: boolean };
};

/** Of `GET /services?status=true`. */
export type RawServiceRow = RawService & {
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly ServiceStatus?: { readonly RunningTasks?: number; readonly DesiredTasks?: number };
  readonly UpdateStatus?: { readonly State?: string; readonly Message?: string } | null;
  readonly Endpoint?: { readonly Ports?: readonly RawPort[] | null };
};

interface RawPort {
  readonly Protocol?: string;
  readonly TargetPort?: number;
  readonly PublishedPort?: number;
  readonly PublishMode?: string;
}

/** Of `GET /tasks`. */
export type RawTaskRow = RawTask & {
  readonly CreatedAt?: string;
  readonly Status?: {
    readonly Timestamp?: string;
    readonly Message?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly ExitCode?: number } | null;
  };
};

/** Of a manager's `GET /info`. */
export interface RawSwarmInfo {
  readonly Swarm?: {
    readonly NodeID?: string;
    readonly NodeAddr?: string;
    readonly Cluster?: {
      readonly ID?: string;
      readonly CreatedAt?: string;
      readonly UpdatedAt?: string;
    };
  };
}

/** Of `GET /swarm`. */
export interface RawSwarmObject {
  readonly JoinTokens?: { readonly Worker?: string; readonly Manager?: string };
}

const isRunning = ({ DesiredState, Status }: RawTask): boolean =>
  DesiredState === "running" && Status?.State === "running";

export function nodeRow(raw: RawNodeRow, tasks: readonly RawTask[]): SwarmNodeRow {
  const { ID, Spec, Description, Status, ManagerStatus } = raw;
  return {
    id: ID,
    hostname: Description?.Hostname ?? "",
    role: Spec?.Role ?? "worker",
    availability: Spec?.Availability ?? "active",
    state: Status?.State ?? "unknown",
    message: Status?.Message ?? "",
    address: Status?.Addr ?? "",
    isLeader: ManagerStatus?.Leader ?? false,
    reachability: ManagerStatus?.Reachability ?? null,
    engineVersion: Description?.Engine?.EngineVersion ?? "",
    os: Description?.Platform?.OS ?? "",
    arch: Description?.Platform?.Architecture ?? "",
    processors: (Description?.Resources?.NanoCPUs ?? 0) / 1e9,
    memory: Description?.Resources?.MemoryBytes ?? 0,
    labels: Spec?.Labels ?? {},
    runningTasks: tasks.filter((task) => task.NodeID === ID && isRunning(task)).length,
  };
}

export function serviceRow(raw: RawServiceRow): SwarmServiceRow {
  const { ID, Spec, ServiceStatus, UpdateStatus, Endpoint, CreatedAt, UpdatedAt } = raw;
  const labels = Spec?.Labels ?? {};
  return {
    id: ID,
    name: Spec?.Name ?? "",
    image: imageText(Spec?.TaskTemplate?.ContainerSpec?.Image),
    mode: modeOf(raw),
    desired: ServiceStatus?.DesiredTasks ?? Spec?.Mode?.Replicated?.Replicas ?? 0,
    running: ServiceStatus?.RunningTasks ?? 0,
    labels,
    stack: labels["com.docker.stack.namespace"] ?? "",
    constraints: Spec?.TaskTemplate?.Placement?.Constraints ?? [],
    ports: (Endpoint?.Ports ?? []).map(portOf),
    updateState: UpdateStatus?.State ?? "",
    updateMessage: UpdateStatus?.Message ?? "",
    createdAt: CreatedAt ?? "",
    updatedAt: UpdatedAt ?? "",
  };
}

export function taskRow(
  raw: RawTaskRow,
  { service, hostname }: { readonly service: string; readonly hostname: string },
): SwarmTaskRow {
  const { ID, Slot, NodeID, DesiredState, Status, Spec, CreatedAt } = raw;
  return {
    id: ID,
    service,
    slot: Slot ?? 0,
    nodeId: NodeID ?? "",
    hostname,
    desired: DesiredState ?? "",
    state: Status?.State ?? "",
    message: Status?.Message ?? "",
    error: Status?.Err ?? "",
    image: imageText(Spec?.ContainerSpec?.Image),
    containerId: Status?.ContainerStatus?.ContainerID ?? "",
    exitCode: Status?.ContainerStatus?.ExitCode ?? null,
    createdAt: CreatedAt ?? "",
    since: Status?.Timestamp ?? "",
  };
}

export function joinToken(
  { JoinTokens }: RawSwarmObject,
  role: SwarmJoinToken["role"],
  nodes: readonly RawNode[],
): SwarmJoinToken {
  const token = role === "manager" ? JoinTokens?.Manager : JoinTokens?.Worker;
  const remoteAddrs = nodes.flatMap(({ ManagerStatus }) =>
    ManagerStatus?.Reachability === "reachable" ? (ManagerStatus.Addr ?? []) : [],
  );
  return { role, token: token ?? "", remoteAddrs };
}

function modeOf({ Spec }: RawServiceRow): SwarmServiceRow["mode"] {
  if (Spec?.Mode?.Replicated !== undefined) return "replicated";
  return Spec?.Mode?.Global === undefined ? "job" : "global";
}

const portOf = (port: RawPort): SwarmPort => ({
  protocol: port.Protocol ?? "tcp",
  target: port.TargetPort ?? 0,
  published: port.PublishedPort ?? 0,
  mode: port.PublishMode ?? "ingress",
});

/** As a person wrote it: Swarm adds the digest that a tag stood for. */
const imageText = (image = ""): string => image.replace(/@sha256:[0-9a-f]+$/, "");
