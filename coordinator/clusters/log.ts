// The durable log of each cluster of containers, and the documents that follow from it. A call is acknowledged once it stands here.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { limits } from "../../proto/limits.ts";
import type { Duration, Term } from "../../proto/units.ts";
import {
  hasEnded,
  type Cluster,
  type ClusterCall,
  type Clusters,
  type LogEntry,
} from "../core/clusters/cluster.ts";
import { advanceScript, appendScript, restoreScript } from "./scripts.ts";

/** How long an Idempotency-Key, and the log of a cluster that is gone, are remembered. */
const remembered: Duration = 7 * 24 * 3_600_000;

export interface OpenEntry {
  readonly index: number;
  readonly entry: LogEntry;
  /** As it is stored: whoever replaces it says what it replaces. */
  readonly stored: string;
}

export interface Appending {
  readonly term: Term;
  readonly cluster: string;
  readonly call: ClusterCall;
  readonly by: string;
  readonly at: number;
  /** A client's Idempotency-Key; empty: none. */
  readonly key: string;
  /** For `create-cluster`: the cluster as it begins. */
  readonly first?: Cluster;
}

export type Appended =
  | { readonly kind: "appended"; readonly index: number }
  /** The same call under the same key is in the log already. */
  | { readonly kind: "known"; readonly index: number }
  /** Another call was made under that key. */
  | { readonly kind: "differs"; readonly index: number }
  /** A leader of a later term has written: who asks leads no more. */
  | { readonly kind: "stale"; readonly index: number }
  | { readonly kind: "missing" | "exists" | "full"; readonly index: number };

export interface Advance {
  readonly term: Term;
  readonly cluster: string;
  readonly was: OpenEntry;
  readonly now: LogEntry;
  /** The cluster's document after it; `gone`: there is none any more; not given: as it is. */
  readonly document?: Cluster | "gone";
}

/** What a backup keeps of a cluster. */
export interface ClusterExport {
  readonly cluster: Cluster;
  /** Its last log index, so that numbers go on. */
  readonly last: number;
}

/** Every method rejects while Redis is away. */
export class ClusterLog {
  readonly #redis: Redis;
  readonly #key: (part: string) => string;

  /** @param ask.redis a producer's connection; the caller's to close. `key`: names of the record's keys (`Keys.record`) */
  constructor(ask: { readonly redis: Redis; readonly key: (part: string) => string }) {
    this.#redis = ask.redis;
    this.#key = (part) => ask.key(`clusters:${part}`);
  }

  async append(ask: Appending): Promise<Appended> {
    const { term, cluster, call, by, at, key, first } = ask;
    const entry: LogEntry = { term, call, by, at, state: "pending", ...unsaid };
    const keys = [...this.#keysOf(cluster), this.#key(`key:${hashOf(key)}`)];
    const [kind, index] = (await this.#redis.eval(
      appendScript,
      keys.length,
      ...keys,
      ...[term, cluster, JSON.stringify(entry), key === "" ? "" : fingerprint(cluster, call)],
      ...[first === undefined ? "change" : "create", JSON.stringify(first ?? null)],
      ...[limits.clusterOpen, limits.clusterLog, remembered, limits.documents],
    )) as [Appended["kind"], number];
    return { kind, index };
  }

