// The follower's side of an election: which votes and promises this coordinator gives, and what it must save first.

import { limits } from "../../proto/limits.ts";
import type { Heartbeat, SetStamp, Vote } from "../../proto/messages.ts";
import { after, earliest, term } from "../../proto/units.ts";
import type { CoordinatorId, Duration, Instant, Term } from "../../proto/units.ts";
import { diskRetry, type ElectionConfig } from "./election-shape.ts";
import { promiseOf } from "./lease.ts";
import { compareStamps, type Members, type MemberSet } from "./member-set.ts";
import { Pledge } from "./pledge.ts";
import { VoteBook, type Ballot } from "./vote-book.ts";

/** `ballot`: to be durable before the grant is told; undefined when nothing changed. */
export type Grant =
  { readonly granted: false } | { readonly granted: true; readonly ballot: Ballot | undefined };

const refused: Grant = { granted: false };

export class Voter {
  readonly #id: CoordinatorId;
  readonly #leaderTimeout: Duration;
  readonly #members: Members;
  readonly #book: VoteBook;
  readonly #pledge: Pledge;
  #retryAt: Instant | undefined;

  constructor(config: ElectionConfig, members: Members, durable: Ballot | "lost", now: Instant) {
    const { id, leaderTimeout } = config;
    this.#id = id;
    this.#leaderTimeout = leaderTimeout;
    this.#members = members;
    this.#book = new VoteBook(durable, promiseOf(leaderTimeout));
    // Alone nobody else could have been promised anything.
    if (members.isAlone) this.#pledge = Pledge.free();
    // T covers the longest promise as well as the longest candidacy that a forgotten vote may still help.
    else if (durable === "lost") this.#pledge = Pledge.afterLoss(after(now, leaderTimeout));
    else this.#pledge = Pledge.afterStart(after(now, durable.longestPromise));
  }

  get term(): Term {
    return this.#book.term;
  }

  /** Why it can vote for nobody, whatever the time; empty when it can. */
  get obstacle(): string {
    if (this.#book.failure !== "") return `its vote cannot be saved: ${this.#book.failure}`;
    if (this.#pledge.isLost)
      return "its saved vote is lost and the others' terms are not known yet";
    return "";
  }

  get isDiskFailing(): boolean {
    return this.#book.failure !== "";
  }

  get isLost(): boolean {
    return this.#pledge.isLost;
  }

  /** Of the set of coordinators that is durable here. */
  get savedStamp(): SetStamp {
    return this.#book.savedStamp;
  }

  /** A restart would begin with the set that counts. */
  get isSetSaved(): boolean {
    return compareStamps(this.savedStamp, this.#members.set.stamp) === 0;
  }

  /** The ballot to save before the set counts. What was asked of the old set after a lost disk is asked anew. */
  keepSet(set: MemberSet, now: Instant): Ballot {
    if (this.#pledge.isLost) this.#pledge.onJump(after(now, this.#leaderTimeout));
    return this.#book.keepSet(set);
  }

  raise(to: Term): void {
    this.#book.raise(to);
  }

  isPromised(now: Instant): boolean {
    return this.#pledge.isPromised(now);
  }

  /** Whether a vote, its own included, may be given now. */
  mayVote(now: Instant): boolean {
    return this.#book.failure === "" && this.#pledge.mayVote(now);
  }

  /** When the clock alone lets it vote again; undefined when the clock is not what it waits for. */
  freeAt(now: Instant): Instant | undefined {
    return this.#pledge.freeAt(now);
  }

  grantsPreVote(forTerm: Term, now: Instant): boolean {
    return forTerm > this.term && this.mayVote(now);
  }

  /** A refusal changes nothing, so that a candidate whom a quorum's promises bar disturbs nobody. */
  grantVote(to: CoordinatorId, m: Vote, now: Instant): Grant {
    if (m.term < this.term || this.#book.failure !== "") return refused;
    if (m.handover > 0 && m.handover < m.term) this.#pledge.release(m.handover);
    if (!this.#pledge.mayVote(now)) return refused;
    this.#book.raise(m.term);
    if (!this.#book.canVoteFor(to)) return refused;
    return { granted: true, ballot: this.#book.vote(to) };
  }

  /** Its own vote in the term after the highest known. */
  stand(): Ballot | undefined {
    this.#book.raise(term(this.term + 1));
    return this.#book.vote(this.#id);
  }

  /** Whether a leader's heartbeat is neither repeated, nor overtaken, nor of a leader that gave up. */
  isNews(m: Heartbeat): boolean {
    if (m.term < this.term || this.#pledge.hasEnded(m.term)) return false;
    return this.#pledge.isNewer(m.term, m.round);
  }

  /** While the terms are unknown nothing is promised: it could support a leader that was already succeeded. */
  promise(m: Heartbeat, now: Instant): Grant {
    if (this.#pledge.isLost || m.promise > limits.promise) return refused;
    const mustSave = !this.#book.covers(m.promise);
    if (mustSave && this.#book.failure !== "") return refused;
    this.#pledge.give(m.term, m.round, m.promise, now);
    return { granted: true, ballot: mustSave ? this.#book.promise(m.promise) : undefined };
  }

  /** The leader of `ended` ended its lease for good. @returns whether that is news. */
  release(ended: Term): boolean {
    const isNews = !this.#pledge.hasEnded(ended);
    this.#pledge.release(ended);
    return isNews;
  }

  onJump(now: Instant): void {
    if (this.#members.isAlone) return;
    const longest = this.#book.longestPromise;
    this.#pledge.onJump(
      after(now, this.#pledge.isLost ? Math.max(this.#leaderTimeout, longest) : longest),
    );
  }

  /** @returns `ask` when the others must be asked for their terms now, beginning with `nextRound`. */
  onTick(now: Instant, nextRound: number): "ask" | undefined {
    const waited = this.#pledge.onWaited(now, nextRound);
    if (waited === "former-ended") this.#book.onFormerPromisesEnded(this.#pledge.longestGiven);
    return waited === "ask" ? "ask" : undefined;
  }

  /**
   * An answer to what was sent in `round`, its term already raised to. Once enough have answered, the term that they
   * know is closed for its vote: it may have been given in it.
   * @returns the ballot to save when that is so.
   */
  onAnswered(by: CoordinatorId, round: number): Ballot | undefined {
    const isKnown = this.#pledge.onAnswered(by, round, this.#toHear());
    return isKnown ? this.#book.vote(this.#id) : undefined;
  }

  /**
   * Others to be heard after a lost disk: n − q + 1, so that they share a member with the other q − 1 of any quorum
   * that this coordinator's forgotten vote may have completed. Both of the two others in a trio.
   */
  #toHear(): number {
    return this.#members.ids.length - this.#members.quorum + 1;
  }

  onDiskFailed(reason: string, now: Instant): void {
    this.#book.onFailed(reason);
    this.#retryAt = after(now, diskRetry);
  }

  /** @returns whether it had failed. */
  onDiskRepaired(): boolean {
    const hadFailed = this.#book.failure !== "";
    this.#book.onRepaired();
    this.#retryAt = undefined;
    return hadFailed;
  }

  /** A failed disk is tried again now and then. */
  retry(now: Instant): Ballot | undefined {
    if (this.#retryAt === undefined || now < this.#retryAt) return undefined;
    this.#retryAt = after(now, diskRetry);
    return this.#book.save();
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#pledge.waitDeadline(), this.#retryAt);
  }
}
