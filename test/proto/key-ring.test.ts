import assert from "node:assert/strict";
import { test } from "node:test";
import { insecureRing, parseKeyRing } from "../../proto/key-ring.ts";
import { limits } from "../../proto/limits.ts";

const ringOf = (text: string) => {
  const parsed = parseKeyRing(text);
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.detail);
  return parsed.value;
};

test("keys are separated by commas or lines, trimmed, and counted once", () => {
  const text = " first-first-first ,\nsecond-second-second\r\n\n,first-first-first\n";
  assert.deepEqual(ringOf(text), {
    keys: ["first-first-first", "second-second-second"],
    insecure: false,
  });
});

test("base64 of any kind is a key as it stands", () => {
  const key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEg+/==";
  assert.deepEqual(ringOf(key).keys, [key]);
});

const refused: readonly (readonly [string, string, string, RegExp])[] = [
  ["no key", "", "no-key", /at least one/],
  ["only separators", " ,\n, ", "no-key", /at least one/],
  ["15 bytes", "123456789012345", "key-too-short", /key 1 of 1 has 15 bytes; expected at least 16/],
  ["a short second key", "1234567890123456,short", "key-too-short", /key 2 of 2 has 5 bytes/],
  ["a book for a key", "x".repeat(limits.keyBytes + 1), "key-too-long", /expected at most 1024/],
  [
    "nine keys",
    Array.from({ length: 9 }, (_, i) => `key number ${i} of nine`).join(","),
    "too-many-keys",
    /9 keys were given; expected at most 8/,
  ],
];
for (const [what, text, failure, detail] of refused) {
  test(`${what}: refused, with what was wrong and what was expected`, () => {
    const parsed = parseKeyRing(text);
    assert.ok(!parsed.ok);
    assert.equal(parsed.failure, failure);
    assert.match(parsed.detail ?? "", detail);
  });
}

test("a refusal tells nothing of the keys", () => {
  const parsed = parseKeyRing("hunter2");
  assert.ok(!parsed.ok);
  assert.doesNotMatch(parsed.detail ?? "", /hunter2/);
});

test("16 bytes are counted in UTF-8, not in characters", () => {
  assert.deepEqual(ringOf("éééééééé").keys, ["éééééééé"]);
});

test("a ring is plain data that another thread can be sent", () => {
  assert.deepEqual(structuredClone(insecureRing), insecureRing);
  assert.equal(insecureRing.insecure, true);
});
