// Messages as frozen objects instead of bytes: nine seeds in ten run so, since encoding is tested elsewhere and costs time.

import { fitsDatagram, type Envelope } from "../../../proto/codec.ts";
import type { Outcome } from "../../../proto/machine.ts";
import type { Message } from "../../../proto/messages.ts";

export { fitsDatagram, type Envelope };

/** Passed where bytes are passed. The message is frozen; the envelope remembers who has opened it. */
export class PlainDatagram {
  readonly sender: string;
  readonly message: Message;
  /** By a seal: whoever gets a copy of it again drops it as a replay. */
  openedBy: unknown;

  constructor(sender: string, message: Message) {
    this.sender = sender;
    this.message = Object.freeze(message);
    this.openedBy = undefined;
  }
}

export const encodeMessage = (sender: string, message: Message): Uint8Array =>
  new PlainDatagram(sender, message) as unknown as Uint8Array;

export function decodeMessage(bytes: Uint8Array): Outcome<Envelope, "malformed" | "version"> {
  return { ok: true, value: bytes as unknown as Envelope };
}
