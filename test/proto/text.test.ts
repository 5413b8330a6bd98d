import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../proto/limits.ts";
import { isName, isTextWithin, toReason } from "../../proto/text.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
    .map((units) => String.fromCharCode(...units)),
);

test("a text is within its bytes exactly when it is printable and Node counts no more", () => {
  fc.assert(
    fc.property(anyText, fc.nat({ max: 400 }), (text, bytes) => {
      const isPrintable = !/[\p{Cc}\p{Cs}\ufeff]/u.test(text);
      assert.equal(isTextWithin(text, bytes), isPrintable && Buffer.byteLength(text) <= bytes);
    }),
    { numRuns: 1000 },
  );
});

test("a reason is always within its bytes, and stays what it was where it can", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const reason = toReason(text);
      assert.ok(isTextWithin(reason, limits.reasonBytes));
      if (isTextWithin(text, limits.reasonBytes)) assert.equal(reason, text);
      assert.equal(toReason(reason), reason);
    }),
    { numRuns: 1000 },
  );
});

test("a name is neither empty nor broken over lines", () => {
  assert.equal(isName("host/web-1"), true);
  assert.equal(isName(""), false);
  assert.equal(isName("a\nb"), false);
  assert.equal(isName("\u0085"), false);
  assert.equal(isName("\ud800"), false);
  assert.equal(isName("n".repeat(limits.nameBytes)), true);
  assert.equal(isName("n".repeat(limits.nameBytes + 1)), false);
});
