// A recovery as it is written down: every stage has its time, repeated and late news change nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobNews } from "../../../coordinator/core/job.ts";
import {
  applyNews,
  beginRecord,
  mergeRecords,
  type RecoveryRecord,
} from "../../../coordinator/core/recovery-record.ts";
import { revivalJob } from "../jobs/scripted-world.ts";

const job = revivalJob();
const { token, recovery } = job;
const news = {
  enqueued: { kind: "job-enqueued", token, recovery, at: 10 },
  start: (tryNumber: number, at: number, runner = "c1"): JobNews => ({
    kind: "try-started",
    token,
    recovery,
    tryNumber,
    runner,
    at,
  }),
  acted: (at: number): JobNews => ({
    kind: "acted",
    token,
    recovery,
    at,
    newContainerId: "x",
    newStartedAt: "y",
  }),
  verified: (at: number): JobNews => ({ kind: "verified", token, recovery, at }),
  failed: (tryNumber: number, at: number, counts = true): JobNews => ({
    kind: "try-failed",
    token,
    recovery,
    tryNumber,
    reason: "no answer",
    counts,
    nextTryIn: 5,
    at,
  }),
  recovered: { kind: "recovered", token, recovery, at: 90 },
  exhausted: { kind: "exhausted", token, recovery, tries: 3, reason: "gave up", at: 91 },
  superseded: { kind: "superseded", token, recovery, reason: "started by a person", at: 92 },
} as const;

const after = (...all: readonly JobNews[]): RecoveryRecord =>
  all.reduce(applyNews, beginRecord(job));

test("a recovery of two tries has the time of every stage", () => {
  const record = after(
    news.enqueued,
    news.start(1, 20),
    news.acted(30),
    news.failed(1, 40),
    news.start(2, 50, "c2"),
    news.acted(60),
    news.verified(70),
    news.recovered,
  );
  assert.equal(record.enqueuedAt, 10);
  assert.deepEqual(
    record.tries.map((one) => [
      one.number,
      one.runner,
      one.startedAt,
      one.actedAt,
      one.verifiedAt,
      one.failedAt,
      one.reason,
    ]),
    [
      [1, "c1", 20, 30, 0, 40, "no answer"],
      [2, "c2", 50, 60, 70, 0, ""],
    ],
  );
  assert.equal(record.verifiedAt, 70);
  assert.equal(record.recoveredAt, 90);
  assert.equal(record.endedAt, 90);
  assert.equal(record.outcome, "recovered");
  assert.equal(record.runner, "c2");
});

test("a try whose end was not heard is over when the next one begins; who heard its end corrects that", () => {
  const lost = after(news.start(1, 20), news.acted(30), news.start(2, 50), news.verified(70));
  const [first, second] = lost.tries;
  assert.deepEqual(
    [first?.actedAt, first?.failedAt, first?.reason, first?.verifiedAt],
    [30, 50, "its end was not heard; try 2 has begun since", 0],
  );
  assert.deepEqual([second?.number, second?.failedAt, second?.verifiedAt], [2, 0, 70]);
  const heard = after(news.start(1, 20), news.acted(30), news.failed(1, 40), news.start(2, 50));
  for (const merged of [mergeRecords(lost, heard), mergeRecords(heard, lost)]) {
    assert.deepEqual(
      merged.tries.map(({ failedAt, reason }) => [failedAt, reason]),
      [
        [40, "no answer"],
        [0, ""],
      ],
    );
  }
});

test("giving up and being overtaken are ends with a reason", () => {
  const exhausted = after(news.start(1, 20), news.failed(1, 30), news.exhausted);
  assert.equal(exhausted.outcome, "exhausted");
  assert.equal(exhausted.outcomeReason, "gave up");
  assert.equal(exhausted.recoveredAt, 0);
  assert.equal(after(news.superseded).outcome, "superseded");
});

