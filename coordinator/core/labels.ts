// What a worker's `heartmesh.*` labels say. A label that cannot be parsed gives a finding and leaves the default, and is never silently ignored.

import {
  levenshtein,
  parseDuration,
  parseFlag,
  parseInteger,
  parsePort,
  type Parsed,
} from "../../proto/config-parse.ts";
import { limits } from "../../proto/limits.ts";
import type { Duration } from "../../proto/units.ts";
import type { CheckSpec, WorkerSettings } from "./worker.ts";

export interface LabelFinding {
  readonly label: string;
  /** What was wrong, what was expected, what holds instead. */
  readonly text: string;
}

export interface WorkerLabels {
  readonly settings: WorkerSettings;
  /** How the coordinators check it themselves; undefined where no label says so. */
  readonly check: CheckSpec | undefined;
  readonly findings: readonly LabelFinding[];
}

const prefix = "heartmesh.";
/** Labels that others read: they are ours, and no finding. */
const readElsewhere = [
  ...["worker", "agent", "role", "fence", "volumes"],
  ...["migrate", "migrate.to", "migrate.strategy", "moved"],
  ...[
    "cluster",
    "cluster-birth",
    "cluster-mesh",
    "cluster-node",
    "log-index",
    "ordinal",
    "uniq-id",
    "origin",
  ],
];
const readHere = [
  "port",
  "check",
  "check.status",
  "check.body",
  "check-interval",
  "timeout",
  "max-failed-attempts",
  "start-period",
  "stop-timeout",
  "verify",
  "max-tries",
  "max-revivals",
  "stop-policy",
  "recreate",
  "depends-on",
] as const;
type Key = (typeof readHere)[number];

/** All that a container may carry, without `heartmesh.` before them. */
export const ownLabels: readonly string[] = [...readHere, ...readElsewhere];

const second = 1000;
const day = 86_400 * second;

export function parseWorkerLabels(
  labels: Readonly<Record<string, string>>,
  defaults: WorkerSettings,
): WorkerLabels {
  const reader = new LabelReader(labels);
  const settings: WorkerSettings = {
    port: reader.read("port", defaults.port, parsePort),
    checkInterval: reader.duration("check-interval", defaults.checkInterval, 50, 3600 * second),
    timeout: reader.duration("timeout", defaults.timeout, 20, 600 * second),
    maxFailedAttempts: reader.integer("max-failed-attempts", defaults.maxFailedAttempts, 100),
    startPeriod: reader.duration("start-period", defaults.startPeriod, 0, day),
    stopTimeout: reader.duration("stop-timeout", defaults.stopTimeout, 0, 3600 * second),
    verifyWindow: reader.duration("verify", defaults.verifyWindow, 0, 3600 * second),
    maxTries: reader.integer("max-tries", defaults.maxTries, 100),
    maxRevivals: reader.integer("max-revivals", defaults.maxRevivals, limits.revivalsRemembered),
    revivalWindow: defaults.revivalWindow,
    stopPolicy: reader.read("stop-policy", defaults.stopPolicy, parseStopPolicy),
    recreate: reader.read("recreate", defaults.recreate, parseFlag),
    dependsOn: reader.read("depends-on", defaults.dependsOn, parseNames),
  };
  const check = reader.check();
  reader.findUnknown();
  return { settings: withRelation(settings, defaults, reader), check, findings: reader.findings };
}

class LabelReader {
  readonly findings: LabelFinding[] = [];
  readonly #labels: Readonly<Record<string, string>>;

  constructor(labels: Readonly<Record<string, string>>) {
    this.#labels = labels;
  }

  has(key: Key): boolean {
    return this.#labels[prefix + key] !== undefined;
  }

