// Whether anybody leads: a quorum is lost when nobody has for a while, and back when somebody does.

import { elapsed, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";
import { eventOf, type CoreEvent } from "./event.ts";

export class QuorumWatch {
  readonly #borne: Duration;
  #leaderAt: Instant;
  #isLost = false;
  #leader: CoordinatorId = "";
  /** It led last itself, as far as it knows, so it is the one to tell people. */
  #ledLast = false;

  /** @param borne how long it may be without a leader */
  constructor(borne: Duration, now: Instant) {
    this.#borne = borne;
    this.#leaderAt = now;
  }

  onLeader(leader: CoordinatorId, isSelf: boolean): void {
    if (leader === "" || leader === this.#leader) return;
    this.#leader = leader;
    this.#ledLast = isSelf;
  }

  /** @returns what is to be published. */
  look(leader: CoordinatorId, now: Instant): CoreEvent | undefined {
    if (leader !== "") {
      this.#leaderAt = now;
      if (!this.#isLost) return undefined;
      this.#isLost = false;
      return eventOf("", "quorum-back", `${leader} leads`, { notify: this.#ledLast });
    }
    if (this.#isLost || elapsed(this.#leaderAt, now) < this.#borne) return undefined;
    this.#isLost = true;
    const text = "nobody leads: no quorum of the coordinators hears each other, nobody acts";
    return eventOf("", "quorum-lost", text, { notify: this.#ledLast });
  }
}
