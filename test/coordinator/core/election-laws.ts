// What must never happen in an election, checked at every step: two leases at once, two leaders of a term, two votes in one.

import type { Ballot } from "../../../coordinator/core/election.ts";
import type { ElectionMessage } from "../../../proto/messages.ts";
import type { CoordinatorId, Term } from "../../../proto/units.ts";

export class Laws {
  /** Said of a breach before what it was: the seed and the time. */
  readonly #where: () => string;
  readonly #votes = new Map<string, CoordinatorId>();
  readonly #leaders = new Map<Term, CoordinatorId>();
  #highestLease = 0;

  constructor(where: () => string) {
    this.#where = where;
  }

  must(holds: boolean, what: string): void {
    if (!holds) throw new Error(`${this.#where()}: ${what}`);
  }

  /** Whoever holds a lease at this instant. */
  onLeases(holders: readonly { readonly id: CoordinatorId; readonly term: Term }[]): void {
    const [holder, other] = holders;
    if (holder === undefined) return;
    this.must(other === undefined, `${holder.id} and ${other?.id ?? ""} both hold a lease`);
    this.must(
      holder.term >= this.#highestLease,
      `a lease of term ${holder.term} after a later one`,
    );
    this.#highestLease = holder.term;
  }

  onLeader(id: CoordinatorId, term: Term): void {
    const known = this.#leaders.get(term);
    this.must(
      known === undefined || known === id,
      `term ${term} is led by ${id} and ${known ?? ""}`,
    );
    this.#leaders.set(term, id);
  }

  onSent(
    from: CoordinatorId,
    to: CoordinatorId,
    message: ElectionMessage,
    durable: Ballot | "lost",
  ): void {
    switch (message.kind) {
      case "heartbeat":
        this.must(Number.isInteger(message.promise), "a promise that does not travel as it is");
        break;
      case "vote":
        this.#onVote(from, from, message.term, durable);
        break;
      case "vote-answer":
        if (message.granted) this.#onVote(from, to, message.term, durable);
        break;
      default:
    }
  }

  /**
   * Its votes in terms that others know stay its votes (two leaders of a term would show that); one that nobody else
   * heard of can neither win any more nor be known.
   */
  onDiskLost(id: CoordinatorId): void {
    for (const key of this.#votes.keys()) if (key.startsWith(`${id}:`)) this.#votes.delete(key);
  }

  #onVote(
    voter: CoordinatorId,
    candidate: CoordinatorId,
    term: Term,
    durable: Ballot | "lost",
  ): void {
    const isDurable =
      durable !== "lost" &&
      (durable.term > term || (durable.term === term && durable.votedFor === candidate));
    this.must(isDurable, `${voter} told its vote of term ${term} before it was durable`);
    const key = `${voter}:${term}`;
    const known = this.#votes.get(key) ?? candidate;
    this.must(known === candidate, `${voter} votes for ${candidate} and ${known} in term ${term}`);
    this.#votes.set(key, candidate);
  }
}
