// What the HTTP API says, in JSON. Durations are milliseconds, times are Unix time in milliseconds; both are named so where they leave the process.

import type { StandingKind } from "./messages.ts";

export type {
  HistoryView,
  LeftToPeople,
  LiveChange,
  LiveView,
  MeshMember,
  MeshView,
  OpenRecovery,
  WorkerLogsView,
  WorkerRow,
} from "./live-rest.ts";

export interface EvidenceView {
  /** `pong`, `silence`, `engine-event` …: the words of the design. */
  readonly kind: string;
  readonly by: string;
  readonly text: string;
}

export interface WorkerView {
  /** `<host>/<container name>`, of a Swarm's task `swarm/<service>.<slot>`; URL-encoded in paths. */
  readonly id: string;
  readonly role: "worker" | "coordinator" | "redis" | "haproxy";
  /** What the quorum concludes: `healthy`, `silent`, `stopped` … */
  readonly verdict: string;
  /** Why this and not another, in one sentence. */
  readonly reason: string;
  readonly evidence: readonly EvidenceView[];
  /** The engine that runs its container; empty where it has none. */
  readonly host: string;
  readonly containerId: string;
  /** How it is asked, for a person. */
  readonly probe: string;
  /** What each coordinator believes of it, this one included. */
  readonly standings: Readonly<Record<string, StandingKind>>;
  /** On the answering coordinator's path; null where it was never heard. */
  readonly roundTripMs: number | null;
  /** Measured round-trip loss, 0 to 1; null where it was never heard. */
  readonly loss: number | null;
  readonly heardAgoMs: number | null;
  /** How busy its processors were in the last seconds, by the agent inside its container: 1 is all of its limit, or one where it has none; null without one. */
  readonly load: number | null;
  readonly recovery: {
    readonly id: string;
    readonly stage: string;
    readonly tries: number;
    readonly text: string;
  } | null;
  /** How long it has been in quarantine; null where it is not. */
  readonly quarantinedForMs: number | null;
  /** How long it is still left alone because a person said so; null where nobody did. */
  readonly silencedForMs: number | null;
  readonly silenceReason: string;
  /** Recoveries within `REVIVAL_WINDOW`. */
  readonly revivalsInWindow: number;
}

export interface FindingView {
  readonly subject: string;
  readonly code: string;
  readonly text: string;
}

/** Who asks, as the pages want to know it before anything else. */
export interface SessionView {
  /** Whether API_TOKENS is set. */
  readonly isNeeded: boolean;
  /** Of the token; empty while nobody is signed in. */
  readonly name: string;
  readonly role: "viewer" | "operator" | "admin" | null;
  /** When the cookie ends; null where none let the request in. */
  readonly expiresAtMs: number | null;
  /** For the header `x-heartmesh-csrf` of writes; empty where none is needed. */
  readonly csrf: string;
  /** The answering one. */
  readonly coordinator: string;
  /** CLUSTER_ID. */
  readonly cluster: string;
  readonly version: string;
}

export interface LeaderView {
  /** Empty while none is known. */
  readonly leader: string;
  readonly term: number;
  /** Where its HTTP answers; null where unknown. */
  readonly url: string | null;
  /** Whether the answering coordinator is it, with a lease. */
  readonly isSelf: boolean;
}

/** By the `host:port` of another coordinator's mesh: 0 where its link is cut, for a test, else 1. */
export type ConnectionsView = Readonly<Record<string, 0 | 1>>;

export interface CoordinatorsView {
  /** By id. */
  readonly coordinators: readonly {
    readonly id: string;
    /** `host:port` of its mesh. */
    readonly address: string;
    readonly isLeader: boolean;
    /** By the answering one; 0 of itself, null where it was never heard. */
    readonly heardAgoMs: number | null;
  }[];
  /** Of the leader that made the set; with the version 0 and 0 for the configured one. */
  readonly term: number;
  readonly version: number;
  /** A change that is under way, on the leader; else empty. */
  readonly change: string;
  /** Coordinators that are heard and do not belong to the set. */
  readonly strangers: readonly string[];
}

