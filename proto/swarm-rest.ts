// The shapes of `/api/swarm/*`, the management of a Swarm over HTTP. Instants are ISO 8601 texts, as the engine writes them.

/** Every answer of `/api/swarm/*`, `/clusters/*` and `/stats`. `count` stands beside lists. */
export type SwarmAnswer<Data> =
  | { readonly success: true; readonly data: Data; readonly count?: number }
  | { readonly success: false; readonly error: string };

/** What the engine that was asked says of its Swarm. */
export interface SwarmInfo {
  readonly id: string;
  /** The engine that told. */
  readonly engine: string;
  /** Its own node. */
  readonly nodeId: string;
  readonly address: string;
  readonly nodes: number;
  readonly managers: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Of the list of nodes; all that is given must hold. */
export interface SwarmNodeFilter {
  /** In names, ids, addresses and labels. */
  readonly search?: string;
  readonly role?: "manager" | "worker";
  readonly availability?: "active" | "pause" | "drain";
  readonly state?: "ready" | "down" | "unknown" | "disconnected";
  /** `key` or `key=value`. */
  readonly label?: string;
}

/** Of the list of services; all that is given must hold. */
export interface SwarmServiceFilter {
  /** In names, ids, images and labels. */
  readonly search?: string;
  readonly name?: string;
  readonly stack?: string;
  readonly label?: string;
  readonly image?: string;
}

export interface SwarmNodeRow {
  readonly id: string;
  readonly hostname: string;
  readonly role: string;
  /** `active`, `pause` or `drain`. */
  readonly availability: string;
  /** `ready`, `down`, `unknown` or `disconnected`. */
  readonly state: string;
  /** Why it is in this state; often empty. */
  readonly message: string;
  readonly address: string;
  /** Of the Swarm, not of the trio. */
  readonly isLeader: boolean;
  /** Of a manager: `reachable`, `unreachable` or `unknown`; else null. */
  readonly reachability: string | null;
  readonly engineVersion: string;
  readonly os: string;
  readonly arch: string;
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly runningTasks: number;
}

export interface SwarmServiceRow {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly mode: "replicated" | "global" | "job";
  /** Tasks that should run. */
  readonly desired: number;
  readonly running: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of `docker stack deploy`; empty where it belongs to none. */
  readonly stack: string;
  readonly constraints: readonly string[];
  readonly ports: readonly SwarmPort[];
  /** Of its last update: `updating`, `completed`, `paused` …; empty where there was none. */
  readonly updateState: string;
  readonly updateMessage: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface SwarmPort {
  readonly protocol: string;
  readonly target: number;
  /** 0 where the engine chooses. */
  readonly published: number;
  readonly mode: string;
}

export interface SwarmTaskRow {
  readonly id: string;
  readonly service: string;
  /** 0 of a global service. */
  readonly slot: number;
  readonly nodeId: string;
  /** Empty where it has none yet. */
  readonly hostname: string;
  readonly desired: string;
  readonly state: string;
  readonly message: string;
  /** The engine's own words; empty where nothing is wrong. */
  readonly error: string;
  readonly image: string;
  readonly containerId: string;
  readonly exitCode: number | null;
  readonly createdAt: string;
  /** Since when it is in this state. */
  readonly since: string;
}

export interface SwarmLogLine {
  readonly at: string;
  readonly stream: "stdout" | "stderr";
  readonly taskId: string;
  readonly nodeId: string;
  readonly text: string;
}

export type SwarmGrade = "healthy" | "degraded" | "critical";

export interface SwarmHealth {
  readonly overall_health: SwarmGrade;
  /** Why it is no better; empty where it is healthy. */
  readonly reasons: readonly string[];
  readonly nodes: {
    readonly total: number;
    readonly ready: number;
    readonly down: number;
    readonly each: readonly SwarmGraded[];
  };
  readonly services: {
    readonly total: number;
    readonly healthy: number;
    readonly each: readonly SwarmGraded[];
  };
  readonly tasks: SwarmTaskCounts;
  readonly timestamp: string;
}

export interface SwarmGraded {
  readonly id: string;
  readonly name: string;
  readonly health: SwarmGrade;
  readonly reasons: readonly string[];
}

/** Of the tasks that the Swarm remembers. */
export interface SwarmTaskCounts {
  readonly total: number;
  readonly running: number;
  /** Ended by a fault of their own. */
  readonly failed: number;
  /** On their way to run. */
  readonly pending: number;
}

export interface SwarmStatistics {
  readonly nodes: {
    readonly total: number;
    readonly ready: number;
    readonly managers: number;
    /** Nodes that are no managers. */
    readonly workers: number;
  };
  readonly services: {
    readonly total: number;
    readonly replicasDesired: number;
    readonly replicasRunning: number;
  };
  readonly tasks: {
    readonly running: number;
    readonly failed: number;
    readonly pending: number;
    /** Running ones among those that run or have failed, 0 to 1. */
    readonly successRate: number;
  };
  readonly eachNode: readonly SwarmNodeNumbers[];
  readonly eachService: readonly SwarmServiceNumbers[];
  readonly timestamp: string;
}

export interface SwarmNodeNumbers {
  readonly id: string;
  readonly hostname: string;
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  readonly runningTasks: number;
  /** One-minute load average, as its agent tells; null without one. */
  readonly load: number | null;
  /** Bytes that new processes could take, as its agent tells; null without one. */
  readonly memoryAvailable: number | null;
  /** Bytes of images, containers and volumes; null where its engine is not of DOCKER_HOST or may not be asked. */
  readonly diskUsed: number | null;
}

/** What is used counts the nodes whose engines are of DOCKER_HOST, and is null where none of these runs it. */
export interface SwarmServiceNumbers {
  readonly id: string;
  readonly name: string;
  readonly desired: number;
  readonly running: number;
  /** Busy ones, on average over a second. */
  readonly processorsUsed: number | null;
  /** Bytes. */
  readonly memoryUsed: number | null;
  /** Bytes that its containers wrote. */
  readonly diskUsed: number | null;
}

/** What changed: before and after, for people. */
export interface SwarmChange {
  readonly text: string;
  readonly before: string;
  readonly after: string;
}

export interface SwarmStackService {
  readonly service: string;
  readonly image: string;
  readonly outcome: "created" | "updated" | "unchanged" | "removed";
}

/** A change of which each service is told apart. */
export interface SwarmStackResult extends SwarmChange {
  readonly services: readonly SwarmStackService[];
}

/** What deploying a stack file would do, by the images and replicas of its services; nothing else of them is compared. */
export interface SwarmStackPreview {
  /** The stack's name. */
  readonly stack: string;
  /** By name; those that run and are not in the file stand among them. */
  readonly services: readonly SwarmStackPreviewRow[];
}

export interface SwarmStackPreviewRow {
  readonly service: string;
  /** `unchanged`: image and replicas are. `kept`: the file does not name it, and without prune it stays. */
  readonly outcome: "created" | "changed" | "unchanged" | "removed" | "kept";
  readonly image: string;
  /** Null where it does not run yet, as the next but one. */
  readonly imageBefore: string | null;
  /** `1`, or `global`: one on each node that fits. */
  readonly replicas: string;
  readonly replicasBefore: string | null;
}

export interface SwarmTemplateParameter {
  readonly name: string;
  readonly description: string;
  /** Where nothing is given; null where there is none. */
  readonly default: string | null;
  /** Must be given. */
  readonly required: boolean;
}

/** A stack file with parameters, without its text. */
export interface SwarmTemplateRow {
  readonly name: string;
  readonly description: string;
  /** By name. */
  readonly parameters: readonly SwarmTemplateParameter[];
  readonly updatedAt: string;
  readonly updatedBy: string;
  /** Characters of its text. */
  readonly size: number;
}

export interface SwarmTemplate extends Omit<SwarmTemplateRow, "size"> {
  readonly text: string;
}

/** A Swarm that the coordinators manage. */
export interface SwarmClusterRow {
  /** `default` is the one of DOCKER_HOST; the others are of SWARMS. */
  readonly name: string;
  /** Where its engines are, as configured. */
  readonly endpoints: readonly string[];
  /** Whether a manager tells. */
  readonly answers: boolean;
  /** The engine that tells; null where none does. */
  readonly manager: string | null;
  /** Why none does. */
  readonly text: string;
}

export interface SwarmJoinToken {
  readonly role: "worker" | "manager";
  readonly token: string;
  /** Where managers are joined: `host:port`. */
  readonly remoteAddrs: readonly string[];
}

/** How many replicas a service has by its load. */
export interface SwarmScalingPolicy {
  /** Replicas: never fewer, never more. */
  readonly min: number;
  readonly max: number;
  /** The load that each task shall have. Of tasks: 1 is all of a task's limit of processors, or one whole processor where it has none. Of hosts: 1 is all their processors. */
  readonly target: number;
  /** Seconds between two changes. */
  readonly cooldown: number;
}

export interface SwarmScaling {
  /** The service's name. */
  readonly service: string;
  readonly policy: SwarmScalingPolicy;
  readonly putAt: string;
  readonly putBy: string;
  /** Null where the Swarm has no such service at the moment. */
  readonly state: SwarmScalingState | null;
}

export interface SwarmScalingState {
  /** On average; null where nobody tells one. */
  readonly load: number | null;
  /** Whose: of the agents inside its tasks, or of the agents of their hosts where the tasks have none. */
  readonly loadOf: "tasks" | "hosts" | null;
  readonly replicas: number;
  /** What the load asks for, within min and max; null where no load is known. */
  readonly wanted: number | null;
  /** Why it is not scaled now; empty where nothing holds it back. */
  readonly heldBecause: string;
  /** Of the policy's own last change; null before the first. */
  readonly lastChangeAt: string | null;
}
