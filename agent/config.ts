// The agent's environment: a table of its variables, and their parsing with all problems at once. Pure.

import { isIP } from "node:net";
import {
  misspelt,
  namesOf,
  parseAddressList,
  parseDuration,
  parseFlag,
  parseInteger,
  secretFromFile,
  secretSource,
  valueOf,
  type Environment,
  type NamedAddress,
  type Parsed,
  type VariableRow,
} from "../proto/config-parse.ts";
import { insecureRing, parseKeyRing, type KeyRing } from "../proto/key-ring.ts";
import { limits } from "../proto/limits.ts";
import type { Outcome } from "../proto/machine.ts";
import { isName } from "../proto/text.ts";
import type { Duration } from "../proto/units.ts";
import {
  parseBody,
  parseCheck,
  parseEngine,
  parseStatusRanges,
  type AgentCheck,
} from "./check-spec.ts";
import type { CheckTiming } from "./core/worker-check.ts";
import type { BodyExpectation, StatusRange } from "./io/checks/http.ts";
import { logLevels, type LogLevel } from "./io/log.ts";

export const agentVariables = [
  {
    name: "AGENT_PORT",
    default: "8888",
    text: "UDP port on which the agent answers; 0 takes any free one.",
  },
  { name: "AGENT_HOST", default: "0.0.0.0", text: "Address to bind; `::` takes IPv6 and IPv4." },
  {
    name: "AGENT_SCOPE",
    default: "worker",
    text: "What the agent speaks for: `worker`, or `host`: the engine of DOCKER_HOST is its check, and it tells the machine's capacity.",
  },
  {
    name: "WORKER_NAME",
    default: "",
    text: "The worker's (or the host's) name; the host name where not given.",
  },
  {
    name: "DOCKER_HOST",
    default: "unix:///var/run/docker.sock",
    text: "The engine that the agent of a host checks; a worker's agent does not read it.",
  },
  {
    name: "DATA_DIR",
    default: "/var/lib/heartmesh",
    text: "Where the agent of a host remembers its grants across its own restart: a directory that outlasts its container.",
  },
  {
    name: "COORDINATORS",
    default: "",
    text: "Whom the agent announces itself to: `c1=host:port,c2=…`; port 7700 where not given.",
  },
  { name: "CLUSTER_ID", default: "heartmesh", text: "The mesh's name; others are not heard." },
  {
    name: "MESH_KEY",
    default: "",
    text: "The mesh's keys, separated by commas or lines: the first one seals, all open.",
    secret: true,
  },
  { name: "MESH_INSECURE", default: "0", text: "1: run without a key; anybody can forge." },
  { name: "LOG_LEVEL", default: "info", text: "`debug`, `info`, `warn`, `error` or `silent`." },
  {
    name: "WORKER_CHECK",
    default: "none",
    text: "`tcp://host:port`, `http://host:port/path`, `exec:program args`, `process:name` (or a pid file's path) or `none`.",
  },
  {
    name: "WORKER_PROCESS",
    default: "",
    text: "Name, pid or pid file of a process whose exit is told at once, beside any check.",
  },
  { name: "WORKER_CHECK_INTERVAL", default: "1", text: "Time between two checks." },
  { name: "WORKER_CHECK_TIMEOUT", default: "0.5", text: "How long one check may take." },
  {
    name: "WORKER_CHECK_THRESHOLD",
    default: "2",
    text: "Failures in a row that make the worker unhealthy.",
  },
  {
    name: "WORKER_CHECK_START_PERIOD",
    default: "30",
    text: "Failures this soon after the start leave the worker `starting`.",
  },
  {
    name: "WORKER_CHECK_STATUS",
    default: "200-399",
    text: "Statuses that an HTTP check accepts, such as `200-299,304`.",
  },
  {
    name: "WORKER_CHECK_BODY",
    default: "",
    text: "Text, or `/pattern/flags`, that must stand in the first 64 KiB of an HTTP check's body.",
  },
  {
    name: "WORKER_CHECK_REDIRECTS",
    default: "0",
    text: "How many redirects an HTTP check follows; 0 judges the first answer.",
  },
] as const satisfies readonly VariableRow[];

type VariableName = (typeof agentVariables)[number]["name"];

export interface HttpExpectation {
  readonly status: readonly StatusRange[];
  readonly body: BodyExpectation | undefined;
  readonly redirects: number;
}

