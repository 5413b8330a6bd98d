// heartmesh as a library of a Node worker: the agent answers in the worker's own event loop, so that a blocked loop is silence.

import { misspelt, namesOf } from "../proto/config-parse.ts";
import { agentVariables, ownPrefixes, parseAgentConfig } from "./config.ts";
import { readSecretFile } from "./io/key-file.ts";
import { createLog, silentLog, type Log } from "./io/log.ts";
import { RunningAgent, type AgentCounters } from "./running-agent.ts";

/** What is not given comes from the environment, by the variable in brackets. Durations are text as there: `1`, `500ms`. */
export interface AgentOptions {
  /** [AGENT_PORT] 0 takes any free port. */
  readonly port?: number;
  /** [AGENT_HOST] */
  readonly host?: string;
  /** [WORKER_NAME] */
  readonly name?: string;
  /** [COORDINATORS] `c1=host:port,…` */
  readonly coordinators?: string;
  /** [CLUSTER_ID] */
  readonly cluster?: string;
  /** [MESH_KEY] */
  readonly key?: string;
  /** [MESH_KEY_FILE] */
  readonly keyFile?: string;
  /** [MESH_INSECURE] */
  readonly insecure?: boolean;
  /** [WORKER_CHECK] Besides the event loop itself. */
  readonly check?: string;
  /** Whether the agent lets the process end when nothing else keeps it alive; false where not given. */
  readonly unref?: boolean;
  /** Silent where not given: a worker's output is its own. `true` writes JSON lines to stdout. */
  readonly log?: Log | true;
}

export interface AgentHandle {
  /** The UDP port it answers on. */
  readonly port: number;
  /** What was sent, received and dropped, by reason. */
  readonly counters: AgentCounters;
  /** Says that it is leaving, then closes; within 200 ms. Idempotent. */
  stop(): Promise<void>;
  /** Unhealthy until `reportHealthy`, whatever the check says. */
  reportUnhealthy(reason: string): void;
  reportHealthy(): void;
}

/** Throws a `TypeError` that lists every problem of the configuration, or the system's error where the port cannot be had. */
export async function startAgent(options: AgentOptions = {}): Promise<AgentHandle> {
  const known = namesOf(agentVariables);
  for (const { name, meant } of misspelt(process.env, known, ownPrefixes)) {
    // The environment belongs to the worker: a warning, where the sidecar would refuse.
    process.emitWarning(`${name} is not a variable of heartmesh; did you mean ${meant}?`);
  }
  const parsed = parseAgentConfig(
    { ...pick(process.env, known), ...asVariables(options) },
    readSecretFile,
  );
  if (!parsed.ok) throw new TypeError(`heartmesh: ${parsed.problems.join("; ")}`);
  const log = options.log === true ? createLog(parsed.config.logLevel) : options.log;
  const agent = new RunningAgent(parsed.config, {
    log: log ?? silentLog,
    keepAlive: options.unref !== true,
  });
  const { port } = await agent.start();
  return {
    port,
    get counters() {
      return agent.counters;
    },
    stop: () => agent.stop(),
    reportUnhealthy: (reason) => {
      agent.report(false, reason);
    },
    reportHealthy: () => {
      agent.report(true, "");
    },
  };
}

const pick = (
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string | undefined> => Object.fromEntries(names.map((name) => [name, env[name]]));

/** An option overrides its variable; one of the three ways to give a key overrides all of them. */
function asVariables(options: AgentOptions): Record<string, string | undefined> {
  const { port, host, name, coordinators, cluster, key, keyFile, insecure, check } = options;
  const set: Record<string, string | undefined> = {
    AGENT_PORT: port?.toString(),
    AGENT_HOST: host,
    WORKER_NAME: name,
    COORDINATORS: coordinators,
    CLUSTER_ID: cluster,
    WORKER_CHECK: check,
  };
  const given = Object.fromEntries(Object.entries(set).filter(([, text]) => text !== undefined));
  if (key === undefined && keyFile === undefined && insecure === undefined) return given;
  return {
    ...given,
    MESH_KEY: key,
    MESH_KEY_FILE: keyFile,
    MESH_INSECURE: insecure === true ? "1" : "0",
  };
}
