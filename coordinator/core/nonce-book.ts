// Which worker a nonce was sent to. Answers come back within seconds or never: two generations are kept, so nothing is scanned.

import { after, instant, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";

const generation: Duration = 10_000;

export class NonceBook {
  #young = new Map<number, WorkerId>();
  #old = new Map<number, WorkerId>();
  #turnAt: Instant = instant(-Infinity);

  put(nonce: number, worker: WorkerId, now: Instant): void {
    if (now >= this.#turnAt) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#turnAt = after(now, generation);
    }
    this.#young.set(nonce, worker);
  }

  /** Each nonce is answered once. */
  take(nonce: number): WorkerId | undefined {
    const worker = this.#young.get(nonce) ?? this.#old.get(nonce);
    if (worker === undefined) return undefined;
    this.#young.delete(nonce);
    this.#old.delete(nonce);
    return worker;
  }
}
