// Reads one event stream after the other as if they were one: resumes where the last ended, and says nothing twice.

import type { Readable } from "node:stream";
import { LineFramer, parseEventLine, sinceText, type StampedEvent } from "./event-lines.ts";

/** An event older than this when it is read (replayed after a long break) tells nothing that the full list does not; ms. */
const oldest = 60_000;
/** Events of different containers may overtake each other by a little; so much is asked for again; ns. */
const overlap = 1_000_000_000n;
/** Twice what an engine keeps for a replay. */
const remembered = 512;

export class EventTail {
  /** The newest event and when it was read. */
  #newest: { readonly timeNano: bigint; readonly readAt: number } | undefined;
  readonly #told = new Set<string>();

  /** For the next stream's `since`; empty for the first one. */
  since(): string {
    return this.#newest === undefined ? "" : sinceText(this.#newest.timeNano - overlap);
  }

  /** Resolves when the stream has ended, for whatever reason. */
  read(stream: Readable, host: string, onEvent: (event: StampedEvent) => void): Promise<void> {
    const framer = new LineFramer();
    stream.on("data", (chunk: Buffer) => {
      for (const line of framer.push(chunk)) {
        const event = parseEventLine(host, line);
        if (event !== undefined && this.#isNews(event, line)) onEvent(event);
      }
    });
    return new Promise((resolve) => {
      for (const ending of ["end", "error", "close", "aborted"]) {
        stream.on(ending, () => {
          resolve();
        });
      }
    });
  }

  #isNews({ timeNano }: StampedEvent, line: string): boolean {
    if (this.#told.has(line)) return false;
    this.#told.add(line);
    if (this.#told.size > remembered) {
      for (const first of this.#told) {
        this.#told.delete(first);
        break;
      }
    }
    const now = performance.now();
    const age = this.#ageOf(timeNano, now);
    if (this.#newest === undefined || timeNano > this.#newest.timeNano) {
      this.#newest = { timeNano, readAt: now - Math.max(0, age) };
    }
    return age <= oldest;
  }

  /** By the engine's clock as its newest event tells it: clocks of two machines are never compared. */
  #ageOf(timeNano: bigint, now: number): number {
    if (this.#newest === undefined) return 0;
    const behind = Number((this.#newest.timeNano - timeNano) / 1_000_000n);
    return behind + now - this.#newest.readAt;
  }
}
