// Calls to clusters of containers as a client makes them, to any coordinator that runs; and what an engine shows of their containers.

import type { CallRow, LogEntryRow } from "../../proto/cluster-rest.ts";
import type { SwarmAnswer } from "../../proto/swarm-rest.ts";
import { inTime } from "../../coordinator/io/in-time.ts";
import type { LabEngine } from "./engine.ts";
import { imageNames } from "./images.ts";
import { until } from "../waiting.ts";

export interface CallAnswer<Data = CallRow> {
  readonly status: number;
  readonly data: Data;
  /** Of a refusal; else empty. */
  readonly error: string;
}

export interface CallWish {
  /** Of a coordinator's HTTP. */
  readonly url: string;
  readonly method?: string;
  /** `/clusters/web`. */
  readonly path: string;
  readonly body?: unknown;
  /** Idempotency-Key. */
  readonly key?: string;
  readonly token?: string;
  /** ms */
  readonly patience?: number;
}

/** Rejects where nobody answers in time. */
export function callCluster<Data = CallRow>(wish: CallWish): Promise<CallAnswer<Data>> {
  const { url, method = "GET", path, body, key, token, patience = 15_000 } = wish;
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return inTime(patience, async (signal) => {
    const init = { method, headers, signal };
    const whole = body === undefined ? init : { ...init, body: JSON.stringify(body) };
    const response = await fetch(url + path, whole);
    const answer = (await response.json()) as SwarmAnswer<Data>;
    return answer.success
      ? { status: response.status, data: answer.data, error: "" }
      : { status: response.status, data: undefined as Data, error: answer.error };
  });
}

/** Under one key, until it has ended: sent again where nobody leads for a moment, or it takes longer than an answer. */
export function callToItsEnd<Data = CallRow>(wish: CallWish): Promise<CallAnswer<Data>> {
  const { method = "GET", path, body } = wish;
  const key = JSON.stringify([method, path, body]).slice(0, 200);
  return until(
    `${method} ${path}`,
    async () => {
      const answer = await callCluster<Data>({ key, ...wish }).catch(() => undefined);
      const isOpen = answer === undefined || answer.status === 202 || answer.status >= 500;
      return isOpen ? undefined : answer;
    },
    60_000,
    500,
  );
}

/** Containers that run on for ever and end at once on SIGTERM. */
export const restful = {
  image: imageNames.worker,
  command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"],
} as const;

export interface ShownContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly node: string;
  readonly index: number;
  readonly ordinal: number;
}

/** What `docker ps` shows of a cluster, by name. */
export async function containersOf(
  engine: LabEngine,
  cluster: string,
): Promise<readonly ShownContainer[]> {
  const label = (name: string): string => `{{.Label "heartmesh.${name}"}}`;
  const fields = ["{{.ID}}", "{{.Names}}", "{{.State}}", label("cluster-node")];
  const format = [...fields, label("log-index"), label("ordinal")].join("|");
  const filter = `label=heartmesh.cluster=${cluster}`;
  const ran = await engine.docker("ps", "-a", "--filter", filter, "--format", format);
  if (ran.code !== 0) throw new Error(`docker ps: ${ran.stderr}`);
  return ran.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [id = "", name = "", state = "", node = "", index, ordinal] = line.split("|");
      return { id, name, state, node, index: Number(index), ordinal: Number(ordinal) };
    })
    .sort((a, b) => a.index - b.index || a.ordinal - b.ordinal);
}

/** A container's creation, as an engine's own events tell it. */
export interface Creation {
  readonly at: number;
  readonly index: number;
  readonly ordinal: number;
}

/** What a client was told of its call. */
export interface Acknowledged {
  readonly key: string;
  readonly index: number;
  readonly term: number;
  readonly replicas: number;
}

export interface Evidence {
  readonly acknowledged: readonly Acknowledged[];
  /** The whole log of the cluster. */
  readonly log: readonly LogEntryRow[];
  /** In the order of the engine's events. */
  readonly created: readonly Creation[];
}

/**
 * Every way in which calls were not executed exactly once in the order of the log, in words: lost, done twice, acknowledged as
 * something else, or out of order. Of `acknowledged` only calls that add a service.
 */
export function violationsOf({ acknowledged, log, created }: Evidence): readonly string[] {
  const entries = new Map(log.map((entry) => [entry.log_index, entry]));
  const added = log.filter(({ call, state }) => call.startsWith("add-service") && state === "done");
  const known = new Set(acknowledged.map(({ index }) => index));
  const faults = [
    ...acknowledged.flatMap(({ key, index, term, replicas }) => {
      const entry = entries.get(index);
      if (entry === undefined) return [`${key}: log entry ${index} is lost`];
      if (entry.term !== term)
        return [`${key}: entry ${index} is of term ${entry.term}, not ${term}`];
      if (entry.state !== "done")
        return [`${key}: entry ${index} is ${entry.state}: ${entry.text}`];
      return creationFaults(index, replicas, created);
    }),
    ...(known.size < acknowledged.length ? ["two calls were told the same log index"] : []),
    ...added.flatMap(({ log_index: index }) =>
      known.has(index) ? [] : [`log entry ${index} was executed, and nobody asked for it`],
    ),
    ...log.flatMap(({ log_index: index, term }, at) =>
      term < (log[at - 1]?.term ?? 0)
        ? [`log entry ${index} is of an older term than the one before`]
        : [],
    ),
    ...created.flatMap(({ index }, at) =>
      index < (created[at - 1]?.index ?? 0)
        ? [`entry ${index} was executed after a later one`]
        : [],
    ),
  ];
  return faults;
}

function creationFaults(
  index: number,
  replicas: number,
  created: readonly Creation[],
): readonly string[] {
  return Array.from({ length: replicas }, (_, at) => at + 1).flatMap((ordinal) => {
    const times = created.filter((one) => one.index === index && one.ordinal === ordinal).length;
    return times === 1 ? [] : [`container ${ordinal} of entry ${index} was made ${times} times`];
  });
}
