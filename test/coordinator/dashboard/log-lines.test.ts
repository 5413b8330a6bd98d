// Log lines: bounded, held while paused, and once each after the stream was cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLines } from "../../../coordinator/dashboard/log-lines.ts";

const line = (text: string) => ({ at: 0, of: "web.1", isError: false, text });
const texts = (lines: LogLines) => lines.shown.map(({ text }) => text);

test("the last lines are kept, oldest first, each with a key of its own", () => {
  const lines = new LogLines(3);
  for (const text of ["a", "b", "c", "d"]) lines.add(line(text), text);
  assert.deepEqual(texts(lines), ["b", "c", "d"]);
  lines.add(line("e"), "e");
  assert.deepEqual(texts(lines), ["c", "d", "e"]);
  assert.equal(new Set(lines.shown.map(({ key }) => key)).size, 3);
});

test("while paused nothing moves, and what came is shown afterwards", () => {
  const lines = new LogLines();
  lines.add(line("a"), "1");
  assert.deepEqual(texts(lines), ["a"]);
  lines.isPaused = true;
  lines.add(line("b"), "2");
  assert.deepEqual([texts(lines), lines.held], [["a"], 1]);
  lines.isPaused = false;
  assert.deepEqual([texts(lines), lines.held], [["a", "b"], 0]);
});

test("what comes again after a cut is not shown twice; the same words at another time are", () => {
  const lines = new LogLines();
  for (const mark of ["1", "2", "1", "2", "3"]) lines.add(line("same"), mark);
  assert.equal(lines.shown.length, 3);
});
