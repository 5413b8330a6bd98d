// Time for a mesh of nodes that have timers of their own.

import assert from "node:assert/strict";
import { pop, push, type Happening } from "./happenings.ts";

export abstract class VirtualTime {
  /** Milliseconds since the begin. */
  now = 0;
  readonly #heap: Happening[] = [];
  #order = 0;

  /** The earliest timer of each node that runs. */
  protected abstract dueTimes(): readonly number[];
  /** Timers that are due fire. */
  protected abstract tick(): void;

  at(ms: number, run: () => void): void {
    push(this.#heap, { at: this.now + ms, order: this.#order++, run });
  }

  pass(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(this.#heap[0]?.at ?? Infinity, ...this.dueTimes());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      while (this.#heap[0] !== undefined && this.#heap[0].at <= this.now) {
        const { run } = this.#heap[0];
        pop(this.#heap);
        run();
      }
      this.tick();
    }
    this.now = end;
    return this;
  }

  /** Passes time until it is so; fails where it is not within `most` ms. Returns how long it took. */
  until(isSo: () => boolean, most: number, step = 10): number {
    const from = this.now;
    while (!isSo()) {
      assert(this.now - from < most, `not so within ${most} ms`);
      this.pass(step);
    }
    return this.now - from;
  }
}
