// The main thread's handle of the mesh thread: inputs go in, what acts comes out, and both eyes of the runner look through it.

import { systemClock } from "../../agent/io/clock.ts";
import type { KeyRing } from "../../proto/key-ring.ts";
import type { Duration } from "../../proto/units.ts";
import type { CoordinatorInput } from "../core/exchange.ts";
import type { RevivalJob } from "../core/job.ts";
import type { LifeResult, WindowResult } from "../core/vigil.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { LifeWatch } from "../jobs/ports.ts";
import { LeaseBoard } from "./lease-board.ts";
import {
  leaseMargin,
  sharedClock,
  type ActingOutput,
  type FromMesh,
  type MeshPlan,
  type MeshSetup,
  type ToMesh,
} from "./mesh-protocol.ts";
import { spawnThread, type MeshThread } from "./mesh-spawn.ts";
import { RecordingRing } from "./recording-ring.ts";

/** What acts, with the instant of the shared clock from which on it must not be begun any more. */
export type ReceivedOutput =
  | Exclude<ActingOutput, { kind: "life-answered" | "window-closed" | "enqueue" | "act-directly" }>
  | (Extract<ActingOutput, { kind: "enqueue" | "act-directly" }> & { readonly deadline: number });

export interface MeshEvents {
  readonly onOutput: (output: ReceivedOutput) => void;
  /** Ten times a second. */
  readonly onSummary: (summary: CoordinatorSummary) => void;
  readonly onLog: (level: "warn" | "error", text: string) => void;
  /** The thread ended without being asked: the process can do nothing any more. */
  readonly onDied: (reason: string) => void;
}

const aliveEvery: Duration = 1_000;
/** Longer than the thread's handover; then it is ended. */
const stopBound: Duration = 1_000;
const flushBound: Duration = 1_000;

export class Mesh implements LifeWatch {
  readonly #events: MeshEvents;
  readonly #setup: MeshSetup;
  readonly #waits = new Map<number, (result: string) => void>();
  readonly #lease = new LeaseBoard(() => systemClock.wall());
  readonly #ring: RecordingRing;
  #thread: MeshThread | undefined;
  /** What came before the core was there to hear it; undefined from then on. */
  #early: CoordinatorInput[] | undefined = [];
  #alive: NodeJS.Timeout | undefined;
  #summary: CoordinatorSummary | undefined;
  readonly #cutLinks = new Set<string>();
  #nextId = 1;
  #stopped: (() => void) | undefined;
  #flushed: (() => void)[] = [];

