// The outputs of one step of an election, in order.

import type { ElectionMessage } from "../../proto/messages.ts";
import type { CoordinatorId } from "../../proto/units.ts";
import type { ElectionOutput } from "./election-shape.ts";
import type { Ballot } from "./vote-book.ts";

export class Outbox {
  #outputs: ElectionOutput[] = [];

  push(output: ElectionOutput): void {
    this.#outputs.push(output);
  }

  send(to: CoordinatorId, message: ElectionMessage): void {
    this.#outputs.push({ kind: "send", to, message });
  }

  /** Before whatever depends on it; nothing where nothing is to be saved. */
  persist(ballot: Ballot | undefined): void {
    if (ballot !== undefined) this.#outputs.push({ kind: "persist", ballot });
  }

  drain(): readonly ElectionOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
