import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOf } from "./frames.ts";

const url = "http://127.0.0.1:1/";
const page = { frames: [{ url: `${url}#/workers`, processId: 7 }] };

const trace = (...own: readonly object[]): string =>
  JSON.stringify({
    traceEvents: [
      { name: "TracingStartedInBrowser", pid: 1, tid: 1, args: { data: page } },
      { name: "thread_name", pid: 7, tid: 8, args: { name: "CrRendererMain" } },
      ...own.map((one) => ({ pid: 7, tid: 8, ...one })),
    ],
  });
const task = (ts: number, dur: number): object => ({ name: "RunTask", ts, dur, tdur: dur / 2 });

const asked = (ts: number): object => ({ name: "AnimationFrame", ph: "b", ts });

test("a frame costs all tasks from the one that asked for it to its end", () => {
  const text = trace(
    task(0, 3_000),
    asked(4_500),
    task(4_000, 2_000),
    task(7_000, 1_000),
    task(10_000, 4_000),
    { name: "Commit", ts: 13_000 },
    // Nothing tells of its begin.
    task(15_000, 9_000),
    task(30_000, 1_000),
    { name: "Commit", ts: 30_500 },
  );
  const { work, processor, longestTask } = framesOf(text, url);
  assert.deepEqual(work, [7, 1]);
  assert.deepEqual(processor, [3.5, 0.5]);
  assert.equal(longestTask, 9);
});

test("a frame that was asked for within the one before does not cost that, too", () => {
  const text = trace(
    task(0, 4_000),
    { name: "Commit", ts: 2_000 },
    asked(3_000),
    task(5_000, 1_000),
    task(8_000, 1_000),
    { name: "Commit", ts: 8_500 },
  );
  assert.deepEqual(framesOf(text, url).work, [4, 2]);
});

test("a task within another, another thread and another process count nothing", () => {
  const { work } = framesOf(
    trace(
      task(0, 4_000),
      task(1_000, 1_000),
      { name: "RunTask", ts: 500, dur: 9_000, tid: 9 },
      { name: "RunTask", ts: 500, dur: 9_000, pid: 6 },
      { name: "Commit", ts: 3_000 },
    ),
    url,
  );
  assert.deepEqual(work, [4]);
});

test("a trace without the page is refused", () => {
  assert.throws(() => framesOf(trace(), "http://127.0.0.1:2/"), /no page at/);
});
