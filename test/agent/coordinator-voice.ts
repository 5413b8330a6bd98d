// A coordinator's voice for tests: asks an agent with sealed pings, and hears what it says.

import assert from "node:assert/strict";
import { freshBootId } from "../../agent/io/chance.ts";
import { MeshSocket } from "../../agent/io/socket.ts";
import { decodeMessage, encodeMessage } from "../../proto/codec.ts";
import { parseKeyRing, type KeyRing } from "../../proto/key-ring.ts";
import type { Message, MessageKind, Pong } from "../../proto/messages.ts";
import { createSeal, type Seal } from "../../proto/seal.ts";

export const testKey = "a key for tests of the agent";
export const otherKey = "another key of somebody else";

export function ringOf(text: string): KeyRing {
  const ring = parseKeyRing(text);
  assert(ring.ok);
  return ring.value;
}

export interface Heard {
  readonly at: number;
  readonly sender: string;
  readonly message: Message;
}

export class CoordinatorVoice {
  readonly #name: string;
  readonly #seal: Seal;
  readonly #socket: MeshSocket;
  readonly heard: Heard[] = [];
  /** What came and was no datagram of this mesh. */
  readonly strange: string[] = [];
  port = 0;
  #nonce = 0;
  #waiting: (() => void)[] = [];

  constructor(name: string, seal: Seal) {
    this.#name = name;
    this.#seal = seal;
    this.#socket = new MeshSocket({
      host: "127.0.0.1",
      port: 0,
      onDatagram: (bytes) => {
        this.#onDatagram(bytes);
      },
    });
  }

  static async open(name: string, key = testKey, cluster = "test"): Promise<CoordinatorVoice> {
    const seal = await createSeal({ cluster, boot: freshBootId(), ring: ringOf(key) });
    const voice = new CoordinatorVoice(name, seal);
    voice.port = (await voice.#socket.open()).port;
    return voice;
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  swapKey(key: string): void {
    this.#seal.swapRing(ringOf(key));
  }

  /** A sealed ping, to be sent by the caller: forged, cut, repeated. */
  sealedPing(nonce = ++this.#nonce): Uint8Array {
    return this.#seal.seal(encodeMessage(this.#name, { kind: "ping", nonce }));
  }

  sealed(message: Message): Uint8Array {
    return this.#seal.seal(encodeMessage(this.#name, message));
  }

  send(bytes: Uint8Array, port: number): void {
    this.#socket.send(bytes, port, "127.0.0.1");
  }

  /** Asks once; undefined when no PONG came in time. */
  async ping(port: number, within = 1000): Promise<Pong | undefined> {
    const nonce = ++this.#nonce;
    this.send(this.sealedPing(nonce), port);
    const heard = await this.wait("pong", within, (m) => m.nonce === nonce);
    return heard?.message;
  }

  /** The first message of this kind that was heard and fits, also one from before. */
  async wait<Kind extends MessageKind>(
    kind: Kind,
    within: number,
    fits: (message: Extract<Message, { kind: Kind }>) => boolean = () => true,
  ): Promise<
    { readonly at: number; readonly message: Extract<Message, { kind: Kind }> } | undefined
  > {
    const end = performance.now() + within;
    for (;;) {
      for (const { at, message } of this.heard) {
        if (message.kind !== kind) continue;
        const typed = message as Extract<Message, { kind: Kind }>;
        if (fits(typed)) return { at, message: typed };
      }
      const left = end - performance.now();
      if (left <= 0) return undefined;
      await this.#next(left);
    }
  }

  #next(within: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, within);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #onDatagram(bytes: Buffer): void {
    const opened = this.#seal.open(bytes);
    const decoded = opened.ok ? decodeMessage(opened.value.payload) : opened;
    if (decoded.ok) this.heard.push({ at: performance.now(), ...decoded.value });
    else this.strange.push(bytes.toString("latin1"));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
