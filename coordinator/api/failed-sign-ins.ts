// Wrong tokens shown at sign-in, bounded in rate. Behind a proxy all have its address: so it is counted by whom the proxy names, and one that guesses locks nobody else out.

import { limits } from "../../proto/limits.ts";

/** ms */
const span = 60_000;
/** In one span. A name in a header can be made up, so the address has a bound of its own. */
const most = { client: 10, address: 100 } as const;

export interface SignInFrom {
  readonly address: string;
  /** Whom the nearest proxy names; empty where there is none. */
  readonly client: string;
}

export class FailedSignIns {
  /** By begin of their spans, oldest first. */
  readonly #counts = new Map<string, { readonly since: number; count: number }>();

  /** How long no token is looked at, ms; 0 where it is. */
  waitOf(from: SignInFrom, now: number): number {
    const waits = boundsOf(from).map(([key, bound]) => {
      const { since, count } = this.#counts.get(key) ?? { since: 0, count: 0 };
      return count >= bound ? since + span - now : 0;
    });
    return Math.max(0, ...waits);
  }

  add(from: SignInFrom, now: number): void {
    for (const [key] of boundsOf(from)) {
      const known = this.#counts.get(key);
      if (known !== undefined && now < known.since + span) {
        known.count++;
        continue;
      }
      this.#counts.delete(key);
      this.#counts.set(key, { since: now, count: 1 });
      const [oldest = key] = this.#counts.keys();
      if (this.#counts.size > limits.failedSignIns) this.#counts.delete(oldest);
    }
  }
}

const boundsOf = ({ address, client }: SignInFrom): readonly (readonly [string, number])[] => [
  [address, most.address],
  [`${address} ${client}`, most.client],
];
