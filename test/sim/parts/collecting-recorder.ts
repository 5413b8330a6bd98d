// The product's flight recorder in a simulated run: its blocks are kept for whoever replays them, and it begins a segment all the time.

import type { CoordinatorInput, CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import {
  Recorder as RealRecorder,
  type RecorderOptions,
} from "../../../coordinator/io/recorder.ts";
import type { Machine } from "../../../proto/machine.ts";
import { collected, type Collected } from "../collected.ts";

type CoreMachine = Machine<CoordinatorInput, CoordinatorOutput>;

/** A prime, so that segments begin at all kinds of moments. */
const checkpointEvery = 1_499;

export class Recorder extends RealRecorder {
  readonly #mine: Collected;
  #steps = 0;

  constructor(options: RecorderOptions) {
    const { id } = options.config.election;
    const mine: Collected = { id, blocks: [], flush: () => undefined };
    super({ ...options, onBlock: (block) => mine.blocks.push(block) });
    mine.flush = this.flush.bind(this);
    this.#mine = mine;
    collected.push(this.#mine);
  }

  override noting(machine: CoreMachine): CoreMachine {
    const noted = super.noting(machine);
    return {
      step: (input, now) => {
        const outputs = noted.step(input, now);
        if (++this.#steps % checkpointEvery === 0) this.checkpoint(now);
        return outputs;
      },
      nextDeadline: () => noted.nextDeadline(),
    };
  }
}
