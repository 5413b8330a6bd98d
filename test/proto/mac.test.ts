import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blake3 } from "hash-wasm";
import { createMac, isSameMac } from "../../proto/mac.ts";

test("it is keyed BLAKE3, also with the keys taking turns", async () => {
  const mac = await createMac();
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 1500 }),
      async (key, message) => {
        const ours = Buffer.from(mac.digest(key, message)).toString("hex");
        assert.equal(ours, await blake3(message, 256, key));
      },
    ),
    { numRuns: 200 },
  );
});

test("two MACs are the same exactly when all their bytes are", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 127 }), (mac, bit) => {
      assert.equal(isSameMac(mac, Uint8Array.from(mac), 16), true);
      const other = Uint8Array.from(mac);
      other[bit >> 3] = other[bit >> 3]! ^ (1 << (bit & 7));
      assert.equal(isSameMac(mac, other, 16), false);
    }),
  );
});

test("a MAC that is too short is never the same", () => {
  assert.equal(isSameMac(new Uint8Array(15), new Uint8Array(15), 16), false);
});
