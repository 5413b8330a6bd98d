// Files that rotate without a stop: looked at every 2 s, told of when their time or size changed.

import { statSync } from "node:fs";

const every = 2000;

export class FileWatch {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#seen = this.#look();
  }

  start(interval = every): void {
    if (this.#paths.length === 0) return;
    this.#timer ??= setInterval(() => {
      const now = this.#look();
      if (now === this.#seen) return;
      this.#seen = now;
      this.#onChange();
    }, interval);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Inode too: a secret is often replaced by renaming a file or a link over it. */
  #look(): string {
    return this.#paths
      .map((path) => {
        try {
          const { mtimeMs, size, ino } = statSync(path);
          return `${mtimeMs}:${size}:${ino}`;
        } catch {
          return "absent";
        }
      })
      .join();
  }
}
