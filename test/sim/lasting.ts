// Faults that last: each ends after its time, or when all is healed.

import type { SimCluster } from "./cluster.ts";

type Link = readonly [from: string, to: string];

export class Lasting {
  readonly #cluster: SimCluster;
  /** What ends each that is under way. */
  readonly #ends = new Set<() => void>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  /** @returns what ends it at once */
  start(ms: number, heal: () => void): () => void {
    const end = (): void => {
      if (this.#ends.delete(end)) heal();
    };
    this.#ends.add(end);
    this.#cluster.world.after(ms, end);
    return end;
  }

  /** One way, or both. */
  cut(one: Link, other: Link | undefined, ms: number): () => void {
    const { network } = this.#cluster;
    const links = other === undefined ? [one] : [one, other];
    for (const [from, to] of links) network.cut(from, to);
    return this.start(ms, () => {
      for (const [from, to] of links) network.heal(from, to);
    });
  }

  endAll(): void {
    for (const end of [...this.#ends]) end();
  }
}
