// A person's change of the coordinators, from the question to the core's answer.

import type { ChangeEnded } from "./core/election-shape.ts";
import type { CoordinatorInput } from "./core/exchange.ts";
import type { MemberChange } from "./core/member-set.ts";

type Ended = Omit<ChangeEnded, "kind">;

/** The core gives up sooner; a forwarded request waits little longer. */
const patience = 4_600;

export class PendingChange {
  #end: ((ended: Ended) => void) | undefined;

  /** One at a time; never rejects. */
  async ask(change: MemberChange, push: (input: CoordinatorInput) => void): Promise<Ended> {
    if (this.#end !== undefined) {
      return { how: "refused", text: "another change of the coordinators is under way; ask again" };
    }
    let timer: NodeJS.Timeout | undefined;
    const ended = await new Promise<Ended>((resolve) => {
      this.#end = resolve;
      timer = setTimeout(resolve, patience, {
        how: "later",
        text: "the new set is not confirmed by a quorum yet; see GET /api/v1/coordinators",
      } satisfies Ended);
      push({ kind: "coordinators-asked", change });
    });
    clearTimeout(timer);
    this.#end = undefined;
    return ended;
  }

  onEnded({ how, text }: ChangeEnded): void {
    this.#end?.({ how, text });
  }
}
