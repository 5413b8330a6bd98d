// Keeps a host's fence: the machine that knows what was granted, its clock and memory, and the containers that must not run without.

import type { Ping, PongFence } from "../proto/messages.ts";
import type { CoordinatorId, Duration } from "../proto/units.ts";
import { Fence, type FenceInput } from "./core/fence.ts";
import { freshSeed } from "./io/chance.ts";
import { bootNow } from "./io/boot-clock.ts";
import { FenceFile } from "./io/fence-file.ts";
import { FencedContainers } from "./io/fenced-containers.ts";
import type { Log } from "./io/log.ts";

export interface FenceOptions {
  /** Of the engine. */
  readonly socketPath: string;
  /** Where the grants are remembered. */
  readonly directory: string;
  readonly log: Log;
}

/** Timers do not run while the machine is suspended: the clock that does is looked at so often, which also bounds how late a lapse is seen. */
const lookEvery: Duration = 100;

export class FenceKeeper {
  readonly #log: Log;
  readonly #file: FenceFile;
  readonly #fence: Fence;
  readonly #containers: FencedContainers;
  #timer: NodeJS.Timeout | undefined;
  #told: string | undefined;

  constructor({ socketPath, directory, log }: FenceOptions) {
    this.#log = log;
    this.#file = new FenceFile(directory);
    this.#fence = new Fence(this.#file.read(), freshSeed());
    const mayTake = (wanted: Duration): Duration => this.#fence.mayTake(wanted);
    this.#containers = new FencedContainers({ socketPath, log, mayTake });
  }

  start(): void {
    this.#file.prepare();
    this.#containers.start();
    this.#step({ kind: "started" });
    this.#timer = setInterval(() => {
      this.#step({ kind: "timer-fired" });
      this.#tellObstacle();
    }, lookEvery).unref();
  }

  /** To be called before the answer is sent; what it returns is said in it. */
  onPing(coordinator: CoordinatorId, { grant }: Ping): PongFence {
    const { within } = this.#containers;
    this.#step({ kind: "ping-answered", coordinator, grant, within });
    if (this.#fence.state !== "never") this.#file.write(this.#fence.memory);
    const { state, answer } = this.#fence;
    return { able: this.#obstacle === "", within, state, answer };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#containers.stop();
    if (this.#fence.state !== "never") this.#file.writeNow(this.#fence.memory);
  }

  /** Undefined until it is known. */
  get #obstacle(): string | undefined {
    if (this.#containers.obstacle !== "") return this.#containers.obstacle;
    const { problem } = this.#file;
    return problem === "" ? "" : `its grants would not outlast its restart: ${problem}`;
  }

  #step(input: FenceInput): void {
    for (const output of this.#fence.step(input, bootNow())) {
      if (output.kind === "stop-fenced") this.#containers.forbid();
      else {
        const { state, text } = output;
        this.#log.warn(`what is fenced: ${state}`, { reason: text });
        if (state !== "lapsed") this.#containers.allow();
        this.#file.write(this.#fence.memory);
      }
    }
  }

  /** Once, and again when it is another. */
  #tellObstacle(): void {
    const obstacle = this.#obstacle;
    if (obstacle === this.#told) return;
    this.#told = obstacle;
    if (obstacle === undefined) return;
    if (obstacle === "") this.#log.info("what is fenced can be stopped without the engine");
    else this.#log.warn(`what is fenced cannot be stopped without the engine: ${obstacle}`);
  }
}
