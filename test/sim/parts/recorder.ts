// No flight recorder: most simulated runs are replayed by their seed.

import type { Recorder as RealRecorder } from "../../../coordinator/io/recorder.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import type { Machine } from "../../../proto/machine.ts";

type CoreMachine = Machine<CoordinatorInput, CoordinatorOutput>;

export class Recorder implements Pick<RealRecorder, "start" | "noting" | "checkpoint" | "flush"> {
  start(): void {
    // Nothing is noted.
  }

  noting(machine: CoreMachine): CoreMachine {
    return machine;
  }

  checkpoint(): void {
    // There is nobody to read one.
  }

  flush(): void {
    // There is nothing.
  }
}
