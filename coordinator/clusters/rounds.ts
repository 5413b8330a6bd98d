// The leader's rounds: every node's engine is asked whether it is there, so that a dead one is noticed and one that is back too.

import type { Clock } from "../../agent/io/clock.ts";
import type { Cluster, ClusterCall, ClusterNode, Clusters } from "../core/clusters/cluster.ts";
import { nodeGrace, NodeWatch } from "../core/clusters/node-watch.ts";
import { mapBounded } from "../docker/map-bounded.ts";
import type { ClusterHands } from "./hands.ts";

/** ms */
const askEvery = 2_000;
const atOnce = 8;

export class Rounds {
  readonly #hands: Pick<ClusterHands, "ping">;
  readonly #clock: Clock;
  /** Load average per processor, by the engine's name; 0 where nobody tells. */
  readonly #loadOfEngine: (engine: string) => number;
  readonly #watch = new NodeWatch();
  /** Of nodes that have answered in the last round: their engine. */
  readonly #engines = new Map<string, string>();
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(ask: {
    readonly hands: Pick<ClusterHands, "ping">;
    readonly clock: Clock;
    readonly loadOfEngine: (engine: string) => number;
  }) {
    this.#hands = ask.hands;
    this.#clock = ask.clock;
    this.#loadOfEngine = ask.loadOfEngine;
  }

  /** In the background, where the last round is over and some time ago. */
  begin(clusters: Clusters): void {
    const now = this.#clock.now();
    if (this.#isAsking || now - this.#askedAt < askEvery) return;
    this.#askedAt = now;
    this.#isAsking = true;
    const nodes = [...clusters.values()].flatMap((cluster) =>
      cluster.nodes
        .filter(({ place, state }) => place.kind !== "cluster" && state !== "leaving")
        .map((node) => ({ cluster, node })),
    );
    void mapBounded(nodes, atOnce, ({ cluster, node }) => this.#askOne(cluster, node)).finally(
      () => {
        this.#isAsking = false;
      },
    );
  }

  /** Another leads. */
  clear(): void {
    this.#watch.clear();
    this.#engines.clear();
  }

  loadOf(cluster: string, node: string): number {
    const engine = this.#engines.get(keyOf(cluster, node));
    return engine === undefined ? 0 : this.#loadOfEngine(engine);
  }

  isSilent(cluster: string, node: string): boolean {
    return this.#watch.isSilent(keyOf(cluster, node));
  }

  isDead(cluster: string, node: string): boolean {
    return this.#watch.isDead(keyOf(cluster, node), this.#clock.now());
  }

  /** What its log has to be told of its nodes. */
  newsOf(cluster: Cluster): ClusterCall | undefined {
    for (const { id, state, place } of cluster.nodes) {
      if (place.kind === "cluster") continue;
      if (state === "joined" && this.isDead(cluster.id, id)) {
        const reason = `its engine has not answered for ${nodeGrace / 1000} s`;
        return { kind: "node-lost", node: id, reason };
      }
      if (state === "lost" && this.#engines.has(keyOf(cluster.id, id))) {
        return { kind: "node-back", node: id };
      }
    }
    return undefined;
  }

  async #askOne(cluster: Cluster, node: ClusterNode): Promise<void> {
    const key = keyOf(cluster.id, node.id);
    try {
      const engine = await this.#hands.ping(cluster, node);
      this.#watch.onAnswered(key);
      this.#engines.set(key, engine);
    } catch {
      this.#watch.onUnanswered(key, this.#clock.now());
      this.#engines.delete(key);
    }
  }
}

const keyOf = (cluster: string, node: string): string => `${cluster}/${node}`;
