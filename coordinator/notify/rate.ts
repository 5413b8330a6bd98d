// How many messages a minute a channel gets. The surplus is kept for one digest; nothing is lost. Pure.

import { after, type Duration, type Instant } from "../../proto/units.ts";

const minute: Duration = 60_000;

/** Windows of a minute: up to `perMinute` messages go at once, what is held goes as one digest that counts in the next window. */
export class RateBound<Item> {
  readonly #perMinute: number;
  #windowEnd: Instant | undefined;
  #sent = 0;
  #held: Item[] = [];

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** True: send it now. False: it is held for the digest. Urgent items always go, and count. */
  admit(item: Item, isUrgent: boolean, now: Instant): boolean {
    if (this.#held.length === 0) this.#roll(now);
    if (isUrgent || (this.#held.length === 0 && this.#sent < this.#perMinute)) {
      this.#sent++;
      return true;
    }
    this.#held.push(item);
    return false;
  }

  /** When held items are due; undefined where none is held. */
  nextDeadline(): Instant | undefined {
    return this.#held.length === 0 ? undefined : this.#windowEnd;
  }

  /** What is due for a digest now, oldest first. */
  takeDue(now: Instant): readonly Item[] {
    if (this.#windowEnd === undefined || now < this.#windowEnd) return [];
    const due = this.takeAll();
    this.#roll(now);
    if (due.length > 0) this.#sent++;
    return due;
  }

  /** Everything held, due or not: before a stop. */
  takeAll(): readonly Item[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  #roll(now: Instant): void {
    if (this.#windowEnd !== undefined && now < this.#windowEnd) return;
    this.#windowEnd = after(now, minute);
    this.#sent = 0;
  }
}
