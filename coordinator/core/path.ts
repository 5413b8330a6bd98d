// One coordinator's way to one worker: what was asked, what was answered, and what is believed of it.

import type { LastGrant, StandingKind } from "../../proto/messages.ts";
import type { Duration, Instant, WorkerId } from "../../proto/units.ts";
import { PathLoss } from "./path-loss.ts";
import { RoundTrip, shortestWait } from "./round-trip.ts";
import type { WorkerSpec } from "./worker.ts";

/** How one worker is asked. */
export interface PathSettings {
  readonly checkInterval: Duration;
  readonly timeout: Duration;
  readonly maxFailedAttempts: number;
  /** `datagram`: PINGs with retransmission · `check`: a TCP or HTTP check that the shell makes, one per attempt. */
  readonly attempts: "datagram" | "check";
}

/** Undefined for one that cannot be asked, or that does not run. */
export function pathSettingsOf({
  container,
  probe,
  settings,
}: WorkerSpec): PathSettings | undefined {
  const isAsleep = container !== undefined && container.state !== "running";
  if (probe.kind === "engine-only" || isAsleep) return undefined;
  const { checkInterval, timeout, maxFailedAttempts } = settings;
  const attempts = probe.kind === "check" ? "check" : "datagram";
  return { checkInterval, timeout, maxFailedAttempts, attempts };
}

/** What a coordinator says of its own path, to the others and to people. */
export interface PathView {
  readonly standing: StandingKind;
  /** Smoothed round trip, ms; -1 when never heard. */
  readonly roundTrip: Duration;
  /** Measured round-trip loss, 0–1; -1 when never heard. */
  readonly loss: number;
  /** When an answer was last read; undefined when never, or not since the path was forgotten. */
  readonly heardAt: Instant | undefined;
  /** Of the present silence; all 0 while the worker answers. */
  readonly unanswered: number;
  readonly failedAttempts: number;
  readonly refused: number;
  readonly silence: Duration;
  /** What `down` needs besides MAX_FAILED_ATTEMPTS. */
  readonly datagramsNeeded: number;
  readonly silenceNeeded: Duration;
  /**
   * Anybody who heard the worker more lately than this is a witness of its life: TIMEOUT × MAX_FAILED_ATTEMPTS, or the silence
   * that this path needs. Whoever is down was itself silent for that long, so that a true silence is not known later.
   */
  readonly witnessFor: Duration;
  /** To a host that has answered. */
  readonly grant?: LastGrant;
}

/** Questions whose late answers are still recognised; older ones are forgotten. More than the most that K asks for. */
const questionsRemembered = 64;
/** After this many misses the source port changes: a stale entry of a connection table answers nobody. */
const missesBeforeFreshSocket = 2;

/**
 * Times called `t` are attention time: the monotonic clock less all lateness of our own tick, so that a stall of
 * ours moves every deadline by its length. `heardAt` alone is an Instant.
 * The Pinger owns the schedule and the outputs; this class owns what they mean for one path.
 */
export class Path {
  readonly worker: WorkerId;
  /** The Pinger's small integer for it. */
  readonly id: number;
  readonly place: number;
  settings: PathSettings;
  /** `abstain` until the first answer or the first miss: nothing is known, so nothing is said. */
  standing: StandingKind = "abstain";
  heardAt: Instant | undefined;

  /** A question is open: something was sent that has not been answered. */
  isAsking = false;
  /** The open question was caused by another coordinator's doubt, which therefore need not be told. */
  isHastened = false;
  /** The others were told of the present doubt. */
  hasTold = false;
  unanswered = 0;
  failedAttempts = 0;
  refused = 0;
  datagramDue = 0;
  attemptEnds = 0;
  /** A check of the shell's is under way. */
  isChecking = false;
  /** Attention time until which it is verified; -1 when it is not. */
  verifyUntil = -1;

  /** The open attempt was begun afresh after a stall of ours: its first deadline is no miss. */
  isRestarted = false;
  /** When the present or last question was first asked. */
  askedAt = Number.NEGATIVE_INFINITY;