export interface AgentConfig {
  readonly host: string;
  readonly port: number;
  readonly scope: "worker" | "host";
  /** Undefined: the host name, which is not the environment's to know. */
  readonly name: string | undefined;
  readonly coordinators: readonly NamedAddress[];
  readonly cluster: string;
  readonly ring: KeyRing;
  /** Where the ring came from, to be read again when it changes; undefined when it stood in the environment. */
  readonly keyFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly check: AgentCheck;
  readonly timing: CheckTiming;
  readonly http: HttpExpectation;
  readonly watchedProcess: string | undefined;
  /** Of a host's agent. */
  readonly dataDir: string;
}

export type AgentConfigOutcome =
  | { readonly ok: true; readonly config: AgentConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

export type ReadSecret = (path: string) => Outcome<string, "unreadable">;

/** A prefix that only our variables have: an unknown one behind it is a mistake. */
export const ownPrefixes: readonly string[] = ["WORKER_CHECK_", "HEARTMESH_"];

/** `readSecret` reads the file that a `…_FILE` variable names. */
export function parseAgentConfig(env: Environment, readSecret: ReadSecret): AgentConfigOutcome {
  const reader = new Reader(env);
  for (const { name, meant } of misspelt(env, namesOf(agentVariables), ownPrefixes)) {
    reader.problems.push(`${name} is not a variable of the agent; did you mean ${meant}?`);
  }
  const scope = reader.read("AGENT_SCOPE", (text) => parseWord(text, ["worker", "host"] as const));
  const check = readCheck(reader, scope);
  const watched = reader.optional("WORKER_PROCESS", (text) => ({ ok: true, value: text }));
  const config: AgentConfig = {
    host: reader.read("AGENT_HOST", parseBindAddress),
    port: reader.read("AGENT_PORT", (text) => parseInteger(text, 0, 65_535)),
    scope,
    name: reader.optional("WORKER_NAME", parseName),
    coordinators: reader.read("COORDINATORS", parseCoordinators),
    cluster: reader.read("CLUSTER_ID", parseName),
    ring: readRing(reader, readSecret),
    keyFile: valueOf(env, "MESH_KEY_FILE"),
    logLevel: reader.read("LOG_LEVEL", (text) => parseWord(text, logLevels)),
    check: check.kind === "process" ? { kind: "none" } : check,
    // An engine that does not answer is not starting, for all that anybody knows.
    timing: { ...readTiming(reader), ...(scope === "host" && { startPeriod: 0 }) },
    http: readHttp(reader, check),
    watchedProcess: check.kind === "process" ? check.target : watched,
    dataDir: reader.read("DATA_DIR", (text) => ({ ok: true, value: text })),
  };
  if (check.kind === "process" && watched !== undefined) {
    reader.problems.push("WORKER_PROCESS and WORKER_CHECK=process:… were both given; remove one");
  }
  return reader.problems.length === 0
    ? { ok: true, config: Object.freeze(config) }
    : { ok: false, problems: reader.problems };
}

/** Collects problems; after one it goes on with the default, so that all are found. */
class Reader {
  readonly env: Environment;
  readonly problems: string[] = [];

  constructor(env: Environment) {
    this.env = env;
  }

  read<Value>(name: VariableName, parse: (text: string) => Parsed<Value>): Value {
    const preset = defaultOf(name);
    const given = parse(valueOf(this.env, name) ?? preset);
    if (given.ok) return given.value;
    this.problems.push(`${name}: ${given.detail ?? "cannot be read"}`);
    const fallback = parse(preset);
    if (!fallback.ok) throw new Error(`the default of ${name} cannot be read`);
    return fallback.value;
  }

  optional<Value>(name: VariableName, parse: (text: string) => Parsed<Value>): Value | undefined {
    const text = valueOf(this.env, name);
    if (text === undefined) return undefined;
    const given = parse(text);
    if (given.ok) return given.value;
    this.problems.push(`${name}: ${given.detail ?? "cannot be read"}`);
    return undefined;
  }
}

const defaultOf = (name: VariableName): string =>
  agentVariables.find((row) => row.name === name)?.default ?? "";

function readCheck(reader: Reader, scope: AgentConfig["scope"]): AgentCheck {
  if (scope === "worker") return reader.read("WORKER_CHECK", parseCheck);
  for (const name of ["WORKER_CHECK", "WORKER_PROCESS"] as const) {
    if (valueOf(reader.env, name) === undefined) continue;
    reader.problems.push(`${name} belongs to a worker, but AGENT_SCOPE is host; remove one`);
  }
  return reader.read("DOCKER_HOST", parseEngine);
}

function readTiming(reader: Reader): CheckTiming {
  return {
    interval: reader.read("WORKER_CHECK_INTERVAL", bounded(50, 3_600_000)),
    timeout: reader.read("WORKER_CHECK_TIMEOUT", bounded(10, 600_000)),
    threshold: reader.read("WORKER_CHECK_THRESHOLD", (text) => parseInteger(text, 1, 100)),
    startPeriod: reader.read("WORKER_CHECK_START_PERIOD", bounded(0, 86_400_000)),
  };
}

function readHttp(reader: Reader, check: AgentCheck): HttpExpectation {
  if (check.kind !== "http") {
    for (const name of [
      "WORKER_CHECK_STATUS",
      "WORKER_CHECK_BODY",
      "WORKER_CHECK_REDIRECTS",
    ] as const) {
      if (valueOf(reader.env, name) === undefined) continue;
      reader.problems.push(`${name} belongs to an HTTP check, but WORKER_CHECK is not http://…`);
    }
  }
  return {
    status: reader.read("WORKER_CHECK_STATUS", parseStatusRanges),
    body: reader.optional("WORKER_CHECK_BODY", parseBody),
    redirects: reader.read("WORKER_CHECK_REDIRECTS", (text) => parseInteger(text, 0, 10)),
  };
}

function readRing(reader: Reader, readSecret: ReadSecret): KeyRing {
  const insecure = reader.read("MESH_INSECURE", parseFlag);
  const source = secretSource(reader.env, "MESH_KEY");
  const give = (problem: string): KeyRing => {
    reader.problems.push(problem);
    return insecureRing;
  };
  if (source.kind === "none") {
    if (insecure) return insecureRing;
    return give(
      "MESH_KEY is not set; give the mesh's key in MESH_KEY or MESH_KEY_FILE (MESH_INSECURE=1 runs without one)",
    );
  }
  if (insecure) return give("MESH_INSECURE=1 and a mesh key were both given; remove one");
  if (source.kind === "both") {
    return give("MESH_KEY and MESH_KEY_FILE were both given; remove one");
  }
  if (source.kind === "value") {
    const ring = parseKeyRing(source.value);
    return ring.ok ? ring.value : give(`MESH_KEY: ${ring.detail ?? ring.failure}`);
  }
  const content = readSecret(source.path);
  if (!content.ok) return give(`MESH_KEY_FILE: ${content.detail ?? content.failure}`);
  const ring = parseKeyRing(secretFromFile(content.value));
  return ring.ok ? ring.value : give(`MESH_KEY_FILE: ${ring.detail ?? ring.failure}`);
}

const parseCoordinators = (text: string): Parsed<readonly NamedAddress[]> => {
  const list = parseAddressList(text, 7700);
  if (!list.ok || list.value.length <= limits.coordinators) return list;
  return malformed(`${list.value.length} coordinators; expected at most ${limits.coordinators}`);
};

const bounded =
  (low: Duration, high: Duration) =>
  (text: string): Parsed<Duration> => {
    const duration = parseDuration(text);
    if (!duration.ok || (duration.value >= low && duration.value <= high)) return duration;
    return malformed(
      `"${text}" is out of bounds; expected ${low / 1000} to ${high / 1000} seconds`,
    );
  };

function parseWord<Word extends string>(text: string, words: readonly Word[]): Parsed<Word> {
  const word = words.find((candidate) => candidate === text.trim().toLowerCase());
  return word === undefined
    ? malformed(`"${text}" is not known; expected ${words.join(", ")}`)
    : { ok: true, value: word };
}

function parseName(text: string): Parsed<string> {
  return isName(text)
    ? { ok: true, value: text }
    : malformed(`this is no name; expected 1 to ${limits.nameBytes} bytes of printable text`);
}

function parseBindAddress(text: string): Parsed<string> {
  return isIP(text) !== 0
    ? { ok: true, value: text }
    : malformed(`"${text}" is not an IP address; expected for example 0.0.0.0 or ::`);
}

const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
