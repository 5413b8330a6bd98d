// What must be remembered of one worker whoever leads: its token, its tries, its recoveries, quarantine and silence.
//
// The record with the highest (term, epoch) wins. Everything that takes something back (a quarantine that ends, a
// silence that is lifted, a new recovery) raises the epoch; what is added under one token only grows (more tries, one
// more recovery, quarantined), so that two records of the same token can be joined in any order with the same result.
// News of a job can run ahead of the gossip: until that has caught up, only what it last said is passed on.

import { limits } from "../../proto/limits.ts";
import type { GossipRecord } from "../../proto/messages.ts";
import {
  after,
  elapsed,
  term,
  type Duration,
  type Instant,
  type Term,
  type WorkerId,
} from "../../proto/units.ts";
import type { Token } from "./job.ts";

/** Begins that differ by less are one begin, told by way of two coordinators. */
const sameBegin = 1_000;

export class WorkerRecord {
  readonly worker: WorkerId;
  #term: Term = term(0);
  #epoch = 0;
  /** No epoch at or below it is ever given out again, whatever its term was. */
  #highestEpoch = 0;
  #tries = 0;
  /** The recovery of this token is known to be over, so that a straggler's tries are not taken for ours. */
  #finished = false;
  /** Begins of recoveries, oldest first; at most `limits.revivalsRemembered`. */
  #revivals: readonly Instant[] = [];
  #quarantinedAt: Instant | undefined;
  #silencedUntil: Instant | undefined;
  #silenceReason = "";
  /** Set while only a job's news has told of our token: since when, and what gossip said last. */
  #ahead: { readonly since: Instant; readonly confirmed: GossipRecord } | undefined;

  constructor(worker: WorkerId) {
    this.worker = worker;
  }

