// Starts of containers in their order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLater } from "../../../coordinator/core/worker.ts";

test("instants of the engine are compared to the nanosecond, trailing zeros left out", () => {
  const at = (fraction: string): string => `2026-11-20T22:10:47${fraction}Z`;
  assert.equal(isLater(at(".330837868"), at(".330837867")), true);
  assert.equal(isLater(at(".3"), at(".299999999")), true);
  assert.equal(isLater(at(""), at(".000000001")), false);
  assert.equal(isLater("2026-11-20T22:10:48Z", at(".999999999")), true);
  assert.equal(isLater(at(".5"), at(".5")), false);
  assert.equal(isLater("", at("")), false);
  assert.equal(isLater(at(""), ""), true);
});
