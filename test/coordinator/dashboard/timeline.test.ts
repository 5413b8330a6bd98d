import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bandsOf } from "../../../coordinator/dashboard/bands.ts";
import { outageOf, timelineOf } from "../../../coordinator/dashboard/timeline.ts";
import type { RecoveryView, TryView } from "../../../proto/rest.ts";

const tried = (changed: Partial<TryView>): TryView => ({
  number: 1,
  runner: "c2",
  startedAtMs: 1_100,
  actedAtMs: 1_400,
  verifiedAtMs: null,
  failedAtMs: null,
  reason: "",
  counts: true,
  ...changed,
});

const recovery = (changed: Partial<RecoveryView>): RecoveryView => ({
  id: "r1",
  worker: "h1/web",
  verdict: "stopped",
  action: "start",
  reason: "it exited",
  evidence: [],
  term: 7,
  epoch: 1,
  outcome: "running",
  outcomeReason: "",
  runner: "c2",
  maxTries: 3,
  detectedAtMs: 1_000,
  decidedAtMs: 1_060,
  enqueuedAtMs: 1_070,
  actingAtMs: null,
  verifyingAtMs: null,
  verifiedAtMs: null,
  recoveredAtMs: null,
  endedAtMs: null,
  tries: [],
  ...changed,
});

describe("a recovery's line of time", () => {
  test("holds what was reached, each with its distance from the first and from the one before", () => {
    const points = timelineOf(recovery({ tries: [tried({})] }));
    assert.deepEqual(
      points.map(({ text, afterMs, tookMs }) => [text, afterMs, tookMs]),
      [
        ["detected: stopped", 0, 0],
        ["decided: start", 60, 60],
        ["enqueued", 70, 10],
        ["acting on c2", 100, 30],
        ["acted, verifying", 400, 300],
      ],
    );
  });

  test("tells each try apart, and which counted as none", () => {
    const tries = [
      tried({ failedAtMs: 2_000, reason: "the engine did not answer", counts: false }),
      tried({ number: 2, startedAtMs: 3_000, actedAtMs: 3_100, verifiedAtMs: 3_500 }),
    ];
    const texts = timelineOf(recovery({ tries, outcome: "recovered", recoveredAtMs: 8_500 })).map(
      ({ text }) => text,
    );
    assert.ok(texts.includes("try 1: failed (counts as none): the engine did not answer"));
    assert.equal(texts.at(-1), "recovered");
  });

  test("ends with why it ended", () => {
    const points = timelineOf(
      recovery({ outcome: "exhausted", outcomeReason: "3 tries failed", endedAtMs: 9_000 }),
    );
    assert.deepEqual(
      [points.at(-1)?.text, points.at(-1)?.tone],
      ["exhausted: 3 tries failed", "bad"],
    );
  });

  test("measures how long it did not answer, where it did again", () => {
    assert.equal(outageOf(recovery({ verifiedAtMs: 2_000 })), 1_000);
    assert.equal(outageOf(recovery({})), null);
  });
});

describe("standings as bands", () => {
  test("join what is the same, and cover all of the time", () => {
    const [told] = bandsOf({
      stepMs: 1_000,
      endMs: 10_000,
      coordinators: { c1: { roundTripMs: [], standing: ["up", "up", "down", null, "up"] } },
    });
    assert.deepEqual(
      told?.bands.map(({ standing, fromMs, toMs }) => [standing, fromMs, toMs]),
      [
        ["up", 5_000, 7_000],
        ["down", 7_000, 8_000],
        [null, 8_000, 9_000],
        ["up", 9_000, 10_000],
      ],
    );
    assert.deepEqual([told.bands[0]?.from, told.bands.at(-1)?.to], [0, 1]);
  });

  test("of nothing are none", () => {
    const none = bandsOf({
      stepMs: 1,
      endMs: 1,
      coordinators: { c1: { roundTripMs: [], standing: [] } },
    });
    assert.deepEqual(none[0]?.bands, []);
  });
});
