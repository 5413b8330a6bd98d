// A datagram, whatever its bytes: a message or a reason, and each reason is counted.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeMessage, fitsDatagram } from "../../proto/codec.ts";
import { payloadBytes } from "../../proto/frame.ts";
import { parseKeyRing } from "../../proto/key-ring.ts";
import { createMac } from "../../proto/mac.ts";
import { DropCounts, receive } from "../../proto/receive.ts";
import { Seal } from "../../proto/seal.ts";
import type { BootId } from "../../proto/units.ts";
import { messageArbitrary } from "./arbitrary-message.ts";

const mac = await createMac();
const parsed = parseKeyRing("a key of this very cluster");
assert.ok(parsed.ok);
const ring = parsed.value;
let boots = 0;
const start = (): Seal =>
  new Seal(
    { cluster: "blue", boot: (++boots).toString(16).padStart(16, "0") as BootId, ring },
    mac,
  );

const reasons = [
  ...["too-long", "too-short", "version", "foreign-cluster", "unknown-key", "bad-mac"],
  ...["replayed", "malformed"],
];
const receiver = start();
const drops = new DropCounts();
let dropped = 0;

/** Whether it is taken; never throws, and a refusal is counted by a reason that is known. */
function isTaken(bytes: Uint8Array): boolean {
  const outcome = receive(receiver, bytes);
  if (outcome.ok) return true;
  drops.add(outcome.failure);
  dropped++;
  assert.ok(reasons.includes(outcome.failure), outcome.failure);
  return false;
}

const sender = start();
const change = fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) });

test("random bytes, and those of a sealed message with some changed, are refused", () => {
  fc.assert(
    fc.property(
      messageArbitrary,
      fc.uint8Array({ maxLength: 1_400 }),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      (message, noise, changes) => {
        fc.pre(fitsDatagram("c1", message));
        assert.equal(isTaken(noise), false);
        const sealed = Uint8Array.from(sender.seal(encodeMessage("c1", message)));
        const forged = Uint8Array.from(sealed);
        for (const { at, by } of changes) forged[at % forged.length]! ^= by;
        fc.pre(Buffer.compare(sealed, forged) !== 0);
        assert.equal(isTaken(forged), false);
        assert.equal(isTaken(sealed), true);
        assert.equal(isTaken(sealed), false, "repeated");
      },
    ),
    { numRuns: 1_000 },
  );
});

test("nonsense under the right key is a message or malformed, and what is one can be passed on", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: payloadBytes }),
        // A head that looks right.
        fc.uint8Array({ maxLength: 60 }).map((rest) => Uint8Array.of(0x94, 1, ...rest)),
        fc
          .tuple(messageArbitrary, fc.array(change, { minLength: 1, maxLength: 4 }))
          .filter(([message]) => fitsDatagram("c1", message))
          .map(([message, changes]) => {
            const bytes = Uint8Array.from(encodeMessage("c1", message));
            for (const { at, by } of changes) bytes[at % bytes.length]! ^= by;
            return bytes;
          }),
      ),
      (payload) => {
        const outcome = receive(receiver, sender.seal(payload));
        if (outcome.ok) {
          encodeMessage(outcome.value.sender, outcome.value.message);
          return;
        }
        drops.add(outcome.failure);
        dropped++;
        assert.ok(["malformed", "version"].includes(outcome.failure), outcome.failure);
      },
    ),
    { numRuns: 5_000 },
  );
});

test("every refusal was counted once, by its reason", () => {
  const counters = Object.entries(drops.counters);
  assert.equal(
    counters.reduce((sum, [, count]) => sum + count, 0),
    dropped,
  );
  assert.deepEqual(
    counters.filter(([name]) => !reasons.includes(name.replace(/^dropped-/, ""))),
    [],
  );
  assert.ok(dropped > 2_000);
});
