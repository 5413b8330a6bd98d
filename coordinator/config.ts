// The configuration of a coordinator: environment in, one frozen value out, or every problem at once. Pure; files are read by the caller.

import { agentVariables, ownPrefixes } from "../agent/config.ts";
import { limits } from "../proto/limits.ts";
import { parseKeyRing } from "../proto/key-ring.ts";
import { misspelt, namesOf, type Environment, type NamedAddress } from "../proto/config-parse.ts";
import type { CoordinatorId, Duration } from "../proto/units.ts";
import { readHttp } from "./config-http.ts";
import {
  parseHosts,
  parseLabels,
  parseMails,
  parseRetention,
  parseStaticWorkers,
  urlProblem,
  type LabelMatch,
  type StaticWorker,
} from "./config-shapes.ts";
import {
  checkCoordinators,
  checkFence,
  checkMigration,
  checkTimes,
  readFence,
} from "./config-relations.ts";
import { ConfigReader, type ReadFile, type Secret } from "./config-reader.ts";
import { commandLineVariables, coordinatorVariables, type VariableName } from "./config-table.ts";
import { readDocker } from "./config-docker.ts";
import type { EngineSpec, SwarmSpec } from "./docker/endpoints.ts";
import { describeRedis, parseRedisUrl } from "./io/redis-url.ts";
import type { MigrationConfig } from "./core/lookout.ts";
import { parseHostLabel, type HostLabel } from "./core/migration/host-label.ts";
import { failbacks } from "./core/migration/wishes.ts";
import type { WorkerSettings } from "./core/worker.ts";

export type { LabelMatch, ReadFile, Secret, StaticWorker };

