// Which sequences of which sender were seen: each is accepted once, in any order inside a sliding window.

import assert from "node:assert/strict";
import { limits } from "./limits.ts";

export interface ReplayBounds {
  /** Senders that are followed at once, at least 1. */
  readonly senders: number;
  /** Sequences below the highest seen that may still arrive; a multiple of 32. */
  readonly window: number;
}

/** Only what was authenticated may be asked for, so that nobody without a key makes it forget. */
export class ReplayGuard {
  readonly #bounds: ReplayBounds;
  /** In the order in which they were last heard. */
  readonly #senders = new Map<string, Window>();
  /** The last of them, so that a sender that is heard many times in a row is not moved each time. */
  #latest = "";

  constructor(
    bounds: ReplayBounds = { senders: limits.replaySenders, window: limits.replayWindow },
  ) {
    assert(bounds.senders >= 1 && bounds.window >= 32 && bounds.window % 32 === 0);
    this.#bounds = bounds;
  }

  get senders(): number {
    return this.#senders.size;
  }

  /** True exactly once for a sender and sequence, and never for one that fell out of the window. */
  accept(sender: string, sequence: number): boolean {
    let window = this.#senders.get(sender);
    if (window === undefined) {
      window = new Window(this.#bounds.window);
      this.#remember(sender, window);
    }
    if (!window.accept(sequence)) return false;
    if (sender !== this.#latest) {
      this.#senders.delete(sender);
      this.#senders.set(sender, window);
      this.#latest = sender;
    }
    return true;
  }

  #remember(sender: string, window: Window): void {
    if (this.#senders.size >= this.#bounds.senders) {
      const [longestUnheard] = this.#senders.keys();
      if (longestUnheard !== undefined) this.#senders.delete(longestUnheard);
    }
    this.#senders.set(sender, window);
    this.#latest = sender;
  }
}

/** One bit for each of the last `size` sequences, in a ring. */
class Window {
  readonly #seen: Uint32Array;
  readonly #size: number;
  #highest = 0;

  constructor(size: number) {
    this.#size = size;
    this.#seen = new Uint32Array(size / 32);
  }

  accept(sequence: number): boolean {
    if (sequence <= this.#highest - this.#size || sequence < 1) return false;
    if (sequence > this.#highest) this.#advance(sequence);
    const bit = sequence % this.#size;
    const word = this.#seen[bit >>> 5] ?? 0;
    const mask = 1 << (bit & 31);
    if ((word & mask) !== 0) return false;
    this.#seen[bit >>> 5] = word | mask;
    return true;
  }

  #advance(sequence: number): void {
    if (sequence - this.#highest >= this.#size) this.#seen.fill(0);
    else {
      for (let passed = this.#highest + 1; passed <= sequence; passed++) {
        const bit = passed % this.#size;
        this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
      }
    }
    this.#highest = sequence;
  }
}
