// The product's core, with somebody who looks on: what it is told, what it says, and whether it holds a lease.

import {
  Coordinator as RealCoordinator,
  type CoordinatorConfig,
} from "../../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import type { Ballot } from "../../../coordinator/core/vote-book.ts";
import type { Random } from "../../../proto/random.ts";
import type { Instant } from "../../../proto/units.ts";
import { currentLoop, type Loop } from "../loop.ts";
import { onlooker } from "../onlooker.ts";

export type { CoordinatorConfig };

export class Coordinator extends RealCoordinator {
  readonly #loop: Loop = currentLoop();

  constructor(config: CoordinatorConfig, ballot: Ballot | "lost", random: Random, now: Instant) {
    super(config, ballot, random, now);
    onlooker().onCore(this.#loop, this, config.election.id);
  }

  override step(input: CoordinatorInput, now: Instant): readonly CoordinatorOutput[] {
    const outputs = super.step(input, now);
    onlooker().onStep(this.#loop, this, { input, outputs, now });
    return outputs;
  }
}
