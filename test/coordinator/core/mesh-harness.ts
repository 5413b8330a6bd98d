// Whole coordinators in virtual time: their real core, a network that delays, loses and is cut, and an engine and a queue as scripts.

import assert from "node:assert/strict";
import { aged } from "../../../coordinator/core/aged-record.ts";
import { Coordinator, type CoordinatorConfig } from "../../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import type { EngineNews } from "../../../coordinator/core/engine-news.ts";
import type { CoreEvent, EventKind } from "../../../coordinator/core/event.ts";
import type { Heard } from "../../../coordinator/core/hearing.ts";
import type { Ballot } from "../../../coordinator/core/election.ts";
import type { LifeResult, WindowResult } from "../../../coordinator/core/vigil.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../../coordinator/core/summary.ts";
import type { RevivalOrder } from "../../../coordinator/core/recoveries.ts";
import type { GossipRecord, Message } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { incarnation, instant, type Instant } from "../../../proto/units.ts";
import { VirtualTime } from "./virtual-time.ts";
import { config as recovery, settings } from "./recovery-specs.ts";
import { ScriptedEngine } from "./scripted-engine.ts";
import { ScriptedQueue } from "./scripted-queue.ts";
import { membersNamed } from "./members-named.ts";

export interface MeshOptions {
  readonly seed?: number;
  readonly coordinators?: number;
  readonly recovery?: Partial<CoordinatorConfig["recovery"]>;
  readonly settings?: Partial<typeof settings>;
}

interface Node {
  readonly id: string;
  core: Coordinator;
  /** Its monotonic clock is ahead of the mesh's time by this. */
  offset: number;
  ballot: Ballot | "lost";
  isAlive: boolean;
  due: number;
  waits: Map<number, (result: LifeResult | WindowResult) => void>;
}

/** What a coordinator asked for, and when. */
export interface Deed {
  readonly at: number;
  readonly by: string;
  readonly order: RevivalOrder;
  readonly way: "enqueue" | "act-directly";
}

const newsDelay = 2;
/** After the start of a process. */
const redisAnswers = 300;

export class MeshHarness extends VirtualTime {
  /** One way, ms; in each direction 0–1. */
  readonly weather = { delay: 1, loss: 0 };
  /** `from>to`, of coordinators' ids and workers' addresses; `*` stands for all. */
  readonly cuts = new Set<string>();
  readonly nodes = new Map<string, Node>();
  readonly engine: ScriptedEngine;
  readonly queue: ScriptedQueue;
  readonly deeds: Deed[] = [];
  /** No coordinator was ever killed: whatever happened was told. */
  hadLeaderAllAlong = true;
  readonly events: (CoreEvent & { readonly at: number; readonly by: string })[] = [];
  /** What Redis keeps of workers. */
  readonly #saved = new Map<string, { readonly record: GossipRecord; readonly at: number }>();
  readonly #heard = new Map<string, Heard>();
  readonly #options: MeshOptions;
  readonly #random: Random;
  #nextId = 1;

