// Telling all others that a leader gave up, often enough for datagrams that may be lost.

import { after, type CoordinatorId, type Instant, type Term } from "../../proto/units.ts";
import type { Handover } from "../../proto/messages.ts";
import { handoverRepeats } from "./election-shape.ts";

export class HandingOver {
  readonly #message: Handover;
  #left: number = handoverRepeats.times;
  #at: Instant;

  constructor(led: Term, successor: CoordinatorId, now: Instant) {
    this.#message = { kind: "handover", term: led, successor };
    this.#at = now;
  }

  /** What to tell all others now; undefined when nothing is due. */
  due(now: Instant): Handover | undefined {
    if (this.#left === 0 || now < this.#at) return undefined;
    this.#left--;
    this.#at = after(now, handoverRepeats.apart);
    return this.#message;
  }

  nextDeadline(): Instant | undefined {
    return this.#left === 0 ? undefined : this.#at;
  }
}
