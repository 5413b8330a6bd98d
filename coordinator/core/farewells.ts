// Agents that say they are stopping: each says it three times, and is on record once.

import { limits } from "../../proto/limits.ts";
import type { Announce } from "../../proto/messages.ts";
import type { WorkerId } from "../../proto/units.ts";
import type { WardOutput } from "./docket.ts";

export class Farewells {
  /** The incarnation of each name that has said so. */
  readonly #left = new Map<string, number>();

  onLeaving({ name, incarnation }: Announce, worker: WorkerId): readonly WardOutput[] {
    if (this.#left.get(name) === incarnation) return [];
    if (this.#left.size >= limits.workers) this.#left.clear();
    this.#left.set(name, incarnation);
    const text = `the agent ${name} says that it is stopping`;
    return [
      {
        kind: "publish",
        event: { kind: "agent-leaving", worker, recovery: "", text, evidence: [], notify: false },
      },
    ];
  }
}