  /** @returns false where a newer leader has written, or somebody has replaced the entry */
  async advance({ term, cluster, was, now, document }: Advance): Promise<boolean> {
    const keys = this.#keysOf(cluster);
    const how = document === undefined ? "keep" : document === "gone" ? "delete" : "set";
    const text = how === "set" ? JSON.stringify(document) : "";
    const [kind] = (await this.#redis.eval(
      advanceScript,
      keys.length,
      ...keys,
      ...[term, cluster, was.index, was.stored, JSON.stringify(now), how, text],
      ...[hasEnded(now) ? 1 : 0, remembered],
    )) as [string, number];
    return kind === "advanced";
  }

  /** Whether nobody of a later term has written. */
  async isCurrent(term: Term): Promise<boolean> {
    return Number((await this.#redis.get(this.#key("term"))) ?? 0) <= term;
  }

  async all(): Promise<Clusters> {
    const stored = Object.entries(await this.#redis.hgetall(this.#key("documents")));
    stored.sort(([a], [b]) => a.localeCompare(b));
    return new Map(stored.map(([id, text]) => [id, JSON.parse(text) as Cluster]));
  }

  async get(id: string): Promise<Cluster | undefined> {
    const text = await this.#redis.hget(this.#key("documents"), id);
    return text === null ? undefined : (JSON.parse(text) as Cluster);
  }

  /** Those with calls that have not ended. */
  async busy(): Promise<readonly string[]> {
    return await this.#redis.smembers(this.#key("busy"));
  }

  /** Calls that have not ended, in the order of the log. */
  async open(cluster: string, most: number): Promise<readonly OpenEntry[]> {
    const indices = await this.#redis.zrange(this.#key(`open:${cluster}`), 0, String(most - 1));
    return await this.#entriesAt(cluster, indices.map(Number));
  }

  /** How many have not ended. */
  async openCount(cluster: string): Promise<number> {
    return await this.#redis.zcard(this.#key(`open:${cluster}`));
  }

  /** The log index of the last call; 0 before the first. */
  async last(cluster: string): Promise<number> {
    return Number((await this.#redis.get(this.#key(`last:${cluster}`))) ?? 0);
  }

  async entry(cluster: string, index: number): Promise<LogEntry | undefined> {
    return (await this.#entriesAt(cluster, [index]))[0]?.entry;
  }

  /** The last ones, in the order of the log. */
  async entries(cluster: string, most: number): Promise<readonly OpenEntry[]> {
    const last = await this.last(cluster);
    const indices = Array.from({ length: Math.min(most, last) }, (_, at) => last - at);
    return await this.#entriesAt(cluster, indices.reverse());
  }

  async export(): Promise<readonly ClusterExport[]> {
    const clusters = [...(await this.all()).values()];
    return await Promise.all(
      clusters.map(async (cluster) => ({ cluster, last: await this.last(cluster.id) })),
    );
  }

  /** Those that are there already stay as they are. @returns the ids of the ones that were not */
  async import(exported: readonly ClusterExport[]): Promise<readonly string[]> {
    const taken: string[] = [];
    for (const { cluster, last } of exported) {
      const keys = [this.#key("documents"), this.#key(`last:${cluster.id}`)];
      const document = JSON.stringify(cluster);
      const words = [...keys, cluster.id, document, String(last)];
      if ((await this.#redis.eval(restoreScript, keys.length, ...words)) === 1) {
        taken.push(cluster.id);
      }
    }
    return taken;
  }

  /** Those of them that are kept. */
  async #entriesAt(cluster: string, indices: readonly number[]): Promise<readonly OpenEntry[]> {
    if (indices.length === 0) return [];
    const stored = await this.#redis.hmget(this.#key(`log:${cluster}`), ...indices.map(String));
    return stored.flatMap((text, at) => (text === null ? [] : [opened(indices[at] ?? 0, text)]));
  }

  /** All that a write touches but the client's key. */
  #keysOf(cluster: string): readonly string[] {
    const own = ["last", "log", "open"].map((part) => this.#key(`${part}:${cluster}`));
    return [this.#key("term"), this.#key("documents"), ...own, this.#key("busy")];
  }
}

const opened = (index: number, stored: string): OpenEntry => ({
  index,
  entry: JSON.parse(stored) as LogEntry,
  stored,
});

const unsaid = { text: "", before: "", after: "", endedAt: 0 } as const;

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

const fingerprint = (cluster: string, call: ClusterCall): string =>
  hashOf(JSON.stringify([cluster, call]));
