// Keyed BLAKE3, by hash-wasm's single module: the fastest MAC that runs here, without node:crypto's memory (see test/bench/mac.ts).

import assert from "node:assert/strict";
import blake3 from "hash-wasm/dist/blake3.umd.min.js";

export const macKeyBytes = 32;

/** One WebAssembly instance for any number of keys. Not reentrant, which does not matter: nothing here awaits. */
export interface Mac {
  /** 32 bytes; any prefix of them is a shorter MAC. `key` has `macKeyBytes`. */
  digest(key: Uint8Array, message: Uint8Array): Uint8Array;
}

export async function createMac(): Promise<Mac> {
  // The hasher reads its key from this array at each init, so that one instance serves all keys.
  const current = new Uint8Array(macKeyBytes);
  const hasher = await blake3.createBLAKE3(256, current);
  const mac: Mac = {
    digest(key, message) {
      current.set(key);
      return hasher.init().update(message).digest("binary");
    },
  };
  checkKnownAnswers(mac);
  return mac;
}

/** Whether the first `length` bytes agree; takes as long for any difference. */
export function isSameMac(a: Uint8Array, b: Uint8Array, length: number): boolean {
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0xff);
  return difference === 0;
}

/** A release of the library that copies keys would make every key the same: never start with it. */
function checkKnownAnswers(mac: Mac): void {
  const message = Uint8Array.of(0, 1, 2);
  for (const { key, expected } of knownAnswers) {
    const digest = Buffer.from(mac.digest(Buffer.from(key, "latin1"), message));
    assert.equal(digest.toString("hex"), expected, "hash-wasm's BLAKE3 gives a wrong answer");
  }
}

/** The first is one of BLAKE3's own test vectors; the second shows that the key changed. */
const knownAnswers = [
  {
    key: "whats the Elvish word for friend",
    expected: "39e67b76b5a007d4921969779fe666da67b5213b096084ab674742f0d5ec62b9",
  },
  {
    key: "another key, thirty-two bytes ..",
    expected: "97ff892680cac5d85b066bec7b683a84fc2c8d19f0ccd3897806fa722793da56",
  },
] as const;