  #sentInSilence = 0;
  #lag: Duration = 0;
  #roundTrip = new RoundTrip();
  #loss = new PathLoss();
  #heardEver = false;
  #answerer: number | undefined;
  /** What may still be answered, oldest first; at most `questionsRemembered`. */
  #questions: { readonly nonce: number; readonly sentAt: number }[] = [];
  /** Questions older than this are neither answered nor lost: the container changed, or we were asleep. */
  #countFrom = 0;
  /** The fastest answer since the last question, not yet smoothed: after a worker's pause all its answers come at once, and only the newest question's tells the path's own delay. */
  #fastest = -1;

  constructor(worker: WorkerId, id: number, place: number, settings: PathSettings) {
    this.worker = worker;
    this.id = id;
    this.place = place;
    this.settings = settings;
  }

  /** Opens a question: its first datagram is about to be sent. */
  onAsked(t: number, isHastened: boolean): void {
    this.#settle(t);
    this.isAsking = true;
    this.isHastened = isHastened;
    this.askedAt = t;
    this.#sentInSilence = 0;
    this.onAttemptBegun(t);
  }

  onAttemptBegun(t: number): void {
    this.attemptEnds = t + this.settings.timeout + this.#lag;
  }

  onSent(nonce: number, t: number): void {
    this.#sentInSilence++;
    this.#questions.push({ nonce, sentAt: t });
    if (this.#questions.length > questionsRemembered) this.#questions.shift();
  }

  /** How long after its sending the next datagram is unanswered. While down one a TIMEOUT suffices to hear of a return. */
  wait(): Duration {
    const { timeout } = this.settings;
    return this.standing === "down" ? timeout : this.#roundTrip.wait(timeout, this.#lag);
  }

  /** The round trip of the question `nonce`, or -1 when it is not an open or recent one. */
  takeAnswer(nonce: number, t: number): Duration {
    const index = this.#questions.findLastIndex((question) => question.nonce === nonce);
    const question = this.#questions[index];
    if (question === undefined) return -1;
    this.#questions.splice(index, 1);
    const roundTrip = Math.max(0.001, t - question.sentAt);
    if (this.settings.attempts === "datagram") this.#loss.onAnswered();
    if (this.#fastest < 0 || roundTrip < this.#fastest) this.#fastest = roundTrip;
    return roundTrip;
  }

  /**
   * The worker was heard: any silence is over and survived, unless who answers began after whoever was silent: then that one is gone,
   * and what was asked of it is neither lost nor survived. `answerer`: the incarnation of its agent, where an agent answers.
   */
  onHeard(t: number, now: Instant, answerer?: number): void {
    if (!this.#heardEver) this.#smooth();
    this.#heardEver = true;
    const isAnother = this.#answerer !== undefined && (answerer ?? 0) > this.#answerer;
    if (isAnother) this.#countFrom = t;
    if (this.#answerer === undefined || isAnother) this.#answerer = answerer;
    // What the agent said of its lateness held until this answer, which says it anew.
    this.#lag = 0;
    this.heardAt = now;
    this.standing = "up";
    if (!this.isAsking) return;
    if (this.unanswered > 0 && !isAnother) this.#loss.onSurvived(t - this.askedAt, t);
    this.#endSilence();
  }

  onUnanswered(): void {
    this.unanswered++;
  }

  /** One refusal a datagram at most, for a stranger can send as many as he likes. */
  onRefused(): void {
    this.refused = Math.min(this.refused + 1, this.#sentInSilence);
  }

  /** An agent that says it is slow gets that much more time, at most TIMEOUT; within the shortest wait it is no news. */
  onLag(lag: Duration): void {
    this.#lag = lag < shortestWait ? 0 : Math.min(lag, this.settings.timeout);
  }

  /** All three conditions of design rule 1. A check counts as it is: TCP retransmits by itself. */
  isDown(t: number): boolean {
    return this.hasFailedEnough() && t + 1e-6 >= this.askedAt + this.silenceNeeded(t);
  }

  /** All but the length of the silence. */
  hasFailedEnough(): boolean {
    return (
      this.failedAttempts >= this.settings.maxFailedAttempts &&
      (this.settings.attempts === "check" || this.unanswered >= this.#loss.datagramsNeeded())
    );
  }

  silenceNeeded(t: number): Duration {
    const { timeout, maxFailedAttempts } = this.settings;
    return this.#loss.silenceNeeded(t, 2 * timeout * maxFailedAttempts);
  }

  /** When the silence will be long enough. */
  downDue(t: number): number {
    return this.askedAt + this.silenceNeeded(t);
  }

  needsFreshSocket(): boolean {
    return this.unanswered >= missesBeforeFreshSocket;
  }

  /** Our own stall was longer than an attempt: what it asked may have been lost with it, so it is asked anew. */
  restartAttempt(t: number): void {
    this.onAttemptBegun(t);
    this.datagramDue = t;
    this.isChecking = false;
    this.isRestarted = true;
  }

  /** One question is enough for a moment, whoever wants to know. */
  isAskedLately(t: number): boolean {
    return this.isAsking || t < this.askedAt + shortestWait;
  }

  /** Whatever is heard from now on was asked after the action. */
  beginVerification(t: number, until: number): void {
    if (this.verifyUntil < 0) {
      this.forgive(t);
      this.#questions = [];
    }
    this.verifyUntil = until;
  }

  /** What was asked during a verification is not lost: nobody was there to answer. */
  endVerification(t: number): void {
    this.verifyUntil = -1;
    this.#countFrom = t;
  }

  /** Drops the open question, neither lost nor survived; what the path taught stays. */
  forgive(t: number): void {
    this.#countFrom = t;
    this.#endSilence();
    if (this.standing !== "up") this.standing = "abstain";
  }

  /** Another container stands at its end now: what was heard of the old one proves nothing, nor do late answers to its questions. */
  forget(t: number): void {
    this.forgive(t);
    this.#questions = [];
    this.heardAt = undefined;
    this.standing = "abstain";
    this.#lag = 0;
  }

  view(t: number): PathView {
    const silenceNeeded = this.silenceNeeded(t);
    return {
      standing: this.standing,
      roundTrip: this.#roundTrip.smoothed,
      loss: this.#heardEver ? this.#loss.share : -1,
      heardAt: this.heardAt,
      unanswered: this.unanswered,
      failedAttempts: this.failedAttempts,
      refused: this.refused,
      silence: this.unanswered > 0 || this.failedAttempts > 0 ? t - this.askedAt : 0,
      datagramsNeeded: this.#loss.datagramsNeeded(),
      silenceNeeded,
      witnessFor: Math.max(this.settings.timeout * this.settings.maxFailedAttempts, silenceNeeded),
    };
  }

  /** The present silence, in words. */
  describe(t: number): string {
    const asked =
      this.settings.attempts === "check"
        ? `${this.failedAttempts} checks failed`
        : `${this.unanswered} datagrams and ${this.failedAttempts} attempts unanswered`;
    const refused = this.refused > 0 ? `, ${this.refused} refused` : "";
    return `silent for ${((t - this.askedAt) / 1000).toFixed(2)} s: ${asked}${refused}`;
  }

  /** Why it is doubted, in words. */
  describeDoubt(): string {
    const { smoothed } = this.#roundTrip;
    const usual = smoothed < 0 ? "never heard yet" : `usually ${smoothed.toFixed(1)} ms`;
    return `a question is unanswered (${usual})`;
  }

  #endSilence(): void {
    this.isAsking = false;
    this.isHastened = false;
    this.hasTold = false;
    this.isChecking = false;
    this.isRestarted = false;
    this.unanswered = 0;
    this.failedAttempts = 0;
    this.refused = 0;
  }

  #smooth(): void {
    if (this.#fastest < 0) return;
    this.#roundTrip.sample(this.#fastest);
    this.#fastest = -1;
  }

  /** Counts as lost what is too old to be answered, now that the worker has been heard since. */
  #settle(t: number): void {
    this.#smooth();
    let old = 0;
    let lost = 0;
    for (const { sentAt } of this.#questions) {
      if (sentAt + this.settings.timeout > t) break;
      if (sentAt >= this.#countFrom) lost++;
      old++;
    }
    if (old === 0) return;
    this.#questions.splice(0, old);
    if (lost > 0 && this.settings.attempts === "datagram") this.#loss.onLost(lost);
  }
}

/** How long before `now` it was heard, ms; -1 when never. */
export const heardAgo = (view: PathView, now: Instant): Duration =>
  view.heardAt === undefined ? -1 : Math.max(0, now - view.heardAt);

/** Whether it was heard no longer ago than it is asked. */
export const isAnswering = (
  view: PathView | undefined,
  { checkInterval, timeout }: { readonly checkInterval: Duration; readonly timeout: Duration },
  now: Instant,
): boolean => view?.heardAt !== undefined && now - view.heardAt < checkInterval + timeout;
