// The last lines of a log that goes on: bounded, without those that come twice after a cut, and held while somebody reads. Pure.

export interface LogLine {
  /** Unix time, ms. */
  readonly at: number;
  /** Whose. */
  readonly of: string;
  readonly isError: boolean;
  readonly text: string;
}

export interface ShownLine extends LogLine {
  readonly key: number;
}

export class LogLines {
  /** What is shown stays as it is. */
  isPaused = false;
  readonly #most: number;
  #lines: readonly ShownLine[] = [];
  #waiting: ShownLine[] = [];
  /** Of the lines that are kept, so that what comes again is known. */
  readonly #seen = new Set<string>();
  #last = 0;

  constructor(most = 1_000) {
    this.#most = most;
  }

  /** How many came while it was paused, of those that are kept. */
  get held(): number {
    return this.isPaused ? this.#waiting.length : 0;
  }

  /** Oldest first. */
  get shown(): readonly ShownLine[] {
    if (!this.isPaused && this.#waiting.length > 0) {
      this.#lines = [...this.#lines, ...this.#waiting].slice(-this.#most);
      this.#waiting = [];
    }
    return this.#lines;
  }

  /** @param mark the same of a line that comes again, after the stream was cut */
  add(line: LogLine, mark: string): void {
    const whole = `${mark} ${line.text}`;
    if (this.#seen.has(whole)) return;
    this.#seen.add(whole);
    // A set remembers in which order it was filled.
    if (this.#seen.size > 2 * this.#most) {
      const [oldest = ""] = this.#seen;
      this.#seen.delete(oldest);
    }
    this.#waiting.push({ ...line, key: ++this.#last });
    if (this.#waiting.length > this.#most) this.#waiting.shift();
  }
}
