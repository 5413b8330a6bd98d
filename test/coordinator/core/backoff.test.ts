// The wait between tries.

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Random } from "../../../proto/random.ts";
import { backoffDelay, plannedBackoff } from "../../../coordinator/core/backoff.ts";

const bounds = { base: 1_000, max: 60_000 };

it("A wait doubles from BACKOFF to BACKOFF_MAX", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((n) => plannedBackoff(n, bounds));
  assert.deepEqual(waits, [1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 60e3, 60e3, 60e3]);
});

it("A wait strays from its plan by at most a quarter, to both sides", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2_000 }), (seed, n) => {
      const planned = plannedBackoff(n, bounds);
      const wait = backoffDelay(n, bounds, new Random(seed));
      assert.ok(wait >= planned * 0.75 && wait <= planned * 1.25);
    }),
  );
  const random = new Random(7);
  const waits = Array.from({ length: 1_000 }, () => backoffDelay(1, bounds, random));
  assert.ok(Math.min(...waits) < 800 && Math.max(...waits) > 1_200);
});
