import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pack, unpack } from "msgpackr";
import { isPlainValue } from "../../proto/scan.ts";

const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.string({ maxLength: 300 }),
    fc.array(tie("plain"), { maxLength: 20 }),
  ),
}));

/** The dumb twin: how deep a built value is nested. */
const depth = (value: unknown): number =>
  Array.isArray(value) ? 1 + Math.max(0, ...value.map(depth)) : 0;

test("whatever is made of arrays, text, numbers, booleans and nil to eight levels is plain", () => {
  fc.assert(
    fc.property(plain, (value) => {
      assert.equal(isPlainValue(pack(value)), depth(value) <= 8);
    }),
    { numRuns: 500 },
  );
});

test("what is found plain unpacks without an exception, to no more elements than bytes", () => {
  const size = (value: unknown): number =>
    Array.isArray(value) ? value.reduce<number>((sum, item) => sum + size(item), 1) : 1;
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constantFrom(0x90, 0x91, 0x92, 0xdc, 0xa1, 0xd9, 0xda, 0xc0, 0xcb, 0xcd, 0, 1, 2),
          fc.integer({ min: 0, max: 255 }),
        ),
        { maxLength: 12 },
      ),
      (list) => {
        const bytes = Uint8Array.from(list);
        if (!isPlainValue(bytes)) return;
        found++;
        assert.ok(size(unpack(bytes)) <= bytes.length);
      },
    ),
    { numRuns: 5000 },
  );
  assert.ok(found > 50, `only ${found} samples were plain`);
});
