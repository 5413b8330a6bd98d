import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  ago,
  bytes,
  countdown,
  percent,
  span,
  trip,
} from "../../../coordinator/dashboard/times.ts";

describe("durations on a page", () => {
  test("have two digits that matter, and the unit that a person would choose", () => {
    const told = [
      -5,
      0,
      840,
      999.6,
      1_000,
      1_449,
      9_960,
      61_000,
      5 * 60_000,
      3 * 3_600_000,
      12 * 86_400_000,
    ];
    assert.deepEqual(told.map(span), [
      "0 ms",
      "0 ms",
      "840 ms",
      "1.0 s",
      "1.0 s",
      "1.4 s",
      "10 s",
      "61 s",
      "5 min",
      "3 h",
      "12 d",
    ]);
  });

  test("are counted down in whole seconds and never below none", () => {
    assert.deepEqual([6_100, 760_000, 3_720_000, -1].map(countdown), [
      "0:07",
      "12:40",
      "1:02:00",
      "0:00",
    ]);
  });

  test("that have just passed are just now", () => {
    assert.equal(ago(1_000, 1_900), "just now");
    assert.equal(ago(1_000, 39_000), "38 s ago");
  });
});

describe("figures on a page", () => {
  test("that nobody knows are a dash", () => {
    assert.deepEqual([trip(null), percent(null), bytes(null)], ["–", "–", "–"]);
  });

  test("say what a person reads of them", () => {
    assert.deepEqual([0.417, 3.14, 120.4].map(trip), ["0.42 ms", "3.1 ms", "120 ms"]);
    assert.deepEqual([0, 0.203, 1].map(percent), ["0 %", "20 %", "100 %"]);
    assert.deepEqual([0, 840, 1_440_000, 16e9].map(bytes), ["0 B", "840 B", "1.4 MB", "16 GB"]);
  });
});
