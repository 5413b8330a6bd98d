// The rings of samples: ten minutes of each worker, gaps as gaps, and an end to what is remembered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { History, samplesKept } from "../../../coordinator/api/live/history.ts";
import { workerSummary } from "./scripted-plane.ts";

const of = (roundTrip: number, id = "h1/a", standing: "up" | "down" = "up") =>
  workerSummary({ id, roundTrip, standing });

test("samples come back oldest first, in fine grains", () => {
  const history = new History();
  history.sample({ workers: [of(0.81)] }, 100);
  history.sample({ workers: [of(12.34, "h1/a", "down")] }, 101);
  history.sample({ workers: [of(9_999)] }, 102);
  const found = history.of("h1/a");
  assert.equal(found?.roundTripMs.length, samplesKept);
  assert.deepEqual(found.roundTripMs.slice(-4), [null, 0.8, null, 3_276.7]);
  assert.deepEqual(found.standing.slice(-4), [null, "up", "down", "up"]);
  assert.equal(history.of("h1/b"), undefined);
});

test("a gap is a gap, also where it lies over samples of ten minutes ago", () => {
  const history = new History();
  for (let second = 0; second < samplesKept; second++) history.sample({ workers: [of(1)] }, second);
  history.sample({ workers: [of(2)] }, samplesKept + 5);
  const found = history.of("h1/a")?.roundTripMs ?? [];
  assert.deepEqual(found.slice(-7), [1, null, null, null, null, null, 2]);
  assert.equal(found.filter((one) => one === 1).length, samplesKept - 6);
});

test("who vanished is shown until then, and forgotten after ten minutes", () => {
  const history = new History();
  history.sample({ workers: [of(1), of(1, "h1/b")] }, 1);
  for (let second = 2; second <= 10; second++) history.sample({ workers: [of(1)] }, second);
  assert.deepEqual(history.of("h1/b")?.roundTripMs.slice(-10), [
    1,
    ...new Array<null>(9).fill(null),
  ]);
  history.sample({ workers: [of(1)] }, samplesKept + 1);
  assert.equal(history.of("h1/b"), undefined);
});

test("of more workers than it may remember it remembers the first", () => {
  const history = new History(2);
  const workers = ["a", "b", "c"].map((id) => of(1, id));
  history.sample({ workers }, 1);
  assert.notEqual(history.of("b"), undefined);
  assert.equal(history.of("c"), undefined);
});

test("it agrees with a dumb list, whatever is missed", () => {
  const history = new History();
  const told = new Map<number, number>();
  let second = 0;
  let last = 0;
  for (let n = 1; n < 3_000; n++) {
    second += n % 97 === 0 ? 1 + (n % 700) : 1;
    const isThere = n % 13 !== 0;
    if (isThere) told.set(second, n % 50);
    history.sample({ workers: isThere ? [of(n % 50)] : [] }, second);
    last = second;
    if (n % 50 !== 0) continue;
    const expected = Array.from(
      { length: samplesKept },
      (_, at) => told.get(last - samplesKept + 1 + at) ?? null,
    );
    assert.deepEqual(history.of("h1/a")?.roundTripMs, expected);
  }
});
