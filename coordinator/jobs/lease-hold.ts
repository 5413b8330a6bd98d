// A runner's hold of a worker's action lease: taken, renewed while the action runs, measured by our own clocks from before the asking.

import type { Token } from "../core/job.ts";
import type { Clock } from "../../agent/io/clock.ts";
import type { Duration } from "../../proto/units.ts";
import { actionLease, type LeaseAnswer, type TokenStore } from "./token.ts";

/** A clock may run this much slower than Redis's. */
const drift = 0.01;

export class LeaseHold {
  readonly #tokens: TokenStore;
  readonly #clock: Clock;
  readonly #token: Token;
  readonly #owner: string;
  readonly #tryNumber: number;
  readonly #ttl: Duration;
  /** Both clocks when the last granted question was asked: the monotonic one sleeps with the machine, the wall clock may jump back. */
  #askedAt: { readonly monotonic: number; readonly wall: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ask: {
    readonly tokens: TokenStore;
    readonly clock: Clock;
    readonly token: Token;
    /** Of this very run: two runs in one process are two owners. */
    readonly owner: string;
    readonly tryNumber: number;
    readonly ttl?: Duration;
  }) {
    this.#tokens = ask.tokens;
    this.#clock = ask.clock;
    this.#token = ask.token;
    this.#owner = ask.owner;
    this.#tryNumber = ask.tryNumber;
    this.#ttl = ask.ttl ?? actionLease;
  }

  /** Asks Redis; rejects where it does not answer. Once granted, the lease is renewed until `release`. */
  async take(): Promise<LeaseAnswer> {
    const answer = await this.#ask();
    if (answer.kind === "granted") {
      this.#timer ??= setInterval(() => void this.#renew(), this.#ttl / 3);
    }
    return answer;
  }

  /** Whether nobody else can have it now. */
  isHeld(): boolean {
    if (this.#askedAt === undefined) return false;
    const gone = Math.max(
      this.#clock.now() - this.#askedAt.monotonic,
      this.#clock.wall() - this.#askedAt.wall,
    );
    return gone < this.#ttl * (1 - drift);
  }

  /** Never throws: a lease that cannot be given back expires. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!this.isHeld()) return;
    this.#askedAt = undefined;
    await this.#tokens.releaseActionLease(this.#token.worker, this.#owner).catch(() => undefined);
  }

  async #renew(): Promise<void> {
    // Run out already (we were stopped, or Redis was away): somebody else may have acted since, so it is over for good.
    if (!this.isHeld()) {
      this.#askedAt = undefined;
      clearInterval(this.#timer);
      return;
    }
    // An unanswered renewal leaves the lease to run out; a refused one ends it now.
    const answer = await this.#ask().catch(() => undefined);
    if (answer !== undefined && answer.kind !== "granted") this.#askedAt = undefined;
  }

  async #ask(): Promise<LeaseAnswer> {
    const asked = { monotonic: this.#clock.now(), wall: this.#clock.wall() };
    const answer = await this.#tokens.takeActionLease(
      this.#token,
      this.#owner,
      this.#tryNumber,
      this.#ttl,
    );
    if (answer.kind === "granted") this.#askedAt = asked;
    return answer;
  }
}