export interface StatusView {
  readonly id: string;
  /** Of heartmesh. */
  readonly version: string;
  /** When this process started. */
  readonly startedAtMs: number;
  /** When the leader began to lead; null while none is known. */
  readonly leaderSinceMs: number | null;
  readonly role: "follower" | "pre-candidate" | "candidate" | "leader";
  readonly term: number;
  readonly leader: string;
  /** How long its lease still lasts; 0 where it holds none. */
  readonly leaseForMs: number;
  readonly fit: boolean;
  readonly unfitReason: string;
  /** False while it may not vote (a lost disk). */
  readonly votes: boolean;
  readonly peers: readonly {
    readonly id: string;
    readonly heardAgoMs: number | null;
    readonly fit: boolean;
    readonly redis: "reachable" | "unreachable" | "unknown";
  }[];
  readonly redis: "reachable" | "unreachable" | "unknown";
  readonly redisByQuorum: "reachable" | "unreachable";
  readonly brake: { readonly tripped: boolean; readonly failing: number; readonly total: number };
  readonly engines: readonly {
    readonly host: string;
    readonly reachable: boolean;
    readonly reason: string;
  }[];
  readonly findings: readonly FindingView[];
  /** Whether it can do its work, and what is missing. */
  readonly readiness: { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Workers by verdict. */
  readonly workers: Readonly<Record<string, number>>;
}

/** One try of a recovery; a time is null until that happened. */
export interface TryView {
  readonly number: number;
  /** The coordinator whose runner made it. */
  readonly runner: string;
  readonly startedAtMs: number;
  readonly actedAtMs: number | null;
  readonly verifiedAtMs: number | null;
  readonly failedAtMs: number | null;
  /** Why it failed; empty where it did not. */
  readonly reason: string;
  /** False where the engine did not answer, so that it is no try. */
  readonly counts: boolean;
}

export interface RecoveryView {
  readonly id: string;
  readonly worker: string;
  readonly verdict: string;
  readonly action: string;
  readonly reason: string;
  readonly evidence: readonly EvidenceView[];
  readonly term: number;
  readonly epoch: number;
  readonly outcome: "running" | "recovered" | "exhausted" | "superseded";
  /** Why it ended as it did; empty where that needs no reason. */
  readonly outcomeReason: string;
  /** The coordinator whose runner acted last; empty before. */
  readonly runner: string;
  readonly maxTries: number;
  /** When each stage was reached; null until then. Of several tries, `acting` is the first's begin, `verifying` the last's action. */
  readonly detectedAtMs: number;
  readonly decidedAtMs: number;
  readonly enqueuedAtMs: number | null;
  readonly actingAtMs: number | null;
  readonly verifyingAtMs: number | null;
  readonly verifiedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly tries: readonly TryView[];
}

export interface EventView {
  /** In a page: for `before`. In a stream: for `Last-Event-ID`. */
  readonly id: string;
  readonly kind: string;
  readonly atMs: number;
  readonly by: string;
  /** Empty where it concerns no worker. */
  readonly worker: string;
  readonly recovery: string;
  readonly text: string;
  readonly evidence: readonly EvidenceView[];
  /** Of what a person asked for: the entry of the audit log. */
  readonly change?: ChangeView;
}

export interface ChangeView {
  /** The token's name, and the coordinator that carried it out: `ann (c1)`. */
  readonly actor: string;
  /** `scale-service`, `revive` … */
  readonly verb: string;
  /** The worker, service, node, coordinator, stack or template. */
  readonly subject: string;
  /** A name of SWARMS; empty for the Swarm of DOCKER_HOST, and where it concerns none. */
  readonly cluster: string;
  readonly before: string;
  readonly after: string;
  readonly outcome: "done" | "refused";
}

/** A host: a node of the Swarm, or an engine of `DOCKER_HOST` outside it. */
export interface HostView {
  /** Of the Swarm node; the engine's name outside a Swarm. */
  readonly id: string;
  readonly name: string;
  /** `listed`: HOSTS names it, and no engine of DOCKER_HOST is called so. */
  readonly kind: "swarm" | "engine" | "listed";
  /** Null outside a Swarm, as the next but one. */
  readonly role: "manager" | "worker" | null;
  /** Swarm's `ready`, `down`, `unknown` or `disconnected`; of an engine alone `ready` or `unreachable`, of a listed one `unknown`. */
  readonly state: string;
  readonly availability: "active" | "pause" | "drain" | null;
  /** Of the Swarm node, else of its agent; empty where it has none. */
  readonly address: string;
  /** The node labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the Swarm's services; null outside a Swarm. */
  readonly runningTasks: number | null;
  /** Its engine among those of `DOCKER_HOST`; null where it is none of them. */
  readonly engine: string | null;
  /** Workers that are watched there; null without an engine. */
  readonly workers: number | null;
  /** What the coordinators conclude of it; null where no agent of a host is expected there. */
  readonly verdict: HostVerdictView | null;
  /** By its agent's last answer: the one-minute load average, and bytes of memory; null before the first. */
  readonly load: number | null;
  readonly capacity: {
    readonly processors: number;
    readonly memory: number;
    readonly available: number;
  } | null;
  /** Null before its agent's first answer, and of an agent that cannot fence. */
  readonly fence: HostFenceView | null;
}

export interface HostFenceView {
  /** Its agent can stop containers also without the engine, and remembers its grants across its restart. */
  readonly able: boolean;
  /** By its last answer: whether a quorum grants. `never`: none has so far. `kept`: the coordinators said goodbye. */
  readonly state: "never" | "held" | "lapsed" | "kept";
  /** Whether the coordinator that answers grants. */
  readonly granted: boolean;
  /** Of a dead host, by that coordinator's own book: whether what is fenced there has been stopped. `unsure`: only a person may say so. Else null. */
  readonly stop: { readonly kind: "stopped" | "waiting" | "unsure"; readonly text: string } | null;
}

export interface HostVerdictView {
  readonly kind:
    "healthy" | "engine-unhealthy" | "partial" | "agent-lost" | "draining" | "dead" | "unknown";
  readonly reason: string;
  /** How long it stands, ms. */
  readonly since: number;
}

export interface HostsView {
  /** By name. */
  readonly hosts: readonly HostView[];
  readonly swarm: {
    /** `none`: no engine is a manager. `no-quorum`: one is, and cannot tell. `refused`: one is, and may not. `silent`: one that was does not answer. */
    readonly kind: "swarm" | "none" | "no-quorum" | "refused" | "silent";
    /** For a person. */
    readonly text: string;
  };
}

/** What would happen to each service of the Swarm if a host fell out. */
export interface PlanView {
  readonly host: HostView;
  /** `drain`: it lives, and is emptied. */
  readonly cause: "dead" | "drain";
  /** The engine that told what the Swarm is. */
  readonly by: string;
  /** Those that move, then those that stay, then those that it does not touch; each by name. */
  readonly services: readonly ServicePlanView[];
  /** Labels that cannot be read. */
  readonly findings: readonly {
    readonly service: string;
    readonly label: string;
    readonly text: string;
  }[];
}

/** What was done to a node of the Swarm, and what follows from it. */
export interface HostSwitchView {
  /** One sentence. */
  readonly text: string;
  /** `active`, `pause` or `drain`, as the Swarm had it right before. */
  readonly before: string;
  readonly after: string;
  /** As `GET /api/v1/hosts/:id/plan` tells it from now on. */
  readonly plan: PlanView;
}

export interface ServicePlanView {
  readonly id: string;
  readonly name: string;
  readonly action: "move" | "stay" | "untouched";
  /** Why, or how. */
  readonly reason: string;
  /** Those that are lost with the host. */
  readonly replicas: number;
  /** Hosts with room, among which Swarm places the replicas. */
  readonly targets: readonly { readonly id: string; readonly name: string }[];
  /** The other hosts, where they were looked at. */
  readonly unfit: readonly {
    readonly id: string;
    readonly name: string;
    readonly reason: string;
  }[];
  /** Null where it does not move, as the next. */
  readonly strategy: {
    readonly asked: string;
    readonly used: string;
    /** Why another, or by which numbers; empty otherwise. */
    readonly reason: string;
  } | null;
  readonly change: {
    /** Of the service, on which the plan is made. */
    readonly version: number;
    /** All placement constraints that it gets. */
    readonly constraints: readonly string[];
    /** Those that a person gave it, to which it comes back. */
    readonly constraintsBefore: readonly string[];
    /** Its update settings while it moves, in the engine's own words. */
    readonly updateConfig: Readonly<Record<string, unknown>>;
    /** Written on the service in the same update: the journal that undoes it. */
    readonly labels: Readonly<Record<string, string>>;
  } | null;
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
}

/** Answer to what an operator asked for. */
export interface CommandView {
  readonly text: string;
  /** The recovery that it began; null where it began none. */
  readonly recovery: string | null;
}

export interface NotifyTestView {
  readonly channels: readonly {
    readonly channel: string;
    readonly ok: boolean;
    readonly text: string;
  }[];
}

/** RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Every fault of the request, where it had some. */
  readonly problems?: readonly string[];
}
