// Whether Redis is reachable: what this coordinator sees itself, and what a quorum says (design rule 12).

import type { Heartbeat } from "../../proto/messages.ts";
import { after, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";
import { quorumOf } from "../../proto/quorum.ts";

export type RedisState = Heartbeat["redis"];

/** What a peer said longer ago counts no more. */
const freshFor: Duration = 2_000;
/** Not to reach what others reach may be a hiccup for this long. */
const hiccup: Duration = 1_000;

export class RedisView {
  own: RedisState = "unknown";
  #coordinators: number;
  readonly #peers = new Map<CoordinatorId, { readonly state: RedisState; readonly at: Instant }>();
  #byQuorum: "reachable" | "unreachable" = "reachable";
  #cutOffSince: Instant | undefined;

  constructor(coordinators: number) {
    this.#coordinators = coordinators;
  }

  onMembers(ids: readonly CoordinatorId[]): void {
    this.#coordinators = ids.length;
    for (const peer of this.#peers.keys()) if (!ids.includes(peer)) this.#peers.delete(peer);
  }

  get byQuorum(): "reachable" | "unreachable" {
    return this.#byQuorum;
  }

  onOwn(state: "reachable" | "unreachable"): void {
    this.own = state;
  }

  onPeer(from: CoordinatorId, state: RedisState, now: Instant): void {
    this.#peers.set(from, { state, at: now });
  }

  /** Unreachable while a quorum says so, and until somebody of it reaches it again and fewer than a quorum do not. */
  judge(now: Instant): "reachable" | "unreachable" {
    const quorum = quorumOf(this.#coordinators);
    this.#byQuorum = this.#saying("unreachable", now) >= quorum ? "unreachable" : "reachable";
    const isCutOff = this.own === "unreachable" && this.#saying("reachable", now) > 0;
    if (!isCutOff) this.#cutOffSince = undefined;
    else this.#cutOffSince ??= now;
    return this.#byQuorum;
  }

  /** It cannot reach Redis while another can, and not only for a moment. */
  isCutOff(now: Instant): boolean {
    return this.#cutOffSince !== undefined && after(this.#cutOffSince, hiccup) <= now;
  }

  #saying(state: RedisState, now: Instant): number {
    let count = this.own === state ? 1 : 0;
    for (const peer of this.#peers.values()) {
      if (peer.state === state && after(peer.at, freshFor) > now) count++;
    }
    return count;
  }
}
