// The keys of a mesh as they are configured: `MESH_KEY`, one or several, of which the first seals and all open.
//
// Rotation without a gap: add the new key behind the old one everywhere, then move it to the front everywhere,
// then remove the old one everywhere.

import { limits } from "./limits.ts";
import type { Outcome } from "./machine.ts";

/** Plain data, so that it may cross to another thread. Secret: never log or show it. */
export interface KeyRing {
  /** Texts as configured; the first is used for sealing. Real keys are derived from them and the cluster's id. */
  readonly keys: readonly [string, ...string[]];
  /** True for the ring that everybody knows. */
  readonly insecure: boolean;
}

export type KeyRingFailure = "no-key" | "key-too-short" | "key-too-long" | "too-many-keys";

/** Text of `MESH_KEY`: keys separated by commas or line ends, white space around them ignored, repeated ones counted once. The detail of a failure tells no key. */
export function parseKeyRing(text: string): Outcome<KeyRing, KeyRingFailure> {
  const pieces = text.split(/[,\r\n]/).map((piece) => piece.trim());
  const [first, ...others] = new Set(pieces.filter((piece) => piece !== ""));
  if (first === undefined) {
    return refuse(
      "no-key",
      "no key was given; expected at least one, for example of 32 random bytes",
    );
  }
  const keys = [first, ...others] as const;
  for (const [index, key] of keys.entries()) {
    const bytes = utf8.encode(key).length;
    const which = `key ${index + 1} of ${keys.length} has ${bytes} bytes`;
    if (bytes < shortestKey) {
      return refuse(
        "key-too-short",
        `${which}; expected at least ${shortestKey}, for example the output of: openssl rand -base64 32`,
      );
    }
    if (bytes > limits.keyBytes) {
      return refuse("key-too-long", `${which}; expected at most ${limits.keyBytes}`);
    }
  }
  if (keys.length > limits.keys) {
    return refuse(
      "too-many-keys",
      `${keys.length} keys were given; expected at most ${limits.keys}: remove those that nobody seals with any more`,
    );
  }
  return { ok: true, value: { keys, insecure: false } };
}

/** What `MESH_INSECURE=1` uses: frames, sequences and clusters work as ever, but anybody can make a datagram. */
export const insecureRing: KeyRing = {
  keys: ["heartmesh: everybody knows this key"],
  insecure: true,
};

const shortestKey = 16;
const utf8 = new TextEncoder();

const refuse = (failure: KeyRingFailure, detail: string): Outcome<never, KeyRingFailure> => ({
  ok: false,
  failure,
  detail,
});
