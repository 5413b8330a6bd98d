// Virtual time: what is still to happen, one seed for all chance, and a trace whose hash tells whether two runs were the same.

import { Random } from "../../proto/random.ts";
import { Agenda } from "./agenda.ts";

/** Lines kept for a report. */
const traceKept = 400;

export class World {
  /** Real time, ms since the begin. Every process reads it through a clock of its own. */
  now = 0;
  readonly random: Random;
  readonly #later = new Agenda<() => void>();
  /** What happens at this very instant, behind whatever was planned for it before: most of all does. */
  #soon: (() => void)[] = [];
  #soonDone = 0;
  readonly #trace: string[] = [];
  #hash = 0x811c9dc5;
  isStopped = false;
  /** Hears each line as it is told. */
  onLine: ((line: string) => void) | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  at(time: number, run: () => void): void {
    if (time > this.now) this.#later.push(time, run);
    else this.#soon.push(run);
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  runUntil(time: number): void {
    const later = this.#later;
    while (!this.isStopped) {
      const at = later.firstAt;
      if (this.#soonDone < this.#soon.length && at > this.now) this.#runSoon();
      else if (at > time) break;
      else {
        const run = later.first;
        later.pop();
        this.now = at;
        run?.();
      }
    }
    if (!this.isStopped) this.now = time;
  }

  #runSoon(): void {
    const run = this.#soon[this.#soonDone++];
    if (this.#soonDone === this.#soon.length) {
      this.#soon.length = 0;
      this.#soonDone = 0;
    }
    run?.();
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
