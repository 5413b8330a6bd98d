// Whom to ask next, and what follows from answers and misses: PING/PONG by design rule 1, for up to limits.workers paths.

import assert from "node:assert/strict";
import type { StandingKind } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import { instant, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import { Deadlines } from "./deadlines.ts";
import { Histogram, roundTripBounds } from "./histogram.ts";
import { Path, type PathSettings, type PathView } from "./path.ts";
import { nextPhase, placeOf, stagger } from "./phase.ts";
import {
  zeroCounters,
  type PingerConfig,
  type PingerCounters,
  type PingerOutput,
  type PongOutcome,
} from "./pinger-output.ts";

/** Between two questions of a verification. */
const verifyInterval: Duration = 60;
/** Lateness up to this is what a timer of 1 ms and a full loop cost; the shortest wait has room for it. More is added to every deadline in full. */
const latenessIgnored: Duration = 10;
/** How much later than its timeout a check's result may come before it has failed without one. */
const checkGrace: Duration = 50;
const resendJitter = 0.1;
/** What rounding may take from an instant that was converted to attention time and back. */
const rounding = 1e-6;
const nothing: readonly PingerOutput[] = [];

/**
 * All internal times are attention time, `now` less the lateness so far (rule 3): adding a stall to every open deadline
 * is one addition. Contract: `addLateness` before `onTick`, and `onTick` after the socket was drained.
 */
export class Pinger {
  readonly counters: PingerCounters = zeroCounters();
  readonly roundTrips = new Histogram(roundTripBounds);
  readonly #random: Random;
  /** By `stagger`; a change holds from each worker's next attempt on. */
  phase: number;
  readonly #origin: Instant;
  /** All lateness so far. */
  #lateness: Duration = 0;
  readonly #paths = new Map<WorkerId, Path>();
  readonly #byId: (Path | undefined)[] = [];
  readonly #freeIds: number[] = [];
  readonly #deadlines = new Deadlines();
  /** Those with a failed attempt; what self-health counts as doubted, for a lost datagram is no doubt of ours. */
  readonly #failing = new Set<WorkerId>();
  /** The shortest TIMEOUT ever watched with: no shorter lateness costs a walk over all paths. */
  #shortestTimeout: Duration = Number.POSITIVE_INFINITY;

  constructor(config: PingerConfig, random: Random) {
    this.#random = random;
    this.phase = stagger(config.coordinatorIndex, config.coordinatorCount);
    this.#origin = config.phaseOrigin ?? instant(0);
  }

  /** Idempotent; changed settings hold from the next deadline on and keep what the path taught. */
  watch(worker: WorkerId, settings: PathSettings, now: Instant): void {
    this.#shortestTimeout = Math.min(this.#shortestTimeout, settings.timeout);
    const known = this.#paths.get(worker);
    if (known !== undefined) {
      if (known.settings.attempts !== settings.attempts) known.forget(this.#attention(now));
      const isSame = known.settings.checkInterval === settings.checkInterval;
      known.settings = settings;
      if (!known.isAsking && known.verifyUntil < 0 && !isSame) this.#await(known, now);
      return;
    }
    const id = this.#freeIds.pop() ?? this.#byId.length;
    const path = new Path(worker, id, placeOf(worker), settings);
    this.#byId[id] = path;
    this.#paths.set(worker, path);
    this.#await(path, now);
  }

  unwatch(worker: WorkerId): void {
    const path = this.#paths.get(worker);
    if (path === undefined) return;
    this.#paths.delete(worker);
    this.#failing.delete(worker);
    this.#byId[path.id] = undefined;
    this.#freeIds.push(path.id);
    this.#deadlines.remove(path.id);
  }

  /** A new container start or a new address: an open doubt is cleared, the memory of round trip, loss and silences stays. Asked again at its phase, or by `verify`. */
  forgetPath(worker: WorkerId, now: Instant): readonly PingerOutput[] {
    const path = this.#paths.get(worker);
    if (path === undefined) return nothing;
    const before = path.standing;
    path.forget(this.#attention(now));
    this.#failing.delete(worker);
    if (path.verifyUntil < 0) this.#await(path, now);
    return this.#tellForgotten(path, before, "its container or its address changed");
  }

  onPong(worker: WorkerId, nonce: number, now: Instant, answerer?: number): PongOutcome {
    const path = this.#paths.get(worker);
    const t = this.#attention(now);
    const roundTrip = path === undefined ? -1 : path.takeAnswer(nonce, t);
    if (path === undefined || roundTrip < 0) {
      this.counters.unknownNonces++;
      return { outputs: nothing, accepted: false, roundTrip: -1 };
    }
    this.roundTrips.observe(roundTrip);
    return { outputs: this.#hear(path, t, now, answerer), accepted: true, roundTrip };
  }

  onCheckResult(
    worker: WorkerId,
    nonce: number,
    ok: boolean,
    now: Instant,
  ): readonly PingerOutput[] {
    const path = this.#paths.get(worker);
    const t = this.#attention(now);
    if (path === undefined || path.takeAnswer(nonce, t) < 0) {
      this.counters.unknownNonces++;
      return nothing;
    }
    if (ok) return this.#hear(path, t, now);
    path.isChecking = false;
    if (path.verifyUntil >= 0 || !path.isAsking) return nothing;
    const outputs: PingerOutput[] = [];
    this.#failCheck(path, t, outputs);
    return outputs;
  }

  /** A datagram came back refused (ECONNREFUSED): positive evidence that is counted, and reason for doubt at once. */
  onRefused(worker: WorkerId, _now: Instant): readonly PingerOutput[] {
    const path = this.#paths.get(worker);
    this.counters.refusals++;
    if (path?.isAsking !== true) return nothing;
    path.onRefused();
    const outputs: PingerOutput[] = [];
    this.#doubt(path, outputs);
    return outputs;
  }

  /** Another coordinator doubts it: ask at once, unless a question is open or was asked a moment ago. */
  hasten(worker: WorkerId, now: Instant): readonly PingerOutput[] {
    const path = this.#paths.get(worker);
    const t = this.#attention(now);
    if (path === undefined || path.verifyUntil >= 0 || path.isAskedLately(t)) return nothing;
    this.counters.hastened++;
    const outputs: PingerOutput[] = [];
    this.#ask(path, t, true, outputs);
    return outputs;
  }

  /**
   * After an action: ask every 60 ms until it is heard or `until`; misses meanwhile count for nothing. One that was heard
   * but is not yet healthy is verified further by calling this again, which is idempotent.
   */
  verify(worker: WorkerId, until: Instant, now: Instant): readonly PingerOutput[] {
    const path = this.#paths.get(worker);
    if (path === undefined || until <= now) return nothing;
    const t = this.#attention(now);
    const before = path.standing;
    const isNew = path.verifyUntil < 0;
    path.beginVerification(t, this.#attention(until));
    if (!isNew) return nothing;
    this.#failing.delete(worker);
    this.#deadlines.set(path.id, Math.max(t, path.askedAt + verifyInterval));
    return this.#tellForgotten(path, before, "an action of ours is being verified");
  }

  onTick(now: Instant): readonly PingerOutput[] {
    const t = this.#attention(now);
    if (this.#deadlines.first() > t + rounding) return nothing;
    const outputs: PingerOutput[] = [];
    while (this.#deadlines.first() <= t + rounding) {
      const path = this.#byId[this.#deadlines.firstId()];
      assert(path !== undefined, "a deadline without a path");
      this.#onDue(path, t, now, outputs);
      assert(
        this.#deadlines.firstId() !== path.id || this.#deadlines.first() > t,
        "a deadline that stays",
      );
    }
    return outputs;
  }

  nextDeadline(): Instant | undefined {
    const first = this.#deadlines.first();
    return first === Number.POSITIVE_INFINITY ? undefined : instant(first + this.#lateness);
  }

  /** Our own tick came `lateness` ms late: every deadline moves by it; attempts of paths whose TIMEOUT is shorter start afresh. */
  addLateness(lateness: Duration, now: Instant): void {
    if (lateness <= latenessIgnored) return;
    this.counters.lateness += lateness;
    this.#lateness += lateness;
    if (lateness <= this.#shortestTimeout) return;
    const t = this.#attention(now);
    for (const path of this.#paths.values()) {
      if (!path.isAsking || lateness <= path.settings.timeout) continue;
      path.restartAttempt(t);
      this.#deadlines.set(path.id, t);
    }
  }

  /** A jump of the clock: what seemed silent may have been our own sleep. Nothing is asked before its phase. */
  clearDoubt(now: Instant): readonly PingerOutput[] {
    const outputs: PingerOutput[] = [];
    const t = this.#attention(now);
    this.#failing.clear();
    for (const path of this.#paths.values()) {
      const before = path.standing;
      path.forgive(t);
      if (path.verifyUntil < 0) this.#await(path, now);
      outputs.push(...this.#tellForgotten(path, before, "we were paused ourselves"));
    }
    return outputs;
  }

  /** The agent said how late its own timers run. */
  extend(worker: WorkerId, lag: Duration): void {
    this.#paths.get(worker)?.onLag(lag);
  }

  path(worker: WorkerId, now: Instant): PathView | undefined {
    return this.#paths.get(worker)?.view(this.#attention(now));
  }

  /** Workers with at least one failed attempt in their present silence. */
  failing(): ReadonlySet<WorkerId> {
    return this.#failing;
  }

  get size(): number {
    return this.#paths.size;
  }

  #attention(now: Instant): number {
    return now - this.#lateness;
  }

  /** Nothing is open: the next question comes at the worker's phase. */
  #await(path: Path, now: Instant): void {
    const next = nextPhase(now, this.#origin, path.settings.checkInterval, path.place + this.phase);
    this.#deadlines.set(path.id, this.#attention(next));
  }

  #onDue(path: Path, t: number, now: Instant, outputs: PingerOutput[]): void {
    if (path.verifyUntil >= 0) this.#onVerifyDue(path, t, now, outputs);
    else if (!path.isAsking) this.#ask(path, t, false, outputs);
    else if (path.settings.attempts === "check") this.#onCheckDue(path, t, outputs);
    else this.#onDatagramDue(path, t, outputs);
  }

  #ask(path: Path, t: number, isHastened: boolean, outputs: PingerOutput[]): void {
    path.onAsked(t, isHastened);
    this.#send(path, t, 0, outputs);
  }

  /** Sends one datagram (or has one check made) and sets when it is missed. */
  #send(path: Path, t: number, jitter: number, outputs: PingerOutput[]): void {
    const nonce = this.#random.nonce();
    const { worker, settings } = path;
    path.onSent(nonce, t);
    if (settings.attempts === "check") {
      this.counters.checks++;
      path.isChecking = true;
      path.datagramDue = path.attemptEnds + checkGrace;
      outputs.push({ kind: "check", worker, nonce, timeout: settings.timeout });
      this.#deadlines.set(path.id, path.datagramDue);
      return;
    }
    this.counters.pings++;
    const wait = path.wait();
    path.datagramDue = t + (jitter === 0 ? wait : this.#random.jitter(wait, jitter));
    outputs.push({ kind: "ping", worker, nonce, freshSocket: path.needsFreshSocket() });
    this.#schedule(path, t);
  }

  #schedule(path: Path, t: number): void {
    let due = Math.min(path.datagramDue, path.attemptEnds);
    if (path.standing !== "down" && path.hasFailedEnough()) {
      due = Math.min(due, Math.max(t + 1, path.downDue(t)));
    }
    this.#deadlines.set(path.id, Math.max(due, t + 2 * rounding));
  }

  #onDatagramDue(path: Path, t: number, outputs: PingerOutput[]): void {
    const isMissed = path.datagramDue <= t + rounding;
    const hasFailed = path.attemptEnds <= t + rounding;
    if (isMissed && !path.isRestarted) {
      path.onUnanswered();
      this.#doubt(path, outputs);
    }
    path.isRestarted = false;
    if (hasFailed) this.#failAttempt(path, t, outputs);
    this.#judge(path, t, outputs);
    if (isMissed || (hasFailed && path.standing !== "down")) {
      this.#send(path, t, resendJitter, outputs);
    } else this.#schedule(path, t);
  }

  /** The time of an attempt by check is over: the next one begins; one without a result has failed. */
  #onCheckDue(path: Path, t: number, outputs: PingerOutput[]): void {
    if (path.isChecking) {
      path.isChecking = false;
      this.#failCheck(path, t, outputs);
      if (path.datagramDue > t + rounding) return;
    }
    this.#judge(path, t, outputs);
    path.onAttemptBegun(t);
    this.#send(path, t, 0, outputs);
  }

  /** A check failed, maybe at once; the next begins when this attempt's TIMEOUT is over (CHECK_INTERVAL once it is down). */
  #failCheck(path: Path, t: number, outputs: PingerOutput[]): void {
    path.onUnanswered();
    this.#doubt(path, outputs);
    path.failedAttempts++;
    this.counters.failedAttempts++;
    this.#failing.add(path.worker);
    this.#tellPeers(path, outputs);
    this.#judge(path, t, outputs);
    const { checkInterval, timeout } = path.settings;
    const begun = path.attemptEnds - timeout;
    path.datagramDue = path.standing === "down" ? begun + checkInterval : path.attemptEnds;
    this.#deadlines.set(path.id, Math.max(path.datagramDue, t + 2 * rounding));
  }

  #failAttempt(path: Path, t: number, outputs: PingerOutput[]): void {
    path.failedAttempts++;
    this.counters.failedAttempts++;
    this.#failing.add(path.worker);
    path.onAttemptBegun(t);
    this.#tellPeers(path, outputs);
  }

  #doubt(path: Path, outputs: PingerOutput[]): void {
    if (path.standing === "doubt" || path.standing === "down") return;
    path.standing = "doubt";
    this.counters.doubts++;
    this.#tell(path, path.describeDoubt(), outputs);
    if (!path.isHastened) this.#tellPeers(path, outputs);
  }

  #tellPeers(path: Path, outputs: PingerOutput[]): void {
    if (path.hasTold) return;
    path.hasTold = true;
    outputs.push({ kind: "ask-peers", worker: path.worker, nonce: this.#random.nonce() });
  }

  #judge(path: Path, t: number, outputs: PingerOutput[]): void {
    if (path.standing !== "doubt" || !path.isDown(t)) return;
    path.standing = "down";
    this.counters.downs++;
    this.#tell(path, path.describe(t), outputs);
  }

  #hear(path: Path, t: number, now: Instant, answerer?: number): readonly PingerOutput[] {
    this.counters.answers++;
    const before = path.standing;
    const wasAsking = path.isAsking;
    path.onHeard(t, now, answerer);
    const wasVerifying = path.verifyUntil >= 0;
    if (wasVerifying) path.endVerification(t);
    if (wasAsking || wasVerifying) this.#await(path, now);
    if (before === "up") return nothing;
    this.#failing.delete(path.worker);
    if (before === "doubt") this.counters.doubtsEnded++;
    const outputs: PingerOutput[] = [];
    this.#tell(path, before === "abstain" ? "heard" : "heard again", outputs);
    return outputs;
  }

  #onVerifyDue(path: Path, t: number, now: Instant, outputs: PingerOutput[]): void {
    if (t + rounding >= path.verifyUntil) {
      path.endVerification(t);
      this.#await(path, now);
      return;
    }
    const isOverdue = !path.isChecking || t + rounding >= path.datagramDue;
    if (path.settings.attempts === "datagram" || isOverdue) {
      path.askedAt = t;
      path.onAttemptBegun(t);
      this.#send(path, t, 0, outputs);
    }
    this.#deadlines.set(path.id, Math.min(path.verifyUntil, t + verifyInterval));
  }

  #tell(path: Path, text: string, outputs: PingerOutput[]): void {
    const { worker, standing } = path;
    outputs.push({ kind: "standing-changed", worker, standing, text });
  }

  #tellForgotten(path: Path, before: StandingKind, why: string): readonly PingerOutput[] {
    if (path.standing === before) return nothing;
    const outputs: PingerOutput[] = [];
    this.#tell(path, `what was believed is forgotten: ${why}`, outputs);
    return outputs;
  }
}
