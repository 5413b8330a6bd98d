// The agent that a coordinator carries itself: it is pinged like any worker, and speaks for both of its threads.

import type { Pong } from "../../proto/messages.ts";
import {
  elapsed,
  type CoordinatorId,
  type Duration,
  type Incarnation,
  type Instant,
} from "../../proto/units.ts";

/** A main thread that says nothing for this long is stuck: this coordinator is not well, and says so to whoever asks. */
const mainSilenceBorne: Duration = 5_000;

export class OwnAgent {
  readonly #name: CoordinatorId;
  readonly #incarnation: Incarnation;
  #mainHeardAt: Instant;

  constructor(name: CoordinatorId, incarnation: Incarnation, now: Instant) {
    this.#name = name;
    this.#incarnation = incarnation;
    this.#mainHeardAt = now;
  }

  onMainAlive(now: Instant): void {
    this.#mainHeardAt = now;
  }

  answer(nonce: number, now: Instant): Pong {
    const silence = elapsed(this.#mainHeardAt, now);
    const stuck = silence > mainSilenceBorne;
    const reason = stuck ? `its main thread is stuck for ${Math.round(silence / 1000)} s` : "";
    return {
      kind: "pong",
      nonce,
      name: this.#name,
      incarnation: this.#incarnation,
      health: { state: stuck ? "unhealthy" : "healthy", checkedAgo: 0, reason },
      lag: 0,
      load: 0,
    };
  }
}