  constructor(options: MeshOptions = {}) {
    super();
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    const at = this.at.bind(this);
    this.engine = new ScriptedEngine({ now: () => this.now, at, emit: this.#emit.bind(this) });
    this.queue = new ScriptedQueue({
      at,
      engine: this.engine,
      runners: () => this.alive().map(({ id }) => id),
      tell: (news, to) => {
        this.#toAll(newsDelay, { kind: "job-news", news }, to);
      },
      awaitLife: (runner, wait, done) => {
        const id = this.#wait(runner, done as (result: string) => void);
        this.input(runner, { kind: "life-awaited", id, ...wait, isSecondLook: false });
      },
      watchWindow: (runner, worker, window, done) => {
        const id = this.#wait(runner, done as (result: string) => void);
        this.input(runner, { kind: "window-opened", id, worker, window });
      },
    });
  }

  /** Brings all coordinators up, and lets them elect a leader and hear the workers. */
  begin(ms = 4_000): this {
    const ids = Array.from({ length: this.#options.coordinators ?? 3 }, (_, i) => `c${i + 1}`);
    for (const id of ids) this.boot(id, ids);
    this.#repeat(10_000, () => {
      this.#toAll(1, this.engine.snapshot());
    });
    this.pass(ms);
    return this;
  }

  /** A process starts: with what its disk kept, and nothing else. */
  boot(id: string, ids: readonly string[] = [...this.nodes.keys()]): void {
    const offset = 1_000 + this.#random.below(1e6);
    const ballot = this.nodes.get(id)?.ballot ?? "lost";
    const now = instant(this.now + offset);
    const core = new Coordinator(this.#configOf(id, ids, offset), ballot, this.#random.fork(), now);
    const waits: Node["waits"] = new Map();
    this.nodes.set(id, { id, core, offset, ballot, isAlive: true, due: this.now, waits });
    this.input(id, { kind: "redis-changed", state: this.queue.isUp ? "reachable" : "unreachable" });
    this.input(id, this.engine.snapshot());
    this.at(redisAnswers, () => {
      this.#load(id);
    });
  }

  /** What Redis remembers, told to one that has started. */
  #load(id: string): void {
    if (!this.queue.isUp || this.nodes.get(id)?.isAlive !== true) return;
    const records = [...this.#saved.values()].map(({ record, at }) => aged(record, this.now - at));
    this.input(id, { kind: "records-loaded", records, heard: [...this.#heard.values()] });
  }

  kill(id: string): void {
    const node = this.#node(id);
    node.isAlive = false;
    this.hadLeaderAllAlong = false;
    node.waits.clear();
    this.queue.onRunnerDead(id);
  }

  /** Nothing goes in or out of it any more but what runs beside it (engine, queue). */
  cutOff(id: string): void {
    this.cuts.add(`${id}>*`).add(`*>${id}`);
  }

  redis(state: "reachable" | "unreachable"): void {
    this.queue.isUp = state === "reachable";
    this.#toAll(0, { kind: "redis-changed", state });
    for (const { id } of this.alive()) this.#load(id);
  }

  alive(): Node[] {
    return [...this.nodes.values()].filter(({ isAlive }) => isAlive);
  }

  leader(): string {
    const leaders = this.alive().filter(({ id }) => this.summary(id).leaseFor > 0);
    assert(leaders.length <= 1, "two coordinators hold a lease");
    return leaders[0]?.id ?? "";
  }

  summary(id: string): CoordinatorSummary {
    const node = this.#node(id);
    return node.core.summary(this.#clock(node));
  }

  worker(name: string, by = this.alive()[0]!.id): WorkerSummary {
    const worker = this.summary(by).workers.find(({ id }) => isOf(id, name));
    assert(worker !== undefined, `${name} is not watched`);
    return worker;
  }

  deedsOn(name: string, since = 0): Deed[] {
    return this.deeds.filter(({ order, at }) => order.target.name === name && at >= since);
  }

  told(kind: EventKind, name?: string): CoreEvent[] {
    return this.events.filter(
      (event) => event.kind === kind && (name === undefined || isOf(event.worker, name)),
    );
  }

  input(id: string, input: CoordinatorInput): void {
    const node = this.nodes.get(id);
    if (node?.isAlive === true) this.#step(node, input);
  }

  protected dueTimes(): readonly number[] {
    return this.alive().map(({ due }) => due);
  }

  protected tick(): void {
    for (const node of this.alive()) this.#tick(node);
  }

  #tick(node: Node): void {
    for (let round = 0; node.isAlive && node.due <= this.now; round++) {
      assert(round < 1_000, `${node.id} never comes to rest`);
      this.#step(node, { kind: "timer-fired", lateness: 0 });
    }
  }

  #step(node: Node, input: CoordinatorInput): void {
    const outputs = node.core.step(input, this.#clock(node));
    for (const output of outputs) this.#perform(node, output);
    const due = node.core.nextDeadline();
    node.due = due === undefined ? Infinity : due - node.offset;
  }

  #perform(node: Node, output: CoordinatorOutput): void {
    switch (output.kind) {
      case "persist":
        node.ballot = output.ballot;
        this.at(0, () => {
          this.input(node.id, { kind: "persisted" });
        });
        break;
      case "send-peer":
        this.#send(node.id, output.to, node.id, output.message);
        break;
      case "ping-worker":
        this.#ping(node.id, output.address, output.nonce);
        break;
      case "enqueue":
      case "act-directly": {
        const { order, kind: way } = output;
        assert(output.validUntil > this.#clock(node), "asked for without a lease");
        this.deeds.push({ at: this.now, by: node.id, order, way });
        this.at(1, () => {
          if (!node.isAlive) return;
          if (output.kind === "enqueue") this.queue.enqueue(order, node.id);
          else this.queue.actDirectly(order, output.tryNumber, node.id);
        });
        break;
      }
      case "publish":
        this.events.push({ ...output.event, at: this.now, by: node.id });
        break;
      case "life-answered":
      case "window-closed": {
        const { id, result } = output;
        const answer = node.waits.get(id);
        node.waits.delete(id);
        this.at(0, () => answer?.(result));
        break;
      }
      case "check-worker":
      case "knock-host":
      case "reply":
      case "worker-settled":
      case "role-changed":
      case "members-changed":
      case "change-ended":
      case "read-swarm":
        break;
      case "save-heard": {
        const { heard } = output;
        if (this.queue.isUp) this.#heard.set(`${heard.worker} ${heard.voice}`, heard);
        break;
      }
      case "save-record":
        if (this.queue.isUp) {
          this.#saved.set(output.record.worker, { record: output.record, at: this.now });
        }
    }
  }

  #ping(from: string, address: string, nonce: number): void {
    this.#carry(from, address, () => {
      const answer = this.engine.answerAt(address);
      if (answer === undefined) return;
      const life = { incarnation: incarnation(1), lag: 0, load: 0 };
      this.#send(address, from, answer.name, { kind: "pong", nonce, ...life, ...answer });
    });
  }

  #send(from: string, to: string, sender: string, message: Message): void {
    this.#carry(from, to, () => {
      this.input(to, {
        kind: "datagram-received",
        sender,
        address: from,
        port: 8888,
        message,
      });
    });
  }