  read<Value>(key: Key, fallback: Value, parse: (text: string) => Parsed<Value>): Value {
    const text = this.#labels[prefix + key];
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value.ok) return value.value;
    this.find(key, `${value.detail ?? "malformed"}; the default holds`);
    return fallback;
  }

  duration<Value extends Duration | undefined>(
    key: Key,
    fallback: Value,
    low: Duration,
    high: Duration,
  ): Duration | Value {
    return this.read<Duration | Value>(key, fallback, (text) => {
      const value = parseDuration(text);
      if (!value.ok || (value.value >= low && value.value <= high)) return value;
      return malformed(`"${text}" is not between ${low / second} s and ${high / second} s`);
    });
  }

  integer(key: Key, fallback: number, high: number): number {
    return this.read(key, fallback, (text) => parseInteger(text, 1, high));
  }

  check(): CheckSpec | undefined {
    const check = this.read<CheckSpec | undefined>("check", undefined, (text) =>
      parseCheck(text, !this.has("check.status") && !this.has("check.body")),
    );
    const status = this.read<number | undefined>("check.status", undefined, parseStatus);
    const body = this.read<string | undefined>("check.body", undefined, parsed);
    if (check?.kind === "http") {
      return {
        ...check,
        ...(status === undefined ? {} : { status }),
        ...(body === undefined ? {} : { body }),
      };
    }
    for (const key of ["check.status", "check.body"] as const) {
      if (this.has(key)) this.find(key, "is of use only beside heartmesh.check=http://…");
    }
    return check;
  }

  findUnknown(): void {
    for (const label of Object.keys(this.#labels)) {
      if (!label.startsWith(prefix)) continue;
      const key = label.slice(prefix.length);
      if (ownLabels.includes(key)) continue;
      const [closest] = ownLabels
        .map((one) => ({ one, distance: levenshtein(key, one) }))
        .sort((a, b) => a.distance - b.distance);
      const near = closest !== undefined && closest.distance <= 2;
      const text = near ? `; did you mean ${prefix}${closest.one}?` : "; it has no effect";
      this.findings.push({ label, text: `${label} is no label of heartmesh${text}` });
    }
  }

  find(key: Key, text: string): void {
    this.findings.push({ label: prefix + key, text: `${prefix}${key}: ${text}` });
  }
}

/** An attempt must end before the next begins, also where one of the two comes from a label and the other from the defaults. */
function withRelation(
  settings: WorkerSettings,
  defaults: WorkerSettings,
  reader: LabelReader,
): WorkerSettings {
  if (settings.timeout < settings.checkInterval) return settings;
  const key = reader.has("timeout") ? "timeout" : "check-interval";
  const { timeout, checkInterval } = settings;
  reader.find(
    key,
    `the timeout (${timeout / second} s) must be less than the check interval (${checkInterval / second} s); the defaults of both hold`,
  );
  return { ...settings, timeout: defaults.timeout, checkInterval: defaults.checkInterval };
}

/**
 * `tcp://host:port`, or `http://host:port/path`. Where `expectInQuery`, the parameters `status` and `body` of the query
 * say what is expected and are not sent; otherwise the whole query is the worker's.
 */
function parseCheck(text: string, expectInQuery: boolean): Parsed<CheckSpec | undefined> {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "none") return parsed(undefined);
  const tcp = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d+)\/?$/.exec(trimmed);
  if (tcp !== null) {
    const port = parsePort(tcp[3] ?? "");
    if (!port.ok) return port;
    return parsed({ kind: "tcp", host: tcp[1] ?? tcp[2] ?? "", port: port.value });
  }
  if (!/^http:\/\//.test(trimmed) || !URL.canParse(trimmed)) {
    return malformed(`"${text}" is no check; expected tcp://host:port or http://host:port/path`);
  }
  const url = new URL(trimmed);
  if (!expectInQuery) return parsed({ kind: "http", url: trimmed });
  const statusText = url.searchParams.get("status");
  const body = url.searchParams.get("body");
  if (statusText === null && body === null) return parsed({ kind: "http", url: trimmed });
  const status = statusText === null ? undefined : parseStatus(statusText);
  if (status?.ok === false) return status;
  url.searchParams.delete("status");
  url.searchParams.delete("body");
  return parsed({
    kind: "http",
    url: url.href,
    ...(status === undefined ? {} : { status: status.value }),
    ...(body === null ? {} : { body }),
  });
}

const parseStatus = (text: string): Parsed<number> => parseInteger(text, 100, 599);

function parseStopPolicy(text: string): Parsed<"revive" | "respect"> {
  const word = text.trim().toLowerCase();
  if (word === "revive" || word === "respect") return parsed(word);
  return malformed(`"${text}" is neither revive nor respect`);
}

function parseNames(text: string): Parsed<readonly string[]> {
  const names = text.split(",").map((one) => one.trim());
  const wrong = names.find((one) => one !== "" && !/^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(one));
  if (wrong !== undefined) return malformed(`"${wrong}" is no name of a worker`);
  return parsed(names.filter((one) => one !== ""));
}

const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
