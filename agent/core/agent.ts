// The whole agent as one machine: the worker's check, the life of its process, what the worker says of itself, and the responder.

import type { Machine } from "../../proto/machine.ts";
import type { AgentHealth } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import { after, earliest, elapsed, type CoordinatorId, type Instant } from "../../proto/units.ts";
import {
  Responder,
  type Identity,
  type ResponderInput,
  type ResponderOutput,
} from "./responder.ts";
import {
  WorkerCheck,
  type CheckInput,
  type CheckOutput,
  type CheckTiming,
} from "./worker-check.ts";

export interface AgentSetup {
  readonly identity: Identity;
  /** It speaks for its whole machine. */
  readonly isOfHost: boolean;
  readonly coordinators: readonly CoordinatorId[];
  readonly timing: CheckTiming;
  /** Whether the shell makes checks; without them a PONG proves the agent only. */
  readonly hasCheck: boolean;
  /** The name or pid file of a process whose exit is told; undefined where none is watched. */
  readonly watchedProcess: string | undefined;
}

export type AgentInput =
  | Exclude<ResponderInput, { kind: "health-changed" | "process-exited" | "timer-fired" }>
  | Extract<CheckInput, { kind: "check-finished" }>
  /** The watched process is there; `process` is its pid and start time. */
  | { readonly kind: "process-appeared"; readonly process: string }
  | { readonly kind: "process-exited"; readonly process: string; readonly at: Instant }
  /** A worker that carries the agent as a library speaks for itself. */
  | { readonly kind: "health-reported"; readonly healthy: boolean; readonly reason: string }
  | { readonly kind: "timer-fired"; readonly lateness: number };

export type AgentOutput = ResponderOutput | CheckOutput;

type ProcessLife =
  | { readonly kind: "awaited"; readonly until: Instant }
  | { readonly kind: "alive"; readonly since: Instant }
  | { readonly kind: "missing"; readonly since: Instant; readonly reason: string };

type Reported = { readonly healthy: boolean; readonly reason: string; readonly at: Instant };

export class Agent implements Machine<AgentInput, AgentOutput> {
  readonly #setup: AgentSetup;
  readonly #check: WorkerCheck | undefined;
  readonly #responder: Responder;
  #life: ProcessLife | undefined;
  #reported: Reported | undefined;
  #said: AgentHealth["state"] | undefined;

  constructor(setup: AgentSetup, random: Random) {
    this.#setup = setup;
    this.#check = setup.hasCheck ? new WorkerCheck(setup.timing) : undefined;
    const { identity, coordinators, isOfHost } = setup;
    const health = this.health.bind(this);
    this.#responder = new Responder(identity, coordinators, random, health, isOfHost);
  }

  /** Plain-text PINGs beyond what is answered. */
  get textsRefused(): number {
    return this.#responder.textsRefused;
  }

  step(input: AgentInput, now: Instant): readonly AgentOutput[] {
    const outputs = this.#onInput(input, now);
    const { state } = this.health(now);
    if (state === this.#said) return outputs;
    this.#said = state;
    return [...outputs, ...this.#responder.step({ kind: "health-changed" }, now)];
  }

  nextDeadline(): Instant | undefined {
    const life = this.#life?.kind === "awaited" ? this.#life.until : undefined;
    return earliest(this.#check?.nextDeadline(), this.#responder.nextDeadline(), life);
  }

  /** The worst that is known: what the worker reports, its process, its check, in this order. */
  health(now: Instant): AgentHealth {
    if (this.#reported?.healthy === false) return reportedHealth(this.#reported, now);
    const life = this.#life;
    if (life?.kind === "missing") {
      const checkedAgo = elapsed(life.since, now);
      return { state: "unhealthy", checkedAgo, reason: life.reason };
    }
    if (life?.kind === "awaited") return { state: "starting", checkedAgo: 0, reason: "" };
    if (this.#check !== undefined) return this.#check.health(now);
    if (this.#reported !== undefined) return reportedHealth(this.#reported, now);
    // The process is looked at all the time, so its life is as fresh as can be.
    if (life !== undefined) return { state: "healthy", checkedAgo: 0, reason: "" };
    return { state: "unchecked", checkedAgo: 0, reason: "" };
  }

  #onInput(input: AgentInput, now: Instant): readonly AgentOutput[] {
    switch (input.kind) {
      case "opened":
        return this.#onOpened(input, now);
      case "check-finished":
        return this.#check?.step(input, now) ?? [];
      case "process-appeared":
        return this.#onAppeared(now);
      case "process-exited":
        this.#life = {
          kind: "missing",
          since: input.at,
          reason: `process ${this.#setup.watchedProcess ?? ""} exited (${input.process})`,
        };
        return this.#responder.step(input, now);
      case "health-reported":
        this.#reported = { healthy: input.healthy, reason: input.reason, at: now };
        return [];
      case "timer-fired":
        this.#onLifeTimer(now);
        return [
          ...(this.#check?.step({ kind: "timer-fired" }, now) ?? []),
          ...this.#responder.step({ kind: "timer-fired" }, now),
        ];
      case "ping-received":
      case "text-ping-received":
      case "stop-requested":
        return this.#responder.step(input, now);
    }
  }

  #onOpened(input: Extract<AgentInput, { kind: "opened" }>, now: Instant): readonly AgentOutput[] {
    const { watchedProcess, timing } = this.#setup;
    if (watchedProcess !== undefined) {
      this.#life = { kind: "awaited", until: after(now, timing.startPeriod) };
    }
    const checks = this.#check?.step({ kind: "started" }, now) ?? [];
    this.#said = this.health(now).state; // The first announcement says it.
    return [...checks, ...this.#responder.step(input, now)];
  }

  #onAppeared(now: Instant): readonly AgentOutput[] {
    const isNew = this.#life?.kind === "missing";
    this.#life = { kind: "alive", since: now };
    return isNew ? (this.#check?.step({ kind: "worker-started" }, now) ?? []) : [];
  }

  #onLifeTimer(now: Instant): void {
    if (this.#life?.kind !== "awaited" || now < this.#life.until) return;
    const reason = `there is no process ${this.#setup.watchedProcess ?? ""}`;
    this.#life = { kind: "missing", since: now, reason };
  }
}

function reportedHealth(reported: Reported, now: Instant): AgentHealth {
  return {
    state: reported.healthy ? "healthy" : "unhealthy",
    checkedAgo: elapsed(reported.at, now),
    reason: reported.reason,
  };
}