  #carry(from: string, to: string, arrive: () => void): void {
    if (this.#random.float() < this.weather.loss) return;
    if ([`${from}>${to}`, `${from}>*`, `*>${to}`].some((way) => this.cuts.has(way))) return;
    this.at(this.#random.jitter(this.weather.delay, 0.3), arrive);
  }

  /** What a runner did itself its own coordinator knows as its own. */
  #emit(news: EngineNews, ours?: string): void {
    for (const { id } of this.alive()) {
      const mine =
        news.kind === "engine-event"
          ? { ...news, event: { ...news.event, ours: id === ours } }
          : news;
      this.at(1, () => {
        this.input(id, mine);
      });
    }
  }

  #toAll(ms: number, input: CoordinatorInput, only?: string): void {
    for (const { id } of this.alive()) {
      if (only !== undefined && only !== id) continue;
      this.at(ms, () => {
        this.input(id, input);
      });
    }
  }

  #repeat(ms: number, run: () => void): void {
    this.at(ms, () => {
      run();
      this.#repeat(ms, run);
    });
  }

  #wait(runner: string, done: (result: string) => void): number {
    const id = this.#nextId++;
    this.#node(runner).waits.set(id, done);
    return id;
  }

  #node(id: string): Node {
    const node = this.nodes.get(id);
    assert(node !== undefined, `no coordinator ${id}`);
    return node;
  }

  #clock(node: Node): Instant {
    return instant(this.now + node.offset);
  }

  #configOf(id: string, members: readonly string[], offset: number): CoordinatorConfig {
    const coordinatorIndex = members.indexOf(id);
    const pinger = {
      coordinatorIndex,
      coordinatorCount: members.length,
      phaseOrigin: instant(offset),
    };
    const defaults = { ...settings, ...this.#options.settings };
    return {
      election: {
        id,
        members: membersNamed(...members),
        heartbeatInterval: 100,
        leaderTimeout: 750,
        tick: 5,
      },
      wards: {
        self: id,
        coordinators: members,
        heartbeatInterval: 100,
        pinger,
        census: {
          workerLabels: ["role=node"],
          statics: [],
          defaults,
          meshPort: 7700,
          hostname: id,
        },
        stopHold: 3_000,
        backoff: 1_000,
      },
      recovery: { ...recovery, ...this.#options.recovery },
      incarnation: incarnation(1),
      hostname: id,
    };
  }
}

/** By the container's name, or by a Swarm's slot. */
const isOf = (worker: string, name: string): boolean =>
  worker === `h1/${name}` || worker === `swarm/${name}`;
