// What the API asks of clusters: calls, on the leader, and on any coordinator what they are and what their logs say.

import { randomUUID } from "node:crypto";
import type { Clock } from "../../agent/io/clock.ts";
import type {
  CallRow,
  ClusterRow,
  ClusterServiceRow,
  ClusterState,
  ClusterStats,
  ClusterView,
  LogEntryRow,
} from "../../proto/cluster-rest.ts";
import type { Term } from "../../proto/units.ts";
import type { Cluster, ClusterCall, Clusters } from "../core/clusters/cluster.ts";
import { coded } from "../errors.ts";
import type { ClusterExecutor } from "./executor.ts";
import type { ClusterHands } from "./hands.ts";
import type { Appended, ClusterExport, ClusterLog } from "./log.ts";
import type { SwarmHands } from "./swarm-hands.ts";
import {
  callRow,
  clusterRow,
  clusterView,
  entryRow,
  servicesView,
  stateView,
  statsView,
  type FoundCluster,
} from "./views.ts";

/** How long the answer to a call waits for its end. ms; below what a follower waits for the leader's answer. */
const answerWithin = 3_500;

export interface CallAsk {
  readonly cluster: string;
  readonly call: ClusterCall;
  readonly by: string;
  /** The client's Idempotency-Key; empty: none. */
  readonly key: string;
}

export type CallTold =
  | { readonly kind: "told"; readonly row: CallRow }
  | { readonly kind: Exclude<Appended["kind"], "appended" | "known">; readonly index: number };

/** Each rejects with HM_REDIS_UNAVAILABLE while Redis is away. */
export interface ClusterDesk {
  /** On the leader. Resolves once it stands durably in the log, and has ended or not within some seconds. */
  call(ask: CallAsk): Promise<CallTold>;
  list(): Promise<readonly ClusterRow[]>;
  /** As the next three: undefined where there is no such cluster. */
  get(id: string): Promise<ClusterView | undefined>;
  state(id: string): Promise<ClusterState | undefined>;
  stats(id: string): Promise<ClusterStats | undefined>;
  services(id: string): Promise<readonly ClusterServiceRow[] | undefined>;
  /** The last entries of one log, or of each, oldest first. */
  log(cluster: string | undefined, most: number): Promise<readonly LogEntryRow[]>;
  /** The desired state of all, as plain JSON. */
  export(): Promise<readonly ClusterExport[]>;
  /** Of those that are not there; the leader makes what they want. @returns their ids */
  import(exported: readonly ClusterExport[]): Promise<readonly string[]>;
}

export interface DeskAsk {
  readonly log: ClusterLog;
  readonly executor: ClusterExecutor;
  readonly engines: Pick<ClusterHands, "find">;
  readonly swarm: Pick<SwarmHands, "find">;
  readonly clock: Clock;
  readonly leads: () => Term | undefined;
  readonly loadOfEngine: (engine: string) => number | undefined;
}

export class Desk implements ClusterDesk {
  readonly #ask: DeskAsk;

  constructor(ask: DeskAsk) {
    this.#ask = ask;
  }

  async call({ cluster, call, by, key }: CallAsk): Promise<CallTold> {
    const { log, executor, leads, clock } = this.#ask;
    const term = leads();
    if (term === undefined) return { kind: "stale", index: 0 };
    const at = clock.wall();
    const first = call.kind === "create-cluster" ? firstOf(cluster, call, at) : undefined;
    const begun = { term, cluster, call, by, at, key, ...(first === undefined ? {} : { first }) };
    const { kind, index } = await unlessAway(log.append(begun));
    if (kind !== "appended" && kind !== "known") return { kind, index };
    executor.kick(cluster);
    const entry = await unlessAway(executor.ended(cluster, index, answerWithin));
    if (entry === undefined) return { kind: "missing", index };
    return { kind: "told", row: callRow(cluster, index, entry) };
  }

  async list(): Promise<readonly ClusterRow[]> {
    const clusters = await this.#all();
    return [...clusters.values()].map((cluster) => clusterRow(cluster, clusters));
  }

  get(id: string): Promise<ClusterView | undefined> {
    return this.#of(id, clusterView);
  }

  state(id: string): Promise<ClusterState | undefined> {
    return this.#of(id, async (cluster, clusters) => {
      const { log } = this.#ask;
      const found = await this.#find(cluster, clusters);
      const [open, last] = await unlessAway(Promise.all([log.openCount(id), log.last(id)]));
      const services = servicesView(cluster, found, clusters);
      return stateView(cluster, services, { last_index: last, open });
    });
  }

  stats(id: string): Promise<ClusterStats | undefined> {
    return this.#of(id, async (cluster, clusters) => {
      const { loadOfEngine: loadOf, clock } = this.#ask;
      const found = await this.#find(cluster, clusters);
      return statsView(cluster, found, clusters, { loadOf, at: clock.wall() });
    });
  }

  services(id: string): Promise<readonly ClusterServiceRow[] | undefined> {
    return this.#of(id, async (cluster, clusters) =>
      servicesView(cluster, await this.#find(cluster, clusters), clusters),
    );
  }

  async log(cluster: string | undefined, most: number): Promise<readonly LogEntryRow[]> {
    const ids = cluster === undefined ? [...(await this.#all()).keys()] : [cluster];
    const logs = await unlessAway(
      Promise.all(
        ids.map(async (id) => {
          const entries = await this.#ask.log.entries(id, most);
          return entries.map(({ index, entry }) => entryRow(id, index, entry));
        }),
      ),
    );
    return logs.flat();
  }

  export(): Promise<readonly ClusterExport[]> {
    return unlessAway(this.#ask.log.export());
  }

  import(exported: readonly ClusterExport[]): Promise<readonly string[]> {
    return unlessAway(this.#ask.log.import(exported));
  }

  #all(): Promise<Clusters> {
    return unlessAway(this.#ask.log.all());
  }

  async #of<View>(
    id: string,
    view: (cluster: Cluster, clusters: Clusters) => View | Promise<View>,
  ): Promise<View | undefined> {
    const clusters = await this.#all();
    const cluster = clusters.get(id);
    return cluster === undefined ? undefined : await view(cluster, clusters);
  }

  async #find(cluster: Cluster, clusters: Clusters): Promise<FoundCluster> {
    const { engines, swarm } = this.#ask;
    if (cluster.kind === "swarm") {
      return { engines: [], parts: await swarm.find(cluster), below: new Map() };
    }
    const below = cluster.nodes.flatMap(({ place }) => {
      const child = place.kind === "cluster" ? clusters.get(place.cluster) : undefined;
      return child === undefined ? [] : [child];
    });
    const [own, ...children] = await Promise.all([
      engines.find(cluster),
      ...below.map((child) => this.#find(child, clusters)),
    ]);
    const told = children.map((one, at): [string, FoundCluster] => [below[at]?.id ?? "", one]);
    return { engines: own, parts: [], below: new Map(told) };
  }
}

const firstOf = (
  id: string,
  { swarm, engine }: Extract<ClusterCall, { kind: "create-cluster" }>,
  createdAt: number,
): Cluster => ({
  id,
  birth: randomUUID(),
  kind: swarm ? "swarm" : "engines",
  engine,
  createdAt,
  isDeleting: false,
  rebalancedAt: 0,
  nodes: [],
  services: [],
});

/** Of this log nothing but Redis can fail. */
async function unlessAway<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw coded("HM_REDIS_UNAVAILABLE", `the log of clusters: ${why}`, error);
  }
}
