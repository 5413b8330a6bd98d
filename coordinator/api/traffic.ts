// Whether a proxy should send traffic to a worker, a service or a host, in one word of HAProxy's agent checks. Pure.

import type { VerdictKind } from "../core/decision.ts";
import type { HostVerdictKind } from "../core/hosts/host.ts";
import type { CoordinatorSummary, WorkerSummary } from "../core/summary.ts";

/** `up` send · `drain` finish what is begun, send nothing new · `maint` a person has taken it out · `down` send nothing. */
export type Traffic = "up" | "drain" | "maint" | "down";

/** Of whom it is asked: a worker by its id, its container's name or its service in Compose. `host`: only what runs there counts; by the name of its engine. */
export type TrafficAsk =
  | { readonly of: "worker"; readonly name: string }
  | { readonly of: "service"; readonly name: string; readonly host: string | undefined }
  | { readonly of: "host"; readonly name: string };

/**
 * Undefined where this coordinator cannot say: it abstains, or nobody has heard it yet. A name that nobody bears is
 * `down`, as what was moved elsewhere, or removed, is; so a stranger learns nothing of which names there are.
 */
export function trafficTo(summary: CoordinatorSummary, ask: TrafficAsk): Traffic | undefined {
  if (!summary.fit) return undefined;
  const known = indexOf(summary);
  switch (ask.of) {
    case "worker": {
      const worker = known.worker(ask.name);
      return worker === undefined ? "down" : ofWorker(summary, worker);
    }
    case "service": {
      const { host } = ask;
      const tasks = known.tasksOf(ask.name).filter((task) => (host ?? task.host) === task.host);
      return bestOf(tasks.map((task) => ofWorker(summary, task)));
    }
    case "host": {
      const host = known.host(ask.name);
      return host === undefined ? "down" : ofHost[host.verdict];
    }
  }
}

/** The line that an agent check asks with: `<worker>`, `service:<name>`, `service:<name>@<host>` or `host:<name>`. */
export function parseTrafficAsk(line: string): TrafficAsk {
  const [, of, rest = ""] = /^(service|host):(.*)$/.exec(line) ?? [];
  if (of === "host") return { of, name: rest };
  if (of === undefined) return { of: "worker", name: line };
  const at = rest.indexOf("@");
  if (at < 0) return { of: "service", name: rest, host: undefined };
  return { of: "service", name: rest.slice(0, at), host: rest.slice(at + 1) };
}

/** Where its agent is lost or a path is broken, the worker itself is heard, or seen to run. */
const ofVerdict: Readonly<Record<VerdictKind, Traffic | undefined>> = {
  healthy: "up",
  partial: "up",
  "agent-lost": "up",
  paused: "maint",
  starting: "down",
  unhealthy: "down",
  silent: "down",
  stopped: "down",
  gone: "down",
  stranded: "down",
  away: "down",
  unwatched: undefined,
  unknown: undefined,
};

const ofHost: Readonly<Record<HostVerdictKind, Traffic | undefined>> = {
  healthy: "up",
  partial: "up",
  "agent-lost": "up",
  draining: "drain",
  "engine-unhealthy": "down",
  dead: "down",
  unknown: undefined,
};

function ofWorker({ hosts }: CoordinatorSummary, worker: WorkerSummary): Traffic | undefined {
  const word = ofVerdict[worker.verdict];
  if (word !== "up") return word;
  const isDrained = hosts.some(
    ({ id, node }) =>
      node?.availability === "drain" && (id === worker.host || node.hostname === worker.host),
  );
  return isDrained ? "drain" : word;
}

/** One that is up suffices; what cannot be said of one may be better than what is known of the others. */
function bestOf(words: readonly (Traffic | undefined)[]): Traffic | undefined {
  const best = (["up", "drain"] as const).find((word) => words.includes(word));
  if (best !== undefined) return best;
  if (words.includes(undefined)) return undefined;
  return words.includes("maint") ? "maint" : "down";
}

interface Index {
  worker(name: string): WorkerSummary | undefined;
  tasksOf(service: string): readonly WorkerSummary[];
  host(name: string): CoordinatorSummary["hosts"][number] | undefined;
}

/** Proxies ask often, and of all workers: each picture is gone through once. */
const indexes = new WeakMap<CoordinatorSummary, Index>();

function indexOf(summary: CoordinatorSummary): Index {
  const known = indexes.get(summary);
  if (known !== undefined) return known;
  const byId = new Map(summary.workers.map((worker) => [worker.id, worker]));
  const byName = new Map<string, WorkerSummary[]>();
  const byComposeService = new Map<string, WorkerSummary[]>();
  const byService = new Map<string, WorkerSummary[]>();
  for (const worker of summary.workers) {
    addTo(byName, worker.id.slice(worker.id.lastIndexOf("/") + 1), worker);
    if (worker.composeService !== "") addTo(byComposeService, worker.composeService, worker);
    const service = serviceOf(worker.id);
    if (service !== undefined) addTo(byService, service, worker);
  }
  const hosts = new Map(summary.hosts.map((host) => [host.id, host]));
  const index: Index = {
    worker(name) {
      const named = byName.get(name) ?? byComposeService.get(name) ?? [];
      return byId.get(name) ?? (named.length === 1 ? named[0] : undefined);
    },
    tasksOf: (service) => byService.get(service) ?? [],
    host: (name) => hosts.get(name) ?? summary.hosts.find(({ node }) => node?.hostname === name),
  };
  indexes.set(summary, index);
  return index;
}

function addTo(lists: Map<string, WorkerSummary[]>, key: string, worker: WorkerSummary): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [worker]);
  else list.push(worker);
}

/** Of a Swarm's task, whose id is `swarm/<service>.<slot>`; a service's name holds no dot. */
const serviceOf = (id: string): string | undefined => /^swarm\/([^.]+)\./.exec(id)?.[1];