/** Durations in ms. Where a field has a variable of its own, the table says more of it. */
export interface CoordinatorConfig {
  /** COORDINATOR_ID; one of `coordinators`. */
  readonly id: CoordinatorId;
  /** COORDINATORS, itself included; the quorum is ⌊n/2⌋+1 of these. More of them survive more deaths and cost a message a pair. */
  readonly coordinators: readonly NamedAddress[];
  /** CLUSTER_ID. */
  readonly clusterId: string;
  readonly mesh: {
    /** MESH_PORT, UDP. */
    readonly port: number;
    /** MESH_KEY as text; undefined only with MESH_INSECURE=1. */
    readonly key: Secret | undefined;
  };
  readonly election: {
    /** HEARTBEAT_INTERVAL. Shorter: failover is noticed sooner, more packets. */
    readonly heartbeatInterval: Duration;
    /** LEADER_TIMEOUT; elections begin after a draw from [T, 1.33 T]. Longer: fewer needless elections, later failover. */
    readonly leaderTimeout: Duration;
  };
  /** What holds for a worker whose labels say nothing else. */
  readonly workerDefaults: WorkerSettings;
  /** AGENT_PORT, UDP. */
  readonly agentPort: number;
  /** WORKER_LABEL; one match suffices. */
  readonly workerLabels: readonly LabelMatch[];
  /** WORKERS. */
  readonly staticWorkers: readonly StaticWorker[];
  /** HOSTS. */
  readonly hosts: readonly NamedAddress[];
  readonly recovery: {
    /** STOP_HOLD. Longer: safer with slow deployments, a stop by mistake lasts longer. */
    readonly stopHold: Duration;
    /** BACKOFF: the wait before try k + 1 is min(backoff · 2^(k−1), backoffMax) ± 25 %. */
    readonly backoff: Duration;
    /** BACKOFF_MAX. */
    readonly backoffMax: Duration;
    /** QUARANTINE_RELEASE. Shorter: forgiven sooner, a crash loop costs more restarts. */
    readonly quarantineRelease: Duration;
  };
  readonly brake: {
    /** BRAKE_FRACTION, in (0, 1]; it trips above it and releases below half of it. */
    readonly fraction: number;
    /** BRAKE_MIN. */
    readonly min: number;
    /** BRAKE_WINDOW. */
    readonly window: Duration;
  };
  /** PRIMARY_LABEL, SECONDARY_LABEL, FAILBACK and FAILBACK_AFTER. */
  readonly migration: MigrationConfig;
  readonly fence: {
    /** FENCE_AFTER. Longer: bears longer cuts, and a fenced service starts so much later elsewhere. */
    readonly after: Duration;
    /** FENCE_ON_TRIO_LOSS. */
    readonly onTrioLoss: "keep" | "stop";
  };
  /** DATA_DIR. */
  readonly dataDir: string;
  /** REDIS_URL; undefined: a private server under `dataDir`. */
  readonly redisUrl: Secret | undefined;
  readonly docker: {
    /** DOCKER_HOST and DOCKER_WRITE_HOST; empty for `none`. */
    readonly engines: readonly EngineSpec[];
    /** SWARMS and SWARMS_CERT_PATH. */
    readonly swarms: readonly SwarmSpec[];
  };
  readonly clusters: {
    /** CLUSTER_IMAGE; may be empty. */
    readonly image: string;
    /** CLUSTER_NODE_IMAGE; may be empty. */
    readonly nodeImage: string;
  };
  readonly http: {
    /** HTTP_HOST. */
    readonly host: string;
    /** HTTP_PORT. */
    readonly port: number;
    /** CHECK_PORT, on the same address; undefined: there is none. */
    readonly checkPort: number | undefined;
    /** HTTP_TLS_CERT and HTTP_TLS_KEY: paths, read again when they change. */
    readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
    /** API_TOKENS; undefined: only loopback, and whoever reaches it is an admin. */
    readonly tokens: Secret | undefined;
    /** METRICS_OPEN. */
    readonly metricsOpen: boolean;
    /** CORS_ORIGINS: pages of these may ask from a browser. */
    readonly origins: readonly string[];
    /** Where the HTTP of a coordinator at this host answers, without a slash at the end, unless COORDINATOR_URLS says otherwise. */
    readonly urlOf: (id: CoordinatorId, host: string) => string;
  };
  readonly notify: {
    /** SLACK_WEBHOOK_URL. */
    readonly slackUrl: Secret | undefined;
    /** WEBHOOK_URL and WEBHOOK_SECRET. */
    readonly webhook: { readonly url: Secret; readonly secret: Secret | undefined } | undefined;
    /** SMTP_URL, SMTP_FROM, SMTP_TO. */
    readonly mail:
      { readonly url: Secret; readonly from: string; readonly to: readonly string[] } | undefined;
    /** NOTIFY_RATE: messages a minute on each channel. */
    readonly ratePerMinute: number;
    /** DEADMAN_URL. */
    readonly deadmanUrl: Secret | undefined;
  };
  /** RETENTION: the older of the two bounds wins. */
  readonly retention: { readonly age: Duration; readonly count: number };
  /** RECORD_SPAN; 0: there is no flight recorder. */
  readonly recordSpan: Duration;
  /** FAULT_INJECTION. */
  readonly faultInjection: boolean;
  /** LOG_LEVEL. */
  readonly logLevel: LogLevel;
  /** Every variable's effective value without secrets, in the table's order; what `describeConfig` shows. */
  readonly effective: Readonly<Record<string, string>>;
}

const logLevels = ["info", "fatal", "error", "warn", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export type ConfigOutcome =
  | { readonly ok: true; readonly config: CoordinatorConfig; readonly warnings: readonly string[] }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      readonly warnings: readonly string[];
    };

/** Those of the agent and of the command line too: a Compose file may give all the same environment. */
const knownNames = [coordinatorVariables, commandLineVariables, agentVariables].flatMap(namesOf);

/** Of a variable that is a problem anyway. */
const noLabel: HostLabel = { key: "", value: "" };

const second = 1000;
const day = 86_400 * second;

