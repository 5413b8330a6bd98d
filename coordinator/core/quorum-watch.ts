// Whether anybody leads: a quorum is lost when nobody has for a while, and back when somebody does.

import { elapsed, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";

export class QuorumWatch {
  readonly #borne: Duration;
  #leaderAt: Instant;
  #isLost = false;
  #leader: CoordinatorId = "";
  #ledLast = false;

  /** @param borne how long it may be without a leader */
  constructor(borne: Duration, now: Instant) {
    this.#borne = borne;
    this.#leaderAt = now;
  }

  /** It led last itself, as far as it knows, so it is the one to tell people that the quorum is lost. */
  get ledLast(): boolean {
    return this.#ledLast;
  }

  onLeader(leader: CoordinatorId, isSelf: boolean): void {
    if (leader === "" || leader === this.#leader) return;
    this.#leader = leader;
    this.#ledLast = isSelf;
  }

  look(leader: CoordinatorId, now: Instant): "lost" | "back" | "same" {
    if (leader !== "") {
      this.#leaderAt = now;
      if (!this.#isLost) return "same";
      this.#isLost = false;
      return "back";
    }
    if (this.#isLost || elapsed(this.#leaderAt, now) < this.#borne) return "same";
    this.#isLost = true;
    return "lost";
  }
}