  /** The newest token known for the worker; epoch 0 before the first. */
  get token(): Token {
    return { worker: this.worker, epoch: this.#epoch, term: this.#term };
  }
  get tries(): number {
    return this.#tries;
  }
  get quarantinedAt(): Instant | undefined {
    return this.#quarantinedAt;
  }
  get silencedUntil(): Instant | undefined {
    return this.#silencedUntil;
  }
  get hasRevivals(): boolean {
    return this.#revivals.length > 0;
  }
  get silenceReason(): string {
    return this.#silenceReason;
  }

  isSilenced(now: Instant): boolean {
    return this.#silencedUntil !== undefined && now < this.#silencedUntil;
  }

  /** A new epoch, above all that were ever seen. */
  raise(by: Term): Token {
    this.#highestEpoch += 1;
    this.#epoch = this.#highestEpoch;
    this.#term = by;
    this.#finished = false;
    this.#ahead = undefined;
    return this.token;
  }

  /** A token seen in news of a job: whoever raised it found the worker not quarantined. Says whether it was new. */
  onToken(seen: Token, now: Instant): boolean {
    this.#highestEpoch = Math.max(this.#highestEpoch, seen.epoch);
    if (!isNewer(seen, this.token)) return false;
    this.#ahead ??= { since: now, confirmed: this.toGossip(now) };
    this.#term = seen.term;
    this.#epoch = seen.epoch;
    this.#finished = false;
    this.#tries = 0;
    this.#quarantinedAt = undefined;
    return true;
  }

  noteTries(used: number): void {
    this.#finished = false;
    this.#tries = Math.max(this.#tries, used);
  }

  /** The recovery is over: its tries count no more. */
  finish(): void {
    this.#tries = 0;
    this.#finished = true;
  }

  noteRevival(now: Instant): void {
    this.#revivals = [...this.#revivals, now].slice(-limits.revivalsRemembered);
  }

  /** The newest did not change anything after all. To be followed by `raise`, for what was added may be known elsewhere. */
  takeBackRevival(): void {
    this.#revivals = this.#revivals.slice(0, -1);
  }

  /** A person begins anew: earlier recoveries are not held against the worker. */
  forgetRevivals(): void {
    this.#revivals = [];
  }

  /** Recoveries begun within the last `window`, the engine's own restarts included. */
  revivalsWithin(window: Duration, now: Instant): number {
    return this.#revivals.filter((at) => elapsed(at, now) < window).length;
  }

  /** Whether one more recovery would be one too many. A cap above what is remembered counts as that. */
  isSpent(
    caps: { readonly maxRevivals: number; readonly revivalWindow: Duration },
    now: Instant,
  ): boolean {
    const cap = Math.min(caps.maxRevivals, limits.revivalsRemembered);
    return this.revivalsWithin(caps.revivalWindow, now) >= cap;
  }

  enterQuarantine(now: Instant): void {
    this.#quarantinedAt ??= now;
    this.finish();
  }

  leaveQuarantine(by: Term): void {
    this.raise(by);
    this.#quarantinedAt = undefined;
    this.forgetRevivals();
    this.finish();
  }

  silence(until: Instant, reason: string, by: Term): void {
    this.raise(by);
    this.#silencedUntil = until;
    this.#silenceReason = reason;
  }

  unsilence(by: Term): void {
    this.raise(by);
    this.expireSilence();
  }

  /** Its time has passed; nobody needs to be told, every clock says so. */
  expireSilence(): void {
    this.#silencedUntil = undefined;
    this.#silenceReason = "";
  }

  /** Takes over what another coordinator, or Redis, remembers. Says whether anything changed. */
  merge(other: GossipRecord, now: Instant): boolean {
    this.#highestEpoch = Math.max(this.#highestEpoch, other.epoch);
    if (isNewer(this.token, other)) return false;
    if (isNewer(other, this.token)) return this.#replaceBy(other, now);
    return this.#ahead === undefined ? this.#join(other, now) : this.#catchUp(other, now);
  }

  toGossip(now: Instant): GossipRecord {
    if (this.#ahead !== undefined)
      return aged(this.#ahead.confirmed, elapsed(this.#ahead.since, now));
    return {
      worker: this.worker,
      term: this.#term,
      epoch: this.#epoch,
      tries: this.#tries,
      revivalsAgo: this.#revivals.map((at) => Math.max(0, elapsed(at, now))),
      quarantinedAgo:
        this.#quarantinedAt === undefined ? -1 : Math.max(0, elapsed(this.#quarantinedAt, now)),
      silencedFor:
        this.#silencedUntil === undefined || !this.isSilenced(now)
          ? -1
          : elapsed(now, this.#silencedUntil),
      silenceReason: this.isSilenced(now) ? this.#silenceReason : "",
      ...(this.#finished && { over: true }),
    };
  }

  #replaceBy(other: GossipRecord, now: Instant): boolean {
    this.#term = other.term;
    this.#epoch = other.epoch;
    this.#tries = other.tries;
    this.#finished = other.over === true;
    this.#revivals = beginsOf(other, now);
    this.#quarantinedAt = other.quarantinedAgo < 0 ? undefined : after(now, -other.quarantinedAgo);
    this.#silencedUntil = other.silencedFor < 0 ? undefined : after(now, other.silencedFor);
    this.#silenceReason = other.silenceReason;
    this.#ahead = undefined;
    return true;
  }

  /** Gossip tells of the token that news told of already: what it says holds, and what happened since is kept. */
  #catchUp(other: GossipRecord, now: Instant): boolean {
    const since = this.#ahead?.since ?? now;
    const own = { tries: this.#tries, finished: this.#finished, quarantined: this.#quarantinedAt };
    const begun = this.#revivals.filter((at) => at >= since);
    this.#replaceBy(other, now);
    const isTold = this.#revivals.some((at) => at >= since - sameBegin);
    if (!isTold) for (const at of begun) this.noteRevival(at);
    this.#tries = Math.max(this.#tries, own.tries);
    this.#quarantinedAt ??= own.quarantined;
    if (own.finished) this.finish();
    return true;
  }

  #join(other: GossipRecord, now: Instant): boolean {
    let changed = false;
    if (!this.#finished && other.over === true) {
      this.finish();
      changed = true;
    } else if (!this.#finished && other.tries > this.#tries) {
      this.#tries = other.tries;
      changed = true;
    }
    const begins = beginsOf(other, now);
    const isFuller = begins.length > this.#revivals.length;
    if (
      isFuller ||
      (begins.at(-1) ?? -Infinity) > (this.#revivals.at(-1) ?? -Infinity) + sameBegin
    ) {
      this.#revivals = begins;
      changed = true;
    }
    if (other.quarantinedAgo >= 0 && this.#quarantinedAt === undefined) {
      this.#quarantinedAt = after(now, -other.quarantinedAgo);
      this.finish();
      changed = true;
    }
    if (other.silencedFor >= 0 && this.#silencedUntil === undefined && this.#epoch > 0) {
      this.#silencedUntil = after(now, other.silencedFor);
      this.#silenceReason = other.silenceReason;
      changed = true;
    }
    return changed;
  }
}

function isNewer(
  a: { readonly term: Term; readonly epoch: number },
  b: { readonly term: Term; readonly epoch: number },
): boolean {
  return a.term > b.term || (a.term === b.term && a.epoch > b.epoch);
}

/** A record as it reads `by` ms later. */
function aged(record: GossipRecord, by: Duration): GossipRecord {
  const isSilenced = record.silencedFor > by;
  return {
    ...record,
    revivalsAgo: record.revivalsAgo.map((ago) => ago + by),
    quarantinedAgo: record.quarantinedAgo < 0 ? -1 : record.quarantinedAgo + by,
    silencedFor: isSilenced ? record.silencedFor - by : -1,
    silenceReason: isSilenced ? record.silenceReason : "",
  };
}

function beginsOf(record: GossipRecord, now: Instant): readonly Instant[] {
  return record.revivalsAgo
    .slice(-limits.revivalsRemembered)
    .map((ago) => after(now, -Math.max(0, ago)));
}
