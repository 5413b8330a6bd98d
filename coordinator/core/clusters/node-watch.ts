// When a node counts as dead: its engine was asked again and again in vain. A machine; time is told to it.

import { elapsed, type Duration, type Instant } from "../../../proto/units.ts";

/** A node whose engine has not answered for so long is dead, and what ran there is spread again. */
export const nodeGrace: Duration = 10_000;
/** And was asked so often meanwhile: a pause of our own is no silence of theirs. */
const fewestAsked = 4;

interface Silence {
  readonly since: Instant;
  asked: number;
}

export class NodeWatch {
  readonly #silences = new Map<string, Silence>();

  onAnswered(node: string): void {
    this.#silences.delete(node);
  }

  onUnanswered(node: string, now: Instant): void {
    const silence = this.#silences.get(node);
    if (silence === undefined) this.#silences.set(node, { since: now, asked: 1 });
    else silence.asked++;
  }

  isSilent(node: string): boolean {
    return this.#silences.has(node);
  }

  isDead(node: string, now: Instant): boolean {
    const silence = this.#silences.get(node);
    if (silence === undefined) return false;
    return silence.asked >= fewestAsked && elapsed(silence.since, now) >= nodeGrace;
  }

  /** Another leads: what was heard here is of no use later. */
  clear(): void {
    this.#silences.clear();
  }
}
