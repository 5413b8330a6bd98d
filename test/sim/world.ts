// Virtual time: what is still to happen, one seed for all chance, and a trace whose hash tells whether two runs were the same.

import { Random } from "../../proto/random.ts";
import { pop, push, type Happening } from "../coordinator/core/happenings.ts";
import { drainMicrotasks } from "./microtasks.ts";

/** Lines kept for a report. */
const traceKept = 400;

export class World {
  /** Real time, ms since the begin. Every process reads it through a clock of its own. */
  now = 0;
  readonly random: Random;
  /** Numbers every happening, so that equal times keep their order. */
  #order = 0;
  readonly #heap: Happening[] = [];
  readonly #trace: string[] = [];
  #hash = 0x811c9dc5;
  isStopped = false;
  /** Hears each line as it is told. */
  onLine: ((line: string) => void) | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  at(time: number, run: () => void): void {
    push(this.#heap, { at: Math.max(time, this.now), order: this.#order++, run });
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  runUntil(time: number): void {
    const heap = this.#heap;
    while (!this.isStopped) {
      const next = heap[0];
      if (next === undefined || next.at > time) break;
      pop(heap);
      this.now = next.at;
      next.run();
      drainMicrotasks();
    }
    if (!this.isStopped) this.now = time;
  }

  /** One line of the story; part of the hash. */
  tell(line: string): void {
    this.onLine?.(line);
    const text = `${this.now.toFixed(3).padStart(11)} ${line}`;
    this.#trace.push(text);
    if (this.#trace.length > traceKept * 2) this.#trace.splice(0, traceKept);
    let hash = this.#hash;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#hash = hash;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  lastLines(count: number): readonly string[] {
    return this.#trace.slice(-count);
  }
}
