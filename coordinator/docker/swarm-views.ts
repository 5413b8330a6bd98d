// What a Swarm manager's JSON says, in the words of the core. Pure; tolerant of fields that an engine leaves out.

import type {
  EngineJson,
  Resources,
  ServiceMode,
  ServiceMount,
  SwarmHost,
  SwarmService,
  SwarmTask,
  SwarmView,
} from "../core/migration/swarm-view.ts";

type Texts = Readonly<Record<string, string>>;

interface RawResources {
  readonly NanoCPUs?: number;
  readonly MemoryBytes?: number;
  readonly GenericResources?: readonly RawGeneric[] | null;
}

interface RawGeneric {
  readonly NamedResourceSpec?: { readonly Kind?: string };
  readonly DiscreteResourceSpec?: { readonly Kind?: string };
}

interface RawPlatform {
  readonly OS?: string;
  readonly Architecture?: string;
}

/** The fields of an entry of `GET /nodes` that are read. */
export interface RawNode {
  readonly ID: string;
  readonly Spec?: {
    readonly Labels?: Texts | null;
    readonly Role?: string;
    readonly Availability?: string;
  };
  readonly Description?: {
    readonly Hostname?: string;
    readonly Platform?: RawPlatform;
    readonly Resources?: RawResources;
    readonly Engine?: {
      readonly Labels?: Texts | null;
      readonly Plugins?: readonly { readonly Type?: string; readonly Name?: string }[] | null;
    };
  };
  readonly Status?: { readonly State?: string; readonly Addr?: string };
  readonly ManagerStatus?: { readonly Addr?: string; readonly Reachability?: string };
}

interface RawTaskTemplate {
  readonly ContainerSpec?: {
    readonly Image?: string;
    readonly Labels?: Texts | null;
    readonly Mounts?: readonly RawMount[] | null;
    /** Nanoseconds. */
    readonly StopGracePeriod?: number;
  };
  readonly Resources?: { readonly Reservations?: RawResources | null } | null;
  readonly Placement?: {
    readonly Constraints?: readonly string[] | null;
    readonly MaxReplicas?: number;
    readonly Platforms?: readonly RawPlatform[] | null;
  } | null;
}

interface RawMount {
  readonly Type?: string;
  readonly Source?: string;
  readonly VolumeOptions?: {
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Texts | null } | null;
  } | null;
}

/** Of `GET /services`. */
export interface RawService {
  readonly ID: string;
  readonly Version?: { readonly Index?: number };
  readonly Spec?: {
    readonly Name?: string;
    readonly Labels?: Texts | null;
    readonly TaskTemplate?: RawTaskTemplate;
    readonly Mode?: {
      readonly Replicated?: { readonly Replicas?: number };
      readonly Global?: object;
      readonly ReplicatedJob?: object;
      readonly GlobalJob?: object;
    };
    readonly UpdateConfig?: EngineJson | null;
    readonly EndpointSpec?: {
      readonly Ports?:
        | readonly {
            readonly Protocol?: string;
            readonly PublishedPort?: number;
            readonly PublishMode?: string;
          }[]
        | null;
    } | null;
  };
  readonly UpdateStatus?: { readonly State?: string } | null;
}

/** Of `GET /tasks`. */
export interface RawTask {
  readonly ID: string;
  readonly ServiceID?: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly DesiredState?: string;
  readonly Status?: { readonly State?: string; readonly Err?: string };
  readonly Spec?: RawTaskTemplate;
}

export interface RawSwarm {
  readonly nodes: readonly RawNode[];
  readonly services: readonly RawService[];
  readonly tasks: readonly RawTask[];
}

export interface Quorum {
  readonly managers: number;
  readonly reachable: number;
}

/** A leader that lost its followers goes on answering for 18 s as if nothing were amiss, and shows within 3 s whom it reaches no more (both measured). */
export function quorumOf(nodes: readonly RawNode[]): Quorum {
  const managers = nodes.flatMap(({ ManagerStatus }) => ManagerStatus ?? []);
  const reachable = managers.filter(({ Reachability }) => Reachability === "reachable");
  return { managers: managers.length, reachable: reachable.length };
}

export const hasQuorum = ({ managers, reachable }: Quorum): boolean => reachable > managers / 2;

export const swarmViewOf = ({ nodes, services, tasks }: RawSwarm): SwarmView => ({
  hosts: nodes.map(hostOf),
  services: services.map(serviceOf),
  tasks: tasks.map(taskOf),
});

