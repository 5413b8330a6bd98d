// The laws of elections as their own tests have them, at the datagrams of a run; and that nobody stands whom no quorum would vote for.

import type { Ballot } from "../../coordinator/core/election.ts";
import type { ElectionMessage } from "../../proto/messages.ts";
import type { CoordinatorId } from "../../proto/units.ts";
import { Laws } from "../coordinator/core/election-laws.ts";
import type { SimCluster } from "./cluster.ts";

/** A pre-vote counts for half a second at whoever asked for it, who may have slept, and whose datagrams may come late. */
const preVoteHolds = 20_000;

export class ElectionWatch extends Laws {
  readonly #cluster: SimCluster;
  readonly #record: (holds: boolean, what: string) => void;
  readonly #countOf: (id: CoordinatorId) => number;
  /** Who granted each a pre-vote, and when. */
  readonly #granted = new Map<CoordinatorId, Map<CoordinatorId, number>>();

  /** @param countOf how many coordinators there are, as one of them knows */
  constructor(
    cluster: SimCluster,
    record: (holds: boolean, what: string) => void,
    countOf: (id: CoordinatorId) => number,
  ) {
    super(() => "");
    this.#cluster = cluster;
    this.#record = record;
    this.#countOf = countOf;
  }

  override must(holds: boolean, what: string): void {
    this.#record(holds, what);
  }

  override onSent(
    from: CoordinatorId,
    to: CoordinatorId,
    message: ElectionMessage,
    durable: Ballot | "lost",
  ): void {
    super.onSent(from, to, message, durable);
    const { now } = this.#cluster.world;
    if (message.kind === "pre-vote-answer" && message.granted) {
      const grants = this.#granted.get(to) ?? new Map<CoordinatorId, number>();
      this.#granted.set(to, grants.set(from, now));
    }
    if (message.kind !== "vote" || message.handover > 0) return;
    const grants = [...(this.#granted.get(from)?.values() ?? [])];
    const fresh = grants.filter((at) => now - at < preVoteHolds).length;
    const needed = Math.floor(this.#countOf(from) / 2);
    this.must(
      fresh >= needed,
      `${from} stands in term ${message.term}, for whom ${fresh} of ${needed} others would vote`,
    );
  }
}
