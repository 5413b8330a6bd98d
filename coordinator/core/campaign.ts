// One asking for pre-votes or votes: who granted, whom to ask again and when, and when to give it up.

import { after, elapsed, earliest } from "../../proto/units.ts";
import type { CoordinatorId, Duration, Instant, Term } from "../../proto/units.ts";
import type { Peer } from "./peer.ts";

export interface CampaignTerms {
  readonly kind: "pre-vote" | "vote";
  /** Answers to rounds before this one belong to an earlier campaign. */
  readonly firstRound: number;
  /** Grants needed besides the own one. */
  readonly needed: number;
  /** Of a vote: the term whose leader handed over; 0 when none. */
  readonly handover: Term;
  /** When a vote that is not won is given up; pre-votes are asked for until a leader is heard. */
  readonly giveUpAt: Instant | undefined;
  /** A grant older than this is forgotten: whoever gave it may have promised since. */
  readonly grantLasts: Duration;
}

export class Campaign {
  readonly terms: CampaignTerms;
  readonly #begunAt: Instant;
  readonly #granted = new Map<CoordinatorId, Instant>();
  readonly #askAt = new Map<CoordinatorId, Instant>();
  #holdUntil: Instant | undefined;

  constructor(terms: CampaignTerms, now: Instant) {
    this.terms = terms;
    this.#begunAt = now;
  }

  onGranted(by: CoordinatorId, now: Instant): void {
    this.#granted.set(by, now);
  }

  /** Another one asks too: let it go first. */
  holdBack(until: Instant): void {
    this.#holdUntil = until;
  }

  isWon(now: Instant): boolean {
    if (this.#holdUntil !== undefined && now < this.#holdUntil) return false;
    this.#holdUntil = undefined;
    let fresh = 0;
    for (const at of this.#granted.values()) {
      if (elapsed(at, now) <= this.terms.grantLasts) fresh++;
    }
    return fresh >= this.terms.needed;
  }

  isGivenUp(now: Instant): boolean {
    return this.terms.giveUpAt !== undefined && now >= this.terms.giveUpAt;
  }

  /**
   * Whom to ask now: those whose grant is missing or half spent. Refusals are asked again too, since promises run out.
   * After `patience` without success the asking slows to `slow`.
   */
  due(peers: Iterable<Peer>, now: Instant, patience: Duration, slow: Duration): readonly Peer[] {
    const due: Peer[] = [];
    for (const peer of peers) {
      const askAt = this.#askAt.get(peer.id);
      if (askAt !== undefined && now < askAt) continue;
      const grantedAt = this.#granted.get(peer.id);
      const renewAt =
        grantedAt === undefined ? undefined : after(grantedAt, this.terms.grantLasts / 2);
      if (renewAt !== undefined && now < renewAt) {
        this.#askAt.set(peer.id, renewAt);
        continue;
      }
      const pause = elapsed(this.#begunAt, now) > patience ? slow : peer.resendAfter();
      this.#askAt.set(peer.id, after(now, pause));
      due.push(peer);
    }
    return due;
  }

  nextDeadline(): Instant | undefined {
    let first = earliest(this.terms.giveUpAt, this.#holdUntil);
    for (const at of this.#askAt.values()) first = earliest(first, at);
    return first;
  }
}