function hostOf({ ID, Spec, Description, Status, ManagerStatus }: RawNode): SwarmHost {
  const plugins = Description?.Engine?.Plugins ?? [];
  return {
    id: ID,
    name: Description?.Hostname ?? "",
    role: Spec?.Role === "manager" ? "manager" : "worker",
    availability: availabilityOf(Spec?.Availability),
    state: Status?.State ?? "unknown",
    address: addressOf(Status?.Addr, ManagerStatus?.Addr),
    labels: Spec?.Labels ?? {},
    engineLabels: Description?.Engine?.Labels ?? {},
    os: Description?.Platform?.OS ?? "",
    arch: Description?.Platform?.Architecture ?? "",
    resources: resourcesOf(Description?.Resources),
    volumeDrivers: plugins.filter(({ Type }) => Type === "Volume").map(({ Name }) => Name ?? ""),
  };
}

/** A manager may give `0.0.0.0` for itself; under which address the others reach it stands beside. */
function addressOf(own = "", asManager = ""): string {
  if (own !== "" && own !== "0.0.0.0" && own !== "::") return own;
  return asManager.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

function serviceOf({ ID, Version, Spec, UpdateStatus }: RawService): SwarmService {
  const { ContainerSpec, Resources: resources, Placement } = Spec?.TaskTemplate ?? {};
  const ports = Spec?.EndpointSpec?.Ports ?? [];
  return {
    id: ID,
    name: Spec?.Name ?? "",
    version: Version?.Index ?? 0,
    labels: Spec?.Labels ?? {},
    containerLabels: ContainerSpec?.Labels ?? {},
    mode: modeOf(Spec),
    replicas: Spec?.Mode?.Replicated?.Replicas ?? 0,
    constraints: Placement?.Constraints ?? [],
    maxReplicasPerHost: Placement?.MaxReplicas ?? 0,
    platforms: (Placement?.Platforms ?? []).map(({ OS = "", Architecture = "" }) => ({
      os: OS,
      arch: Architecture,
    })),
    reservations: resourcesOf(resources?.Reservations),
    genericReservations: genericOf(resources?.Reservations),
    mounts: (ContainerSpec?.Mounts ?? []).map(mountOf),
    ports: ports.map(({ Protocol = "tcp", PublishedPort = 0, PublishMode }) => ({
      protocol: Protocol,
      published: PublishedPort,
      mode: PublishMode === "host" ? "host" : "ingress",
    })),
    stopGracePeriod: (ContainerSpec?.StopGracePeriod ?? 0) / 1e6,
    image: ContainerSpec?.Image ?? "",
    updateConfig: Spec?.UpdateConfig ?? undefined,
    updateState: UpdateStatus?.State ?? "",
  };
}

function taskOf({ ID, ServiceID, Slot, NodeID, DesiredState, Status, Spec }: RawTask): SwarmTask {
  return {
    id: ID,
    serviceId: ServiceID ?? "",
    slot: Slot ?? 0,
    hostId: NodeID ?? "",
    desired: DesiredState ?? "",
    state: Status?.State ?? "",
    error: Status?.Err ?? "",
    image: Spec?.ContainerSpec?.Image ?? "",
    reservations: resourcesOf(Spec?.Resources?.Reservations),
  };
}

function modeOf(spec: RawService["Spec"]): ServiceMode {
  if (spec?.Mode?.Global !== undefined) return "global";
  if (spec?.Mode?.ReplicatedJob !== undefined) return "replicated-job";
  return spec?.Mode?.GlobalJob === undefined ? "replicated" : "global-job";
}

function mountOf({ Type, Source, VolumeOptions }: RawMount): ServiceMount {
  const config = VolumeOptions?.DriverConfig;
  return {
    type: Type ?? "",
    source: Source ?? "",
    driver: config?.Name ?? "",
    driverOptions: config?.Options ?? {},
  };
}

const resourcesOf = (raw: RawResources | null | undefined): Resources => ({
  nanoCpus: raw?.NanoCPUs ?? 0,
  memoryBytes: raw?.MemoryBytes ?? 0,
});

function genericOf(raw: RawResources | null | undefined): readonly string[] {
  const all = raw?.GenericResources ?? [];
  const kinds = all.map(
    ({ NamedResourceSpec, DiscreteResourceSpec }) =>
      NamedResourceSpec?.Kind ?? DiscreteResourceSpec?.Kind ?? "",
  );
  return [...new Set(kinds)].sort();
}

const availabilityOf = (word: string | undefined): SwarmHost["availability"] =>
  word === "pause" || word === "drain" ? word : "active";
