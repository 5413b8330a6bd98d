// The watch over the worker's own process: told when it begins and ends, as late as the real one's looks at /proc are.

import type { ProcessWatchOptions } from "../../../agent/io/process-watch.ts";
import { surroundingsOf } from "../host-of.ts";
import { currentLoop } from "../loop.ts";

export type { ProcessWatchOptions };

/** ms */
const looksEvery = 40;

export class ProcessWatch {
  readonly #options: ProcessWatchOptions;
  #seen: string | undefined;
  #isRunning = false;

  constructor(options: ProcessWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    const loop = currentLoop();
    const { world } = loop.process;
    const { workerProcess, onWorkerLife } = surroundingsOf(loop.process);
    const look = (): void => {
      if (this.#isRunning) this.#look(workerProcess());
    };
    onWorkerLife(() => {
      world.after(world.random.between(0, looksEvery), () => {
        loop.deliver(look);
      });
    });
    look();
  }

  stop(): void {
    this.#isRunning = false;
  }

  #look(found: string | undefined): void {
    const { clock, onAppeared, onExited } = this.#options;
    if (found === this.#seen) return;
    if (this.#seen !== undefined) onExited(this.#seen, clock.now());
    this.#seen = found;
    if (found !== undefined) onAppeared(found);
  }
}
