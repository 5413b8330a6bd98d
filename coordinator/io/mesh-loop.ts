// What the mesh thread does with its port: inputs come in, outputs and a picture every 100 ms go out, and it stops when it is told.

import { systemClock } from "../../agent/io/clock.ts";
import type { Instant } from "../../proto/units.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import { MeshShell } from "./mesh-shell.ts";
import {
  sharedClock,
  type ActingOutput,
  type FromMesh,
  type MeshSetup,
  type ToMesh,
} from "./mesh-protocol.ts";

/** A picture of up to this many workers is made every 100 ms, of more every second: it is copied between threads. */
const manyWorkers = 500;
const summaryEvery = 100;
/** A lease takes a round trip. */
const leaseEvery = 10;
/** What a handover needs to be told, repeats included. */
const handoverTime = 150;

/** The thread's end of the channel. */
export interface MeshPort {
  on(event: "message", listener: (message: ToMesh) => void): unknown;
  postMessage(message: FromMesh): void;
  close(): void;
}

class MeshLoop {
  readonly #port: MeshPort;
  readonly #shell: MeshShell;
  #summaries: NodeJS.Timeout | undefined;
  #ticks = 0;
  #lastCount = 0;

  constructor(setup: MeshSetup, port: MeshPort) {
    this.#port = port;
    this.#shell = new MeshShell(setup, {
      onOutputs: (outputs, now) => {
        this.#onOutputs(outputs, now);
      },
      onLog: (level, text) => {
        port.postMessage({ kind: "log", level, text });
      },
      onRecorded: (block) => {
        port.postMessage({ kind: "recorded", block });
      },
    });
  }

  async run(): Promise<void> {
    this.#port.on("message", (message) => {
      this.#onMessage(message);
    });
    this.#summaries = setInterval(() => {
      this.#ticks++;
      if (this.#lastCount <= manyWorkers || this.#ticks % 10 === 0) this.#sendSummary();
    }, summaryEvery);
    try {
      this.#port.postMessage({ kind: "ready", ...(await this.#shell.start()) });
      this.#sendSummary();
    } catch (error) {
      clearInterval(this.#summaries);
      this.#port.postMessage({ kind: "failed", reason: (error as Error).message });
    }
  }

  #onMessage(message: ToMesh): void {
    switch (message.kind) {
      case "input":
        this.#shell.push(message.input);
        break;
      case "swap-ring":
        this.#shell.swapRing(message.ring);
        break;
      case "cut-links":
        this.#shell.cutLinks(message.peers);
        break;
      case "checkpoint":
        this.#shell.recorder?.checkpoint(systemClock.now());
        break;
      case "flush-recording":
        this.#shell.recorder?.flush();
        this.#port.postMessage({ kind: "recording-flushed" });
        break;
      case "stop":
        this.#shell.push({ kind: "stop-asked" });
        setTimeout(() => void this.#stop(), handoverTime);
        break;
    }
  }

  async #stop(): Promise<void> {
    clearInterval(this.#summaries);
    await this.#shell.stop();
    this.#port.postMessage({ kind: "stopped" });
    this.#port.close();
  }

  #onOutputs(outputs: readonly ActingOutput[], now: Instant): void {
    // The shared clock as it was at the core's instant, however long the turn has lasted since.
    const clock = sharedClock() - (systemClock.now() - now);
    this.#port.postMessage({ kind: "outputs", outputs, now, clock });
    if (outputs.some(({ kind }) => kind === "role-changed")) {
      setImmediate(() => {
        this.#showRole();
      });
    }
  }

  #sendSummary(): CoordinatorSummary | undefined {
    const summary = this.#shell.summary();
    if (summary === undefined) return undefined;
    this.#lastCount = summary.workers.length;
    this.#port.postMessage({ kind: "summary", summary });
    return summary;
  }

  /** A change of role is shown at once, and a new leader's lease as soon as it holds one: proxies and people wait for it. */
  #showRole(): void {
    const summary = this.#sendSummary();
    const awaitsLease = summary?.role === "leader" && summary.leaseFor === 0;
    if (!awaitsLease || this.#lastCount > manyWorkers) return;
    setTimeout(() => {
      this.#showRole();
    }, leaseEvery);
  }
}

/** Resolves once it runs, or has said why it cannot. */
export const runMesh = (setup: MeshSetup, port: MeshPort): Promise<void> =>
  new MeshLoop(setup, port).run();
