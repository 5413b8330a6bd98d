// The other coordinators together, and the counter of what is sent to them.

import { earliest, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";
import type { Heartbeat } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import type { ElectionConfig } from "./election-shape.ts";
import { Peer, type PeerView } from "./peer.ts";

const redisOrder: Record<Heartbeat["redis"], number> = { reachable: 0, unknown: 1, unreachable: 2 };

export class Peers {
  readonly #peers: ReadonlyMap<CoordinatorId, Peer>;
  #round: number;

  constructor(config: ElectionConfig, random: Random, now: Instant) {
    const others = config.members.filter((member) => member !== config.id);
    this.#peers = new Map(others.map((other) => [other, new Peer(other, config, now)]));
    // Rounds of two lives of one coordinator must not meet.
    this.#round = random.below(2 ** 31);
  }

  /** The round that the next message gets. */
  get round(): number {
    return this.#round;
  }

  nextRound(): number {
    return this.#round++;
  }

  get(id: CoordinatorId): Peer | undefined {
    return this.#peers.get(id);
  }

  all(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  views(now: Instant): readonly PeerView[] {
    return this.all().map((peer) => peer.view(now));
  }

  /** Of those who are heard; 0 when none is. */
  slowestRoundTrip(now: Instant): Duration {
    const heard = this.all().filter((peer) => peer.isHeard(now));
    return Math.max(0, ...heard.map((peer) => peer.view(now).roundTrip));
  }

  /** Among those heard and fit: who reaches Redis first, then who was heard last; empty when there is none. */
  successor(now: Instant): CoordinatorId {
    const candidates = this.all()
      .filter((peer) => peer.isHeard(now))
      .map((peer) => peer.view(now))
      .filter((view) => view.fit)
      .sort((a, b) => redisOrder[a.redis] - redisOrder[b.redis] || a.heardAgo - b.heardAgo);
    return candidates[0]?.id ?? "";
  }

  nextBeatAt(): Instant | undefined {
    return earliest(...this.all().map((peer) => peer.nextBeatAt));
  }
}
