// Agents of hosts that announce themselves and that nobody lists: shown, never asked.

import { elapsed, type Duration, type Instant } from "../../../proto/units.ts";

/** Without a repeat it is forgotten after this long. */
const kept: Duration = 60_000;
const most = 64;

interface Announced {
  readonly address: string;
  readonly at: Instant;
}

export class Unlisted {
  readonly #announced = new Map<string, Announced>();

  onAnnounce(name: string, address: string, isUnlisted: boolean, now: Instant): void {
    if (!isUnlisted) this.#announced.delete(name);
    else if (this.#announced.size < most || this.#announced.has(name)) {
      this.#announced.set(name, { address, at: now });
    }
  }

  list(now: Instant): readonly { readonly name: string; readonly address: string }[] {
    for (const [name, { at }] of this.#announced) {
      if (elapsed(at, now) > kept) this.#announced.delete(name);
    }
    return [...this.#announced].map(([name, { address }]) => ({ name, address }));
  }
}
