// What keeps a coordinator from voting: a promise to a leader, promises of a former life, a lost disk.

import {
  after,
  term,
  type CoordinatorId,
  type Duration,
  type Instant,
  type Term,
} from "../../proto/units.ts";

/**
 * `former`: promises given before a restart or a jump of the clock may still run. `lost`: the disk is lost or damaged,
 * so this coordinator may have voted in any term up to the highest that the mesh knows.
 */
type Wait =
  | { readonly kind: "none" }
  | { readonly kind: "former"; readonly until: Instant }
  | { readonly kind: "lost"; readonly until: Instant }
  | { readonly kind: "asking"; readonly fromRound: number; readonly heard: Set<CoordinatorId> };

export class Pledge {
  #until: Instant | undefined;
  #promisedTerm = term(0);
  #promisedRound = 0;
  /** Leaders of this and of lower terms have ended their leases for good. */
  #releasedTerm = term(0);
  #wait: Wait;
  /** The longest promise given since the start. */
  #longestGiven: Duration = 0;

  private constructor(wait: Wait) {
    this.#wait = wait;
  }

  static afterStart(until: Instant): Pledge {
    return new Pledge({ kind: "former", until });
  }
  static afterLoss(until: Instant): Pledge {
    return new Pledge({ kind: "lost", until });
  }
  static free(): Pledge {
    return new Pledge({ kind: "none" });
  }

  get longestGiven(): Duration {
    return this.#longestGiven;
  }

  /** The terms are unknown: neither vote nor promise. */
  get isLost(): boolean {
    return this.#wait.kind === "lost" || this.#wait.kind === "asking";
  }

  isPromised(now: Instant): boolean {
    return this.#until !== undefined && now < this.#until;
  }

  isWaiting(now: Instant): boolean {
    return this.isLost || (this.#wait.kind === "former" && now < this.#wait.until);
  }

  mayVote(now: Instant): boolean {
    return !this.isPromised(now) && !this.isWaiting(now);
  }

  /** When it may vote again as far as the clock decides it; undefined when it may, or when answers decide. */
  freeAt(now: Instant): Instant | undefined {
    let at: Instant | undefined = this.isPromised(now) ? this.#until : undefined;
    const wait = this.#wait;
    if ((wait.kind === "former" || wait.kind === "lost") && wait.until > (at ?? now))
      at = wait.until;
    return at;
  }

  hasEnded(of: Term): boolean {
    return of <= this.#releasedTerm;
  }

  /** Whether a heartbeat of this term and round says anything new; repeated and overtaken ones do not. */
  isNewer(of: Term, round: number): boolean {
    return of > this.#promisedTerm || (of === this.#promisedTerm && round > this.#promisedRound);
  }

  give(of: Term, round: number, length: Duration, now: Instant): void {
    const until = after(now, length);
    if (this.#until === undefined || this.#until < until) this.#until = until;
    this.#promisedTerm = of;
    this.#promisedRound = round;
    this.#longestGiven = Math.max(this.#longestGiven, length);
  }

  /**
   * The leader of `ended` ended its lease. That voids the promises of lower terms too: it was elected, so a quorum was free
   * of them, and that quorum's higher term lets nobody gather them again. Promises of a former life are waited out all
   * the same: their terms are not known.
   */
  release(ended: Term): void {
    if (ended > this.#releasedTerm) this.#releasedTerm = ended;
    if (this.#promisedTerm <= ended) this.#until = undefined;
  }

  /** The clock cannot be trusted: whatever was promised is counted from now on anew. */
  onJump(until: Instant): void {
    if (this.isLost) this.#wait = { kind: "lost", until };
    else this.#wait = { kind: "former", until };
  }

  /** What must be waited out has been: "former" is over, a lost disk begins to ask. */
  onWaited(now: Instant, nextRound: number): "former-ended" | "ask" | undefined {
    const wait = this.#wait;
    if (wait.kind === "none" || wait.kind === "asking" || now < wait.until) return undefined;
    if (wait.kind === "former") {
      this.#wait = { kind: "none" };
      return "former-ended";
    }
    this.#wait = { kind: "asking", fromRound: nextRound, heard: new Set() };
    return "ask";
  }

  waitDeadline(): Instant | undefined {
    return this.#wait.kind === "former" || this.#wait.kind === "lost"
      ? this.#wait.until
      : undefined;
  }

  /**
   * An answer to something sent in `round`. Answers to what was sent before the wait had passed do not count: a candidate that this
   * coordinator voted for in its former life could win after them.
   * @returns whether enough others were heard to know every term that may have been voted in.
   */
  onAnswered(by: CoordinatorId, round: number, needed: number): boolean {
    const wait = this.#wait;
    if (wait.kind !== "asking" || round < wait.fromRound) return false;
    wait.heard.add(by);
    if (wait.heard.size < needed) return false;
    this.#wait = { kind: "none" };
    return true;
  }
}
