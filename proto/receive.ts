// From a datagram to what was said in it, by whom; or to why it is dropped.

import { decodeMessage, type Envelope } from "./codec.ts";
import type { Outcome } from "./machine.ts";
import type { DropReason, Seal } from "./seal.ts";

/** Never throws. Nothing is decoded before its seal was found right. */
export function receive(
  seal: Seal,
  datagram: Uint8Array,
): Outcome<Envelope, DropReason | "malformed"> {
  const opened = seal.open(datagram);
  return opened.ok ? decodeMessage(opened.value.payload) : opened;
}

/** How many datagrams were dropped, by reason: counters called `dropped-<reason>`. */
export class DropCounts {
  readonly #counts: Record<string, number> = {};

  add(reason: string): void {
    const name = `dropped-${reason}`;
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }
}
