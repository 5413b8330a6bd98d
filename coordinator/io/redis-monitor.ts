// Whether Redis can be reached and written to, asked every 250 ms on a connection of its own; flaps are damped.

import type { Redis } from "ioredis";
import type { Clock } from "../../agent/io/clock.ts";
import type { Duration, Instant } from "../../proto/units.ts";
import type { RedisConnections } from "./redis.ts";

const askEvery: Duration = 250;
const answerWithin: Duration = 750;
/** Every so many questions a write is asked for: a full disk, a lost master or a full memory answers PING all the same. */
const writeEvery = 8;
/** So many answers in a row make it reachable again. */
const answersNeeded = 2;
/** Failures in a row, or the time since the last answer, that make it unreachable. */
const failuresNeeded = 2;
const silenceNeeded: Duration = 1_000;

export type Reachability =
  | { readonly kind: "unknown" }
  | { readonly kind: "reachable" }
  | { readonly kind: "unreachable"; readonly reason: string };

/** The damping, apart from the asking; instants come as arguments. */
export class ReachabilityDamper {
  #state: Reachability = { kind: "unknown" };
  #answers = 0;
  #failures = 0;
  #lastAnswer: Instant | undefined;

  get state(): Reachability {
    return this.#state;
  }

  /** True when the state changed. */
  onAnswered(now: Instant): boolean {
    this.#answers++;
    this.#failures = 0;
    this.#lastAnswer = now;
    if (this.#state.kind === "reachable") return false;
    if (this.#state.kind === "unreachable" && this.#answers < answersNeeded) return false;
    this.#state = { kind: "reachable" };
    return true;
  }

  onFailed(now: Instant, reason: string): boolean {
    this.#answers = 0;
    this.#failures++;
    if (this.#state.kind === "unreachable") return false;
    const silence = this.#lastAnswer === undefined ? 0 : now - this.#lastAnswer;
    if (this.#failures < failuresNeeded && silence < silenceNeeded) return false;
    this.#state = { kind: "unreachable", reason };
    return true;
  }
}

export class RedisMonitor {
  readonly #connections: RedisConnections;
  readonly #clock: Clock;
  readonly #probeKey: string;
  readonly #onChange: (state: Reachability) => void;
  readonly #damper = new ReachabilityDamper();
  #redis: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #asked = 0;
  #isStopped = false;

  /** @param ask.probeKey a key that nothing else uses; written with an expiry */
  constructor(ask: {
    readonly connections: RedisConnections;
    readonly clock: Clock;
    readonly probeKey: string;
    readonly onChange: (state: Reachability) => void;
  }) {
    this.#connections = ask.connections;
    this.#clock = ask.clock;
    this.#probeKey = ask.probeKey;
    this.#onChange = ask.onChange;
  }

  get state(): Reachability {
    return this.#damper.state;
  }

  start(): void {
    if (this.#redis !== undefined || this.#isStopped) return;
    this.#redis = this.#connections.open("producer");
    this.#schedule(0);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.#redis !== undefined) this.#connections.close(this.#redis);
    this.#redis = undefined;
  }

  #schedule(wait: Duration): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#ask(), wait);
  }

  async #ask(): Promise<void> {
    const redis = this.#redis;
    if (redis === undefined) return;
    const begun = this.#clock.now();
    const failure = await this.#failureOf(redis);
    if (this.#redis === undefined) return;
    const now = this.#clock.now();
    const changed =
      failure === undefined ? this.#damper.onAnswered(now) : this.#damper.onFailed(now, failure);
    if (changed) this.#onChange(this.#damper.state);
    this.#schedule(Math.max(0, askEvery - (now - begun)));
  }

  async #failureOf(redis: Redis): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve(`no answer within ${answerWithin} ms`);
      }, answerWithin);
    });
    const isWrite = this.#asked++ % writeEvery === 0;
    const asked = isWrite ? redis.set(this.#probeKey, "1", "PX", 60_000) : redis.ping();
    const answer = asked.then(
      () => undefined,
      (error: unknown) => {
        // A refused write is asked for again at once, until it is taken.
        this.#asked = 0;
        return redis.status === "ready" && error instanceof Error
          ? error.message
          : `not connected (${redis.status})`;
      },
    );
    const failure = await Promise.race([answer, late]);
    clearTimeout(timer);
    return failure;
  }
}