  constructor(setup: MeshPlan, events: MeshEvents) {
    this.#setup = { ...setup, leaseBoard: this.#lease.buffer };
    this.#events = events;
    this.#ring = new RecordingRing({
      span: setup.recordSpan,
      onSegmentDue: () => {
        this.#say({ kind: "checkpoint" });
      },
    });
  }

  /** Resolves when the socket is bound; rejects with the system's reason. */
  start(): Promise<{ readonly port: number; readonly damage: readonly string[] }> {
    const thread = spawnThread(this.#setup);
    this.#thread = thread;
    return new Promise((resolve, reject) => {
      thread.on("message", (message: FromMesh) => {
        if (message.kind === "ready") {
          this.#onReady();
          resolve(message);
        } else if (message.kind === "failed") reject(new Error(message.reason));
        else this.#onMessage(message);
      });
      thread.on("error", (error) => {
        reject(error);
        this.#events.onDied(error.stack ?? error.message);
      });
      thread.on("exit", (code) => {
        if (this.#stopped === undefined) this.#events.onDied(`it exited with code ${code}`);
        this.#stopped?.();
      });
      this.#alive = setInterval(() => {
        this.push({ kind: "main-alive" });
      }, aliveEvery);
    });
  }

  push(input: CoordinatorInput): void {
    if (this.#early === undefined) this.#say({ kind: "input", input });
    else this.#early.push(input);
  }

  #onReady(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const input of early) this.push(input);
  }

  swapRing(ring: KeyRing): void {
    this.#say({ kind: "swap-ring", ring });
  }

  /** Ids of coordinators whose datagrams are lost, both ways. */
  get cutLinks(): ReadonlySet<string> {
    return this.#cutLinks;
  }

  /** For tests: a broken network between this coordinator and that one. */
  cutLink(peer: string, isCut: boolean): void {
    if (isCut) this.#cutLinks.add(peer);
    else this.#cutLinks.delete(peer);
    this.#say({ kind: "cut-links", peers: [...this.#cutLinks] });
  }

  /** Undefined until the first picture, a moment after the start. */
  get summary(): CoordinatorSummary | undefined {
    return this.#summary;
  }

  /** Whether it may act now, with as much time left as a call needs to begin. */
  holdsLease(): boolean {
    return this.#lease.left() > leaseMargin;
  }

  awaitLife(
    job: RevivalJob,
    acted: { readonly containerId: string; readonly startedAt: string },
    timeout: Duration,
    isSecondLook: boolean,
  ): Promise<LifeResult> {
    const id = this.#nextId++;
    const { worker } = job.token;
    if (job.action === "kill") {
      const { startedAt } = job.target;
      const successor = { startedAt, timeout, isSecondLook, isSuccessor: true } as const;
      this.push({ kind: "life-awaited", id, worker, ...successor });
    } else {
      // Only its agent was acted on: the worker's own start is as it was.
      const startedAt = job.action === "revive-agent" ? "" : acted.startedAt;
      this.push({ kind: "life-awaited", id, worker, startedAt, timeout, isSecondLook });
    }
    return this.#answer(id) as Promise<LifeResult>;
  }

  watchWindow(job: RevivalJob, window: Duration): Promise<WindowResult> {
    const id = this.#nextId++;
    this.push({ kind: "window-opened", id, worker: job.token.worker, window });
    return this.#answer(id) as Promise<WindowResult>;
  }

  /** What the flight recorder holds, up to now; without its last second where the thread does not answer in time. Undefined where there is none. */
  async recording(): Promise<Buffer | undefined> {
    if (this.#setup.recordSpan === 0) return undefined;
    await new Promise<void>((resolve) => {
      this.#flushed.push(resolve);
      this.#say({ kind: "flush-recording" });
      setTimeout(resolve, flushBound).unref();
    });
    return this.#ring.file({
      id: this.#setup.core.election.id,
      cluster: this.#setup.clusterId,
      node: process.version,
      recordedAt: systemClock.wall(),
    });
  }

  /** Ends the lease and hands over first; bounded in time; idempotent. */
  async stop(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined || this.#stopped !== undefined) return;
    clearInterval(this.#alive);
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      this.#say({ kind: "stop" });
      setTimeout(resolve, stopBound).unref();
    });
    await thread.terminate();
  }

  #answer(id: number): Promise<string> {
    return new Promise((resolve) => {
      this.#waits.set(id, resolve);
    });
  }

  #say(message: ToMesh): void {
    this.#thread?.postMessage(message);
  }

  #onMessage(message: Exclude<FromMesh, { kind: "ready" | "failed" }>): void {
    switch (message.kind) {
      case "summary":
        this.#summary = message.summary;
        this.#events.onSummary(message.summary);
        break;
      case "log":
        this.#events.onLog(message.level, message.text);
        break;
      case "recorded":
        this.#ring.add(message.block);
        break;
      case "recording-flushed":
        for (const resolve of this.#flushed.splice(0)) resolve();
        break;
      case "stopped":
        this.#stopped?.();
        break;
      case "outputs":
        for (const output of message.outputs) this.#onOutput(output, message.now, message.clock);
        break;
    }
  }

  #onOutput(output: ActingOutput, now: number, clock: number): void {
    switch (output.kind) {
      case "life-answered":
      case "window-closed":
        this.#waits.get(output.id)?.(output.result);
        this.#waits.delete(output.id);
        break;
      case "enqueue":
      case "act-directly":
        this.#events.onOutput({ ...output, deadline: clock + (output.validUntil - now) });
        break;
      default:
        this.#events.onOutput(output);
    }
  }
}

/** Whether something that is valid until `deadline` of the shared clock may still be begun. */
export const isStillValid = (deadline: number, margin: Duration): boolean =>
  sharedClock() + margin < deadline;
