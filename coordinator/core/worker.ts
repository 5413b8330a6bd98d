// What is watched: containers as the engine shows them, and the workers that are made of them.

import type { Duration, WorkerId } from "../../proto/units.ts";
import type { Belongings } from "./migration/belongings.ts";

export type ContainerState =
  "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** A container as inspected; plain data, so that it may cross to another thread. */
export interface ContainerView {
  /** The engine's name (its `Name` of `/info`, or the one given in the configuration). */
  readonly host: string;
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** An event told of its death and no inspection has confirmed it: whether the engine is about to restart it is not known. */
  readonly isForetold?: true;
  /** RFC 3339 as the engine writes it; `""` when it was never started. Compared for equality only. */
  readonly startedAt: string;
  readonly exitCode: number;
  /** The engine's own `HEALTHCHECK`. */
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly restartPolicy: "no" | "always" | "unless-stopped" | "on-failure";
  readonly maximumRetries: number;
  readonly restartCount: number;
  /** `bridge`, a network's name, or `container:<id>`. */
  readonly networkMode: string;
  /** `""`, or `container:<id>`. */
  readonly pidMode: string;
  readonly addresses: readonly string[];
  readonly hostname: string;
  /** The number of its STOPSIGNAL, where it has one of its own; otherwise SIGTERM ends it. */
  readonly stopSignal?: number;
  /** The engine's `START_PERIOD` of its health check, ms; 0 when there is none. */
  readonly imageStartPeriod: Duration;
  /** Where its label lets it move to another host. */
  readonly belongings?: Belongings;
}

/** A check that a coordinator makes itself. */
export type CheckSpec =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly status?: number;
      readonly body?: string;
    };

/** What labels (or the configuration) say of one worker; durations in ms. */
export interface WorkerSettings {
  readonly port: number;
  readonly checkInterval: Duration;
  readonly timeout: Duration;
  readonly maxFailedAttempts: number;
  readonly startPeriod: Duration;
  /** Undefined: the action's own default (1 s for a restart, kill at once for a silent worker). */
  readonly stopTimeout: Duration | undefined;
  readonly verifyWindow: Duration;
  readonly maxTries: number;
  readonly maxRevivals: number;
  readonly revivalWindow: Duration;
  readonly stopPolicy: "revive" | "respect";
  readonly recreate: boolean;
  readonly dependsOn: readonly string[];
}

/** How a worker's life is seen. */
export type Probe =
  | { readonly kind: "agent"; readonly address: string; readonly port: number }
  | { readonly kind: "check"; readonly check: CheckSpec }
  /** No way to ask it; only the engine speaks for it. */
  | { readonly kind: "engine-only" };

/** One watched worker, as the census made it. */
export interface WorkerSpec {
  readonly id: WorkerId;
  /** What it is besides a container: `coordinator`, `redis` and `haproxy` are the healer's own parts. */
  readonly role: "worker" | "coordinator" | "redis" | "haproxy";
  /** Undefined for a static worker without `@container`, and for one that is gone. */
  readonly container: ContainerView | undefined;
  /** The container of its agent, where that is one of its own. */
  readonly agent: ContainerView | undefined;
  /** Containers in its network namespace besides the agent: restarted or recreated with it. */
  readonly dependants: readonly ContainerView[];
  readonly probe: Probe;
  readonly settings: WorkerSettings;
}

/** Something a person should know: an ambiguous name, a label that cannot be parsed, a worker that nobody can hear. */
export interface Finding {
  readonly subject: string;
  readonly code:
    | "label-invalid"
    | "mapping-ambiguous"
    | "mapping-missing"
    | "unwatched"
    | "too-many-workers"
    | "name-unfit"
    | "host-dead"
    | "host-engine"
    | "host-partial"
    | "host-agent"
    | "host-unheard"
    | "host-unlisted";
  readonly text: string;
}

/** One line of an engine's event stream that matters here. */
export interface EngineEvent {
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly action:
    | "create"
    | "start"
    | "die"
    | "kill"
    | "stop"
    | "restart"
    | "pause"
    | "unpause"
    | "destroy"
    | "rename"
    | "oom"
    | "health-starting"
    | "health-healthy"
    | "health-unhealthy";
  /** Of `kill`; 0 otherwise. */
  readonly signal: number;
  /** Of `die`; -1 otherwise. */
  readonly exitCode: number;
  /** Caused by an action of ours (marked by container id and time by whoever performed it). */
  readonly ours: boolean;
}

/** Whether one of the engine's instants (RFC 3339 in UTC, to the nanosecond) is after another; `""` is never. */
export const isLater = (a: string, b: string): boolean => comparable(a) > comparable(b);

/** The engine leaves trailing zeros of the fraction out. */
function comparable(text: string): string {
  const [seconds = "", fraction = ""] = text.replace("Z", "").split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}`;
}