test("repeated news changes nothing, and nothing changes an ended record", () => {
  const once = after(news.enqueued, news.start(1, 20), news.acted(30));
  assert.equal(applyNews(once, news.start(1, 25)), once);
  assert.equal(applyNews(once, news.acted(35)), once);
  const ended = applyNews(once, news.recovered);
  for (const late of [news.exhausted, news.superseded, news.failed(1, 99), news.start(2, 99)]) {
    assert.equal(applyNews(ended, late), ended);
  }
});

test("news of another recovery changes nothing", () => {
  const record = after(news.start(1, 20));
  assert.equal(applyNews(record, { ...news.recovered, recovery: "other" }), record);
  assert.equal(applyNews(record, { kind: "job-refused", token, reason: "late" }), record);
});

test("a stalled try that another runner goes on with is one try", () => {
  const record = after(news.start(1, 20), news.acted(30), news.start(1, 60, "c2"), news.acted(61));
  assert.equal(record.tries.length, 1);
  assert.equal(record.tries[0]?.runner, "c2");
  assert.equal(record.tries[0].actedAt, 30);
});

test("a try that the engine prevented is listed and does not count", () => {
  const record = after(news.start(1, 20), news.failed(1, 30, false), news.start(1, 40));
  assert.deepEqual(
    record.tries.map(({ counts }) => counts),
    [false, true],
  );
});

test("an engine that is away for hours does not let the record grow without bound", () => {
  let record = after(news.start(1, 1), news.failed(1, 2));
  for (let at = 10; at < 2_000; at += 2) {
    record = applyNews(applyNews(record, news.start(2, at)), news.failed(2, at + 1, false));
  }
  assert.equal(record.tries.length, 50);
  assert.equal(record.tries[0]?.counts, true, "a try that counts is kept");
});

test("whoever followed a job half-way takes nothing from what is known of it", () => {
  const story = [
    news.enqueued,
    news.start(1, 20),
    news.acted(25),
    news.failed(1, 30),
    news.start(2, 40),
    news.failed(2, 42, false),
    news.start(2, 50),
    news.acted(52),
    news.start(2, 60, "c2"),
    news.acted(61),
    news.verified(70),
    news.recovered,
  ];
  const whole = after(...story);
  for (let from = 0; from <= story.length; from++) {
    for (let to = from; to <= story.length; to++) {
      // Whoever adopts a job hears when it was enqueued, and of its last try from the start.
      if (from > 0 && from < to && story[from]?.kind !== "try-started") continue;
      const part = after(news.enqueued, ...story.slice(from, to));
      assert.deepEqual(mergeRecords(whole, part), whole, `from ${from} to ${to}`);
      assert.deepEqual(mergeRecords(part, whole), whole, `from ${from} to ${to}`);
    }
  }
});

test("two who know half of a recovery each know all of it together", () => {
  const killed = [news.enqueued, news.start(1, 20), news.acted(25), news.failed(1, 30)];
  const late = [news.start(2, 40, "c2"), news.acted(45), news.verified(50), news.recovered];
  const whole = after(...killed, ...late);
  const [one, other] = [after(...killed), after(news.enqueued, ...late)];
  assert.deepEqual(mergeRecords(one, other), whole);
  assert.deepEqual(mergeRecords(other, one), whole);
});

test("of two ends the first stands", () => {
  const [one, other] = [after(news.recovered), after(news.superseded)];
  for (const merged of [mergeRecords(one, other), mergeRecords(other, one)]) {
    assert.deepEqual([merged.outcome, merged.endedAt], ["recovered", 90]);
  }
});

test("what is told again of a try that has failed makes no second one, also behind the next try's news", () => {
  const told = [news.start(1, 20), news.acted(30), news.verified(35), news.failed(1, 40, false)];
  const tried = (record: RecoveryRecord): readonly (readonly number[])[] =>
    record.tries.map((one) => [one.number, one.startedAt, one.actedAt, one.failedAt]);
  assert.deepEqual(tried(after(...told, ...told)), [[1, 20, 30, 40]]);
  assert.deepEqual(tried(after(...told, news.start(1, 50, "c2"), ...told)), [
    [1, 20, 30, 40],
    [1, 50, 0, 0],
  ]);
});
