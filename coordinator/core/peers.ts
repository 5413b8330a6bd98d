// The other coordinators together, and the counter of what is sent to them.

import { earliest, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";
import type { Heartbeat } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import type { ElectionConfig } from "./election-shape.ts";
import type { Members } from "./member-set.ts";
import { Peer, type PeerView } from "./peer.ts";

const redisOrder: Record<Heartbeat["redis"], number> = { reachable: 0, unknown: 1, unreachable: 2 };

export class Peers {
  readonly #config: ElectionConfig;
  readonly #members: Members;
  readonly #peers = new Map<CoordinatorId, Peer>();
  #round: number;

  constructor(config: ElectionConfig, members: Members, random: Random, now: Instant) {
    this.#config = config;
    this.#members = members;
    this.sync(now);
    // Rounds of two lives of one coordinator must not meet.
    this.#round = random.below(2 ** 31);
  }

  /** The set changed. What is known of those who stay is kept. */
  sync(now: Instant): void {
    for (const id of this.#peers.keys()) if (!this.#members.has(id)) this.#peers.delete(id);
    for (const id of this.#members.ids) {
      if (id === this.#members.self || this.#peers.has(id)) continue;
      this.#peers.set(id, new Peer(id, this.#config, now));
    }
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

  /** Some answer, and none sends heartbeats: they have another set, without this coordinator. */
  countUsOut(now: Instant): boolean {
    const all = this.all();
    return all.some((peer) => peer.isHeard(now)) && !all.some((peer) => peer.beats);
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
    let first: Instant | undefined;
    for (const peer of this.#peers.values()) first = earliest(first, peer.nextBeatAt);
    return first;
  }
}
