// Watches one engine: its events the moment they come, a full list every 10 s and after each (re)connection, and whether it answers.

import type { Random } from "../../proto/random.ts";
import type { EngineNews } from "../core/engine-news.ts";
import { isCoded } from "../../proto/coded-error.ts";
import type { EngineClient } from "./engines.ts";
import { EventTail } from "./event-tail.ts";
import type { StampedEvent } from "./event-lines.ts";
import { Break, isOpen, LongRun, pause } from "./long-run.ts";
import type { OwnActions } from "./own-actions.ts";
import { isMarked, type Relevance } from "./relevance.ts";
import { Roster } from "./roster.ts";
import type { RawInspection } from "./views.ts";

/** Between two full lists. */
const reconcileEvery = 10_000;
/** Between two pings; with a ping's timeout a frozen engine is noticed within 4 s. */
const pingEvery = 1_000;
/** After news of a container that may join a watched namespace; several are answered by one list. */
const reconcileSoon = 150;
const backoffFirst = 200;
const backoffMost = 2_000;

export interface WatcherParts {
  readonly client: EngineClient;
  readonly relevance: Relevance;
  readonly own: OwnActions;
  readonly random: Random;
  /** Called in the order things were heard; must not throw. */
  readonly emit: (news: EngineNews) => void;
  /** Each inspection of a relevant container, as the engine gave it: for the specs that a recreation needs. */
  readonly onInspected?: (host: string, raw: RawInspection) => void;
}

type Connected =
  | { readonly kind: "never" }
  /** The mark of the engine's run when it was last reached; empty where it gives none. */
  | { readonly kind: "up"; readonly run: string }
  /** `host`: the name under which the loss was told; an engine that was never reached has none but its address. */
  | { readonly kind: "lost"; readonly run: string; readonly host: string };

export class EngineWatcher {
  readonly #parts: WatcherParts;
  readonly #roster: Roster;
  readonly #tail = new EventTail();
  #state: Connected = { kind: "never" };
  #failures = 0;
  readonly #work = new LongRun((stopping) => this.#run(stopping));
  /** Between two full lists. */
  readonly #break = new Break();

  constructor(parts: WatcherParts) {
    this.#parts = parts;
    this.#roster = new Roster(parts);
  }

  /** The engine's name, as far as it is known. */
  get host(): string {
    return this.#parts.client.host;
  }

  start(): void {
    this.#work.start();
  }

  stop(): Promise<void> {
    return this.#work.stop();
  }

  /** A full list now, besides the regular ones. */
  reconcile(): void {
    this.#break.wake();
  }

  async #run(stopping: AbortSignal): Promise<void> {
    while (isOpen(stopping)) {
      const session = new AbortController();
      const signal = AbortSignal.any([stopping, session.signal]);
      try {
        await this.#session(signal);
      } catch (error) {
        if (isOpen(stopping)) this.#becomeLost(reasonOf(error));
      } finally {
        session.abort();
      }
      if (isOpen(stopping)) await this.#backOff(stopping);
    }
  }

  /** Returns when the stream ended; throws when the engine does not answer. */
  async #session(signal: AbortSignal): Promise<void> {
    const { client } = this.#parts;
    await client.connect();
    const run = await client.runMark();
    const stream = await client.events(this.#tail.since(), signal);
    if (signal.aborted) return;
    const ended = this.#tail.read(stream, client.host, (event) => {
      this.#onEvent(event);
    });
    this.#becomeUp(run);
    await this.#roster.reconcile(signal);
    this.#failures = 0;
    await Promise.race([ended, this.#pinging(signal), this.#reconciling(signal)]);
  }

  async #pinging(signal: AbortSignal): Promise<void> {
    while (isOpen(signal)) {
      await pause(pingEvery, signal);
      if (isOpen(signal)) await this.#parts.client.ping();
    }
  }

  async #reconciling(signal: AbortSignal): Promise<void> {
    while (isOpen(signal)) {
      await this.#break.wait(reconcileEvery, reconcileSoon, signal);
      if (isOpen(signal)) await this.#roster.reconcile(signal);
    }
  }

  #becomeUp(run: string): void {
    const { emit, client } = this.#parts;
    const before = this.#state;
    this.#state = { kind: "up", run };
    if (before.kind === "never") return;
    const restarted = before.run !== "" && run !== "" && before.run !== run;
    if (before.kind === "up" && !restarted) return;
    if (before.kind === "up") {
      // Its stop and start both fell between two pings.
      emit({ kind: "engine-lost", host: client.host, reason: "the engine was restarted" });
    }
    const host = before.kind === "lost" ? before.host : client.host;
    emit({ kind: "engine-back", host, restarted });
  }

  #becomeLost(reason: string): void {
    if (this.#state.kind === "lost") return;
    const { emit, client } = this.#parts;
    const run = this.#state.kind === "up" ? this.#state.run : "";
    this.#state = { kind: "lost", run, host: client.host };
    emit({ kind: "engine-lost", host: client.host, reason });
  }

  #onEvent(stamped: StampedEvent): void {
    const { own, emit, relevance } = this.#parts;
    const { containerId, name, action } = stamped.event;
    const ours = own.isOurs(containerId, name, action);
    const event = { ...stamped.event, ours };
    const marked = isMarked(event, relevance) || this.#roster.has(event.containerId);
    if (marked || Object.hasOwn(event.labels, "com.docker.compose.project")) {
      emit({ kind: "engine-event", event });
    }
    // It may join the namespace of a watched one, or be joined by one: only a list tells.
    if (event.action === "create" || (event.action === "start" && !marked)) this.reconcile();
    if (marked) this.#roster.onEvent(event);
  }

  /** 200 ms after the first failure, doubling to 2 s, ±25 %: a restarted engine is found soon, and not by all at once. */
  async #backOff(stopping: AbortSignal): Promise<void> {
    const wait = Math.min(backoffMost, backoffFirst * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    await pause(this.#parts.random.jitter(wait, 0.25), stopping);
  }
}

const reasonOf = (error: unknown): string => {
  if (isCoded(error, "HM_ENGINE_UNAVAILABLE") || isCoded(error, "HM_ENGINE_REFUSED")) {
    return error.detail;
  }
  throw error;
};