/** @param files the content of a file, undefined where it cannot be read; asked for `*_FILE`, TLS and certificate files. */
export function parseConfig(env: Environment, files: ReadFile): ConfigOutcome {
  const reader = new ConfigReader(env, files);
  for (const { name, meant } of misspelt(env, knownNames, ownPrefixes)) {
    reader.problems.push(`${name} is not a variable of heartmesh; did you mean ${meant}?`);
  }
  const config = readAll(reader);
  checkTimes(config, reader);
  checkCoordinators(config, reader);
  checkMigration(config, reader);
  checkFence(config, reader);
  if (config.faultInjection) reader.warnings.push("FAULT_INJECTION is on: for tests only");
  const { problems, warnings } = reader;
  if (problems.length > 0) return { ok: false, problems, warnings };
  return { ok: true, config: deeplyFrozen(config), warnings };
}

/** The effective configuration, one `NAME=value` a line, without any secret. */
export const describeConfig = (config: CoordinatorConfig): string =>
  Object.entries(config.effective)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");

function readAll(reader: ConfigReader): CoordinatorConfig {
  const coordinators = reader.addresses("COORDINATORS", 7700);
  const agentPort = reader.port("AGENT_PORT");
  const workerDefaults = readWorkerDefaults(reader, agentPort);
  return {
    id: reader.text("COORDINATOR_ID") ?? "",
    coordinators,
    clusterId: reader.text("CLUSTER_ID") ?? "",
    mesh: { port: reader.port("MESH_PORT"), key: readMeshKey(reader) },
    election: {
      heartbeatInterval: reader.duration("HEARTBEAT_INTERVAL", 10, 60 * second),
      leaderTimeout: reader.duration("LEADER_TIMEOUT", 50, 600 * second),
    },
    workerDefaults,
    agentPort,
    workerLabels: reader.shaped("WORKER_LABEL", [], parseLabels),
    staticWorkers: reader.shaped("WORKERS", [], (text) => parseStaticWorkers(text, agentPort)),
    hosts: reader.shaped("HOSTS", [], (text) => parseHosts(text, agentPort)),
    recovery: {
      stopHold: reader.duration("STOP_HOLD", 0, day),
      backoff: reader.duration("BACKOFF", 0, day),
      backoffMax: reader.duration("BACKOFF_MAX", 0, day),
      quarantineRelease: reader.duration("QUARANTINE_RELEASE", second, 365 * day),
    },
    brake: {
      fraction: reader.fraction("BRAKE_FRACTION"),
      min: reader.integer("BRAKE_MIN", 1, limits.workers),
      window: reader.duration("BRAKE_WINDOW", second, day),
    },
    migration: {
      primary: reader.shaped("PRIMARY_LABEL", noLabel, parseHostLabel),
      secondary: reader.shaped("SECONDARY_LABEL", noLabel, parseHostLabel),
      failback: reader.choice("FAILBACK", failbacks),
      failbackAfter: reader.duration("FAILBACK_AFTER", 0, day),
    },
    fence: readFence(reader, workerDefaults),
    dataDir: reader.text("DATA_DIR") ?? "",
    redisUrl: readRedisUrl(reader),
    docker: readDocker(reader),
    clusters: {
      image: reader.text("CLUSTER_IMAGE") ?? "",
      nodeImage: reader.text("CLUSTER_NODE_IMAGE") ?? "",
    },
    http: readHttp(reader, coordinators),
    notify: readNotify(reader),
    retention: reader.shaped("RETENTION", { age: 30 * day, count: 100_000 }, parseRetention),
    recordSpan: reader.duration("RECORD_SPAN", 0, day),
    faultInjection: reader.flag("FAULT_INJECTION"),
    logLevel: reader.choice("LOG_LEVEL", logLevels),
    effective: inTableOrder(reader.effective),
  };
}

