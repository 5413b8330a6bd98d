// The term and the one vote in it: what is on disk, what must be before the next datagram, and whether the disk still takes it.

import type { SetStamp } from "../../proto/messages.ts";
import { term, type CoordinatorId, type Duration, type Term } from "../../proto/units.ts";
import { seedStamp, type MemberSet } from "./member-set.ts";

/** What must survive a crash. */
export interface Ballot {
  readonly term: Term;
  /** Empty: nobody. */
  readonly votedFor: CoordinatorId;
  /** The longest promise ever given or asked, ms, so that a restarted coordinator waits it out. */
  readonly longestPromise: Duration;
  /** The set of coordinators; left out as long as it is the configured one. */
  readonly set?: MemberSet;
}

/**
 * A saving is taken for done as soon as its ballot was handed out (the caller performs it before anything behind it)
 * and is undone by `onFailed`. A term that was only heard of is not saved: whoever led it was elected by a quorum
 * that saved it, and the steady state must not wait for a disk.
 */
export class VoteBook {
  #term: Term;
  #votedFor: CoordinatorId;
  #saved = true;
  #longestOnDisk: Duration;
  /** The longest promise that may still run: of former lives until they are waited out, and of this one. */
  #longest: Duration;
  #failure = "";
  readonly #ownPromise: Duration;
  #set: MemberSet | undefined;
  #isSetSaved: boolean;

  constructor(durable: Ballot | "lost", ownPromise: Duration) {
    this.#term = durable === "lost" ? term(0) : durable.term;
    this.#votedFor = durable === "lost" ? "" : durable.votedFor;
    this.#longestOnDisk = durable === "lost" ? 0 : durable.longestPromise;
    this.#longest = Math.max(this.#longestOnDisk, ownPromise);
    this.#ownPromise = ownPromise;
    this.#set = durable === "lost" ? undefined : durable.set;
    this.#isSetSaved = this.#set !== undefined;
  }

  get term(): Term {
    return this.#term;
  }

  get longestPromise(): Duration {
    return this.#longest;
  }

  /** Why the disk takes nothing; empty when it does. */
  get failure(): string {
    return this.#failure;
  }

  /** Of the set that a restart would begin with, as far as it is not the configured one. */
  get savedStamp(): SetStamp {
    return this.#isSetSaved && this.#set !== undefined ? this.#set.stamp : seedStamp;
  }

  /** The ballot to save before this set counts. */
  keepSet(set: MemberSet): Ballot {
    this.#set = set;
    return this.save();
  }

  /** A higher term was heard of; in it no vote was given. */
  raise(to: Term): void {
    if (to <= this.#term) return;
    this.#term = to;
    this.#votedFor = "";
    this.#saved = false;
  }

  canVoteFor(id: CoordinatorId): boolean {
    return this.#failure === "" && (this.#votedFor === "" || this.#votedFor === id);
  }

  /** The vote of this term goes to `id`. The ballot to save first; undefined when it is saved already. */
  vote(id: CoordinatorId): Ballot | undefined {
    if (this.#votedFor === id && this.#saved) return undefined;
    this.#votedFor = id;
    return this.save();
  }

  /** Whether a restart would wait out a promise of this length. */
  covers(length: Duration): boolean {
    return length <= this.#longestOnDisk;
  }

  /** A promise that is not covered is about to be given: the ballot to save first. */
  promise(length: Duration): Ballot {
    this.#longest = Math.max(this.#longest, length);
    return this.save();
  }

  /** What earlier lives promised has ended, so that a later restart need not wait for it again. */
  onFormerPromisesEnded(longestOfThisLife: Duration): void {
    this.#longest = Math.max(this.#ownPromise, longestOfThisLife);
  }

  save(): Ballot {
    this.#saved = true;
    this.#longestOnDisk = this.#longest;
    this.#isSetSaved = this.#set !== undefined;
    return {
      term: this.#term,
      votedFor: this.#votedFor,
      longestPromise: this.#longest,
      ...(this.#set !== undefined && { set: this.#set }),
    };
  }

  /** The vote stays given in memory (the write may have reached the disk after all); it is not to be told again unsaved. */
  onFailed(reason: string): void {
    this.#failure = reason === "" ? "the disk took no write" : reason;
    this.#saved = false;
    this.#longestOnDisk = 0;
    this.#isSetSaved = false;
  }

  onRepaired(): void {
    this.#failure = "";
  }
}
