// When the worker is checked, and what the results mean: starting, healthy, unhealthy. The checks themselves are made by the shell.

import type { Machine } from "../../proto/machine.ts";
import type { AgentHealth } from "../../proto/messages.ts";
import { after, elapsed, type Duration, type Instant } from "../../proto/units.ts";

export interface CheckTiming {
  /** From the begin of one check to the begin of the next, while all is well. */
  readonly interval: Duration;
  /** A check without a result for so long has failed. */
  readonly timeout: Duration;
  /** Failures in a row that make the worker unhealthy; one success makes it healthy. */
  readonly threshold: number;
  /** From the start: failures within it leave the worker `starting`; the first success ends it. */
  readonly startPeriod: Duration;
}

export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export type CheckInput =
  | { readonly kind: "started" }
  /** A new process of the worker: its start period begins. */
  | { readonly kind: "worker-started" }
  | { readonly kind: "check-finished"; readonly id: number; readonly result: CheckResult }
  | { readonly kind: "timer-fired" };

export type CheckOutput =
  | { readonly kind: "begin-check"; readonly id: number }
  | { readonly kind: "abandon-check"; readonly id: number };

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "waiting"; readonly until: Instant }
  | {
      readonly kind: "checking";
      readonly id: number;
      readonly began: Instant;
      readonly until: Instant;
      readonly extended: boolean;
    };

/** After a failure, and while the worker is not healthy, it is checked as often as this. */
const recheckInterval: Duration = 250;
/** A timer that is later than this is our own stall, not the worker's: an open check is given as much again, once. */
const ownStall: Duration = 50;

export class WorkerCheck implements Machine<CheckInput, CheckOutput> {
  readonly #timing: CheckTiming;
  #state: State = { kind: "idle" };
  #health: "starting" | "healthy" | "unhealthy" = "starting";
  #reason = "";
  /** Begin of the check that gave the health; undefined before the first. */
  #checkedAt: Instant | undefined;
  #startUntil: Instant | undefined;
  #failures = 0;
  #lastId = 0;

  constructor(timing: CheckTiming) {
    this.#timing = timing;
  }

  step(input: CheckInput, now: Instant): readonly CheckOutput[] {
    switch (input.kind) {
      case "started":
      case "worker-started":
        return this.#onStarted(now);
      case "check-finished":
        return this.#onFinished(input.id, input.result, now);
      case "timer-fired":
        return this.#onTimer(now);
    }
  }

  nextDeadline(): Instant | undefined {
    return this.#state.kind === "idle" ? undefined : this.#state.until;
  }

  health(now: Instant): AgentHealth {
    const checkedAgo = this.#checkedAt === undefined ? 0 : elapsed(this.#checkedAt, now);
    return { state: this.#health, checkedAgo, reason: this.#reason };
  }

  #onStarted(now: Instant): readonly CheckOutput[] {
    this.#startUntil = after(now, this.#timing.startPeriod);
    this.#health = "starting";
    this.#reason = "";
    this.#failures = 0;
    const abandoned = this.#abandonOpen();
    return [...abandoned, this.#begin(now)];
  }

  #onFinished(id: number, result: CheckResult, now: Instant): readonly CheckOutput[] {
    // The result of a check that was abandoned says nothing any more.
    if (this.#state.kind !== "checking" || this.#state.id !== id) return [];
    const { began } = this.#state;
    this.#take(result, began, now);
    return this.#next(began, now);
  }

  #onTimer(now: Instant): readonly CheckOutput[] {
    const state = this.#state;
    if (state.kind === "idle" || now < state.until) return [];
    if (state.kind === "waiting") return [this.#begin(now)];
    const late = elapsed(state.until, now);
    if (late > ownStall && !state.extended) {
      const until = after(now, Math.min(late, this.#timing.timeout));
      this.#state = { ...state, until, extended: true };
      return [];
    }
    const reason = `no answer within ${this.#timing.timeout} ms`;
    this.#take({ ok: false, reason }, state.began, now);
    return [{ kind: "abandon-check", id: state.id }, ...this.#next(state.began, now)];
  }

  #take(result: CheckResult, began: Instant, now: Instant): void {
    if (result.ok) {
      this.#health = "healthy";
      this.#reason = "";
      this.#failures = 0;
      this.#startUntil = undefined;
      this.#checkedAt = began;
      return;
    }
    if (this.#startUntil !== undefined && now < this.#startUntil) {
      this.#checkedAt = began;
      return;
    }
    this.#failures++;
    if (this.#failures < this.#timing.threshold) return;
    this.#health = "unhealthy";
    this.#reason = result.reason;
    this.#checkedAt = began;
  }

  #next(began: Instant, now: Instant): readonly CheckOutput[] {
    const isWell = this.#health === "healthy" && this.#failures === 0;
    const { interval } = this.#timing;
    const until = after(began, isWell ? interval : Math.min(interval, recheckInterval));
    if (until <= now) return [this.#begin(now)];
    this.#state = { kind: "waiting", until };
    return [];
  }

  #begin(now: Instant): CheckOutput {
    const id = ++this.#lastId;
    const until = after(now, this.#timing.timeout);
    this.#state = { kind: "checking", id, began: now, until, extended: false };
    return { kind: "begin-check", id };
  }

  #abandonOpen(): readonly CheckOutput[] {
    return this.#state.kind === "checking" ? [{ kind: "abandon-check", id: this.#state.id }] : [];
  }
}
