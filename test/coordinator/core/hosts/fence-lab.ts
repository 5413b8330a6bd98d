// One host with fenced containers, its agent's fence, and the watches of a trio, in virtual time: clocks that run apart, datagrams that are lost, late, repeated, and everybody restarted.

import assert from "node:assert/strict";
import { Fence, type FenceInput, type FenceMemory } from "../../../../agent/core/fence.ts";
import type { FenceView } from "../../../../coordinator/core/hosts/fence.ts";
import { HostWatch } from "../../../../coordinator/core/hosts/watch.ts";
import type { HostOutput } from "../../../../coordinator/core/hosts/watch-shape.ts";
import type { Grant, Message, Pong } from "../../../../proto/messages.ts";
import { Random } from "../../../../proto/random.ts";
import { incarnation, instant, term, type Instant } from "../../../../proto/units.ts";
import { settings } from "../recovery-specs.ts";
import { VirtualTime } from "../virtual-time.ts";

export interface FenceLabOptions {
  readonly seed?: number;
  readonly loss?: number;
  /** Each clock runs wrong by up to 1 % where true. */
  readonly drifts?: boolean;
  /** Datagrams come late, by up to seconds, and more than once. */
  readonly disorder?: boolean;
  readonly fenceAfter?: number;
  readonly goodbye?: boolean;
}

interface Clock {
  readonly offset: number;
  readonly rate: number;
}

interface Node {
  readonly id: string;
  readonly clock: Clock;
  watch: HostWatch;
  /** Until then it is away, by real time. */
  downUntil: number;
  isLeaving: boolean;
}

const ids = ["c1", "c2", "c3"];
const host = "h1";
/** What the container asks for, and what the agent may take besides: looks at its clock, kills, its own lateness. */
const stopTimeout = 1_000;
const reaction = 260;
/** Somebody starts what was stopped so long after the host was granted again. */
const startsAfter = 3_000;

export class FenceLab extends VirtualTime {
  readonly nodes: readonly Node[];
  /** `from>to` of c1 … and h1; `*` for all. */
  readonly cuts = new Set<string>();
  isRunning = true;
  /** How often the container was stopped by its agent. */
  stops = 0;
  agentDownUntil = 0;
  readonly #options: FenceLabOptions;
  readonly #random: Random;
  readonly #agentClock: Clock;
  #fence = new Fence("none", 0);
  #memory = this.#fence.memory;
  #incarnation = 1;
  #agentLookAt = 0;
  #heldSince = 0;

