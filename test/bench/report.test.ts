import assert from "node:assert/strict";
import { test } from "node:test";
import { summarize } from "./report.ts";

test("statistics are those of the samples, in any order", () => {
  const samples = [5, 1, 4, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
  const result = summarize("a", samples, "s");
  assert.deepEqual(
    [result.n, result.min, result.median, result.mean, result.p95, result.p99, result.max],
    [20, 1, 10.5, 10.5, 19, 20, 20],
  );
  assert.equal(summarize("b", [3, 1, 2], "s").median, 2);
});

test("a result without a limit is ok, one without a sample is not", () => {
  assert.deepEqual(summarize("a", [1], "s").limit, null);
  assert.equal(summarize("a", [1], "s").ok, true);
  assert.equal(summarize("a", [], "s").ok, false);
});

test("every limit must be kept, each on its own statistic, at the boundary too", () => {
  const samples = [1, 1, 10];
  assert.equal(summarize("a", samples, "s", { atMost: 1 }).ok, true);
  assert.equal(summarize("a", samples, "s", { atMost: 1 }, { of: "max", atMost: 10 }).ok, true);
  assert.equal(summarize("a", samples, "s", { atMost: 1 }, { of: "max", atMost: 9 }).ok, false);
  assert.equal(summarize("a", samples, "s", { of: "mean", atLeast: 4 }).ok, true);
  assert.equal(summarize("a", samples, "s", { of: "mean", atLeast: 5 }).ok, false);
  assert.equal(summarize("a", samples, "s", { atLeast: 0.5 }, { atMost: 2 }).limit, 0.5);
});