function readWorkerDefaults(reader: ConfigReader, port: number): WorkerSettings {
  return {
    port,
    checkInterval: reader.duration("CHECK_INTERVAL", 50, 3600 * second),
    timeout: reader.duration("TIMEOUT", 20, 600 * second),
    maxFailedAttempts: reader.integer("MAX_FAILED_ATTEMPTS", 1, 100),
    startPeriod: 30 * second,
    stopTimeout: undefined,
    verifyWindow: reader.duration("VERIFY_WINDOW", 0, 3600 * second),
    maxTries: reader.integer("MAX_TRIES", 1, 100),
    maxRevivals: reader.integer("MAX_REVIVALS", 1, limits.revivalsRemembered),
    revivalWindow: reader.duration("REVIVAL_WINDOW", second, 30 * day),
    stopPolicy: reader.choice("STOP_POLICY", ["revive", "respect"]),
    recreate: false,
    dependsOn: [],
  };
}

function readMeshKey(reader: ConfigReader): Secret | undefined {
  const key = reader.secret("MESH_KEY", (text) => {
    const ring = parseKeyRing(text);
    return ring.ok ? undefined : (ring.detail ?? ring.failure);
  });
  const insecure = reader.flag("MESH_INSECURE");
  if (!reader.isGiven("MESH_KEY") && !insecure) {
    reader.problems.push(
      "MESH_KEY is missing: give one (openssl rand -hex 32), or MESH_INSECURE=1 to accept datagrams of anybody",
    );
  }
  if (!reader.isGiven("MESH_KEY") && insecure) {
    reader.warnings.push("MESH_INSECURE=1: anybody on the network may forge datagrams");
  }
  if (key !== undefined && insecure) {
    reader.warnings.push("MESH_INSECURE=1 has no effect: MESH_KEY is given");
  }
  return key;
}

function readRedisUrl(reader: ConfigReader): Secret | undefined {
  const url = reader.secret("REDIS_URL", (text) => {
    const address = parseRedisUrl(text);
    return address.ok ? undefined : address.detail;
  });
  const address = url === undefined ? undefined : parseRedisUrl(url.text);
  if (address?.ok === true && url?.file === undefined) {
    reader.effective.set("REDIS_URL", describeRedis(address.value));
  }
  return url;
}

function readNotify(reader: ConfigReader): CoordinatorConfig["notify"] {
  const http = (text: string): string | undefined => urlProblem(text, ["http:", "https:"]);
  const webhookUrl = reader.secret("WEBHOOK_URL", http);
  const secret = reader.secret("WEBHOOK_SECRET");
  if (webhookUrl !== undefined && secret === undefined) {
    reader.warnings.push("WEBHOOK_URL without WEBHOOK_SECRET: its messages are not signed");
  }
  if (webhookUrl === undefined && secret !== undefined) {
    reader.problems.push("WEBHOOK_SECRET is given without WEBHOOK_URL");
  }
  const mailUrl = reader.secret("SMTP_URL", (text) => urlProblem(text, ["smtp:", "smtps:"]));
  const from = reader.shaped<readonly string[]>("SMTP_FROM", [], parseMails)[0];
  const to = reader.shaped<readonly string[]>("SMTP_TO", [], parseMails);
  if (mailUrl !== undefined && (from === undefined || to.length === 0)) {
    reader.problems.push("SMTP_URL needs SMTP_FROM and SMTP_TO");
  }
  if (!reader.isGiven("SMTP_URL") && (from !== undefined || to.length > 0)) {
    reader.problems.push("SMTP_FROM and SMTP_TO are of no use without SMTP_URL");
  }
  return {
    slackUrl: reader.secret("SLACK_WEBHOOK_URL", http),
    webhook: webhookUrl === undefined ? undefined : { url: webhookUrl, secret },
    mail: mailUrl === undefined || from === undefined ? undefined : { url: mailUrl, from, to },
    ratePerMinute: reader.integer("NOTIFY_RATE", 1, 6000),
    deadmanUrl: reader.secret("DEADMAN_URL", http),
  };
}

function inTableOrder(effective: ReadonlyMap<VariableName, string>): Record<string, string> {
  return Object.fromEntries(
    coordinatorVariables.map((row) => [row.name, effective.get(row.name) ?? ""]),
  );
}

function deeplyFrozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deeplyFrozen(inner);
  }
  return value;
}