  constructor(options: FenceLabOptions = {}) {
    super();
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    this.#agentClock = this.#clock();
    this.nodes = ids.map((id) => {
      const clock = this.#clock();
      return { id, clock, watch: this.#watch(id, clock), downUntil: 0, isLeaving: false };
    });
  }

  get state(): string {
    return this.#fence.state;
  }

  node(id: string): Node {
    const node = this.nodes.find((one) => one.id === id);
    assert(node !== undefined, id);
    return node;
  }

  view(id: string): FenceView {
    const node = this.node(id);
    return node.watch.fence(host, this.#at(node.clock));
  }

  /** Both ways, to the host or from it, for all or for one coordinator. */
  cut(way: "both" | "in" | "out" = "both", who = "*"): void {
    if (way !== "in") this.cuts.add(`${host}>${who}`);
    if (way !== "out") this.cuts.add(`${who}>${host}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  /** It forgets everything; by a goodbye, where it stops on purpose. */
  restart(id: string, away: number, how: "crash" | "stop" = "crash"): void {
    const node = this.node(id);
    if (this.#isDown(node)) return;
    if (how === "stop") {
      this.#perform(node, node.watch.sayGoodbye(this.#at(node.clock)));
      node.isLeaving = true;
      this.at(150, () => {
        node.isLeaving = false;
        this.#renew(node, away);
      });
    } else this.#renew(node, away);
  }

  /** The agent alone, with what it has on its disk; its machine goes on. */
  restartAgent(away: number, memory: "kept" | "lost" = "kept"): void {
    this.agentDownUntil = this.now + away;
    this.at(away, () => {
      this.#fence = new Fence(
        memory === "lost" ? "lost" : this.#remembered(),
        this.#random.nonce(),
      );
      this.#incarnation++;
      this.#tell({ kind: "started" });
      this.#agentLookAt = this.now + 100;
    });
  }

  /** The container runs nowhere else only where this holds. */
  assertNoOverlap(): void {
    for (const node of this.nodes) {
      if (this.#isDown(node) || node.isLeaving) continue;
      const view = this.view(node.id);
      if (view.kind !== "stopped") continue;
      assert(
        !this.isRunning,
        `${node.id} at ${this.now}: ${view.text}, and it runs (${this.state})`,
      );
    }
  }

  protected dueTimes(): readonly number[] {
    return [this.#agentLookAt, ...this.nodes.map((node) => this.#dueOf(node))];
  }

  protected tick(): void {
    if (this.now >= this.#agentLookAt) {
      this.#agentLookAt = this.now + 100;
      if (this.now >= this.agentDownUntil) this.#tell({ kind: "timer-fired" });
    }
    for (const node of this.nodes) {
      for (let round = 0; this.#dueOf(node) <= this.now; round++) {
        assert(round < 1_000, `${node.id} never comes to rest`);
        this.#perform(node, node.watch.onTick(0, this.#at(node.clock)));
      }
    }
  }

  #dueOf(node: Node): number {
    if (this.#isDown(node)) return Infinity;
    const due = node.watch.nextDeadline(this.#at(node.clock));
    if (due === undefined) return Infinity;
    if (due <= this.#at(node.clock)) return this.now;
    // A clock read back and forth rounds.
    return (due - node.clock.offset) / node.clock.rate + 1e-6;
  }

  #renew(node: Node, away: number): void {
    node.downUntil = this.now + away;
    this.at(away, () => {
      node.watch = this.#watch(node.id, node.clock);
    });
  }

  #watch(id: string, clock: Clock): HostWatch {
    const now = this.#at(clock);
    const fence = {
      after: this.#options.fenceAfter ?? 5_000,
      saysGoodbye: this.#options.goodbye !== false,
    };
    const origin = instant(clock.offset);
    const pinger = { coordinatorIndex: ids.indexOf(id), coordinatorCount: 3, phaseOrigin: origin };
    const listed = [{ name: host, host: "10.0.0.1", port: 8888 }];
    const times = { self: id, coordinators: ids, heartbeatInterval: 100, settings, port: 8888 };
    const watch = new HostWatch(
      { ...times, pinger, listed, fence },
      () => undefined,
      this.#random.fork(),
      now,
    );
    const members = ids.map((name) => ({ id: name, host: name, port: 7700 }));
    watch.granting.onSet({ stamp: { term: term(0), version: 0 }, members }, now);
    watch.setFit(true);
    return watch;
  }

  #perform(node: Node, outputs: readonly HostOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "ping-worker") {
        const { nonce, grant } = output;
        this.#carry(node.id, host, () => {
          this.#onPing(node, nonce, grant);
        });
      } else if (output.kind === "knock-host") {
        const { nonce, timeout } = output;
        this.at(timeout, () => {
          if (!this.#isDown(node)) node.watch.onKnocked(host, nonce, "none", this.#at(node.clock));
        });
      } else if (output.kind === "send-peer") {
        const { to, message } = output;
        this.#carry(node.id, to, () => {
          this.#onPeer(this.node(to), node.id, message);
        });
      }
    }
  }

  #onPeer(to: Node, from: string, message: Message): void {
    if (this.#isDown(to)) return;
    const now = this.#at(to.clock);
    if (message.kind === "report") to.watch.onReport(from, message, now);
    else if (message.kind === "doubt") this.#perform(to, to.watch.onDoubt(from, message, now));
  }

  #onPing(node: Node, nonce: number, grant: Grant | undefined): void {
    if (this.now < this.agentDownUntil) return;
    const about = { coordinator: node.id, grant, within: stopTimeout };
    this.#tell({ kind: "ping-answered", ...about });
    const pong: Pong = {
      ...{ kind: "pong", nonce, name: host, incarnation: incarnation(this.#incarnation) },
      health: { state: "healthy", checkedAgo: 0, reason: "" },
      ...{ lag: 0, load: 0, capacity: { processors: 1, memory: 1, available: 1 } },
      fence: {
        ...{ able: true, within: stopTimeout },
        ...{ state: this.#fence.state, answer: this.#fence.answer },
      },
    };
    this.#carry(host, node.id, () => {
      if (this.#isDown(node)) return;
      this.#perform(node, node.watch.onPong(pong, "10.0.0.1", this.#at(node.clock)) ?? []);
    });
  }

  #tell(input: FenceInput): void {
    // Its clock is read in whole hundredths of a second.
    const now = instant(Math.floor(this.#at(this.#agentClock) / 10) * 10);
    for (const output of this.#fence.step(input, now)) {
      if (output.kind === "stop-fenced") this.#stop();
      else if (output.state === "held") this.#onHeld();
    }
    this.#memory = this.#fence.memory;
  }

  #stop(): void {
    const takes = this.#random.between(0, stopTimeout + reaction) / this.#agentClock.rate;
    this.at(takes, () => {
      if (this.isRunning) this.stops++;
      this.isRunning = false;
    });
  }

  #onHeld(): void {
    this.#heldSince = this.now;
    this.at(startsAfter, () => {
      const isGranted = this.#fence.state === "held" || this.#fence.state === "kept";
      if (isGranted && this.now - this.#heldSince >= startsAfter) this.isRunning = true;
    });
  }

  #remembered(): FenceMemory | "none" {
    return this.#memory.state === "never" ? "none" : this.#memory;
  }

  #carry(from: string, to: string, arrive: () => void): void {
    const { loss = 0, disorder = false } = this.#options;
    const copies = disorder && this.#random.float() < 0.1 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.float() < loss) continue;
      if ([`${from}>${to}`, `${from}>*`, `*>${to}`].some((way) => this.cuts.has(way))) continue;
      const isLate = disorder && (copy > 0 || this.#random.float() < 0.05);
      this.at(this.#random.between(0.3, isLate ? 6_000 : 1), arrive);
    }
  }

  #isDown(node: Node): boolean {
    return this.now < node.downUntil;
  }

  #clock(): Clock {
    const wrong = this.#options.drifts === true ? this.#random.between(-0.01, 0.01) : 0;
    return { offset: 1_000 + this.#random.below(1e6), rate: 1 + wrong };
  }

  #at({ offset, rate }: Clock): Instant {
    return instant(offset + this.now * rate);
  }
}
