// The end of a lease, as the two threads share it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LeaseBoard } from "../../../coordinator/io/lease-board.ts";

/** The two ends of one board, and a wall clock that the test sets. */
function ends() {
  const clock = { wall: 1_000_000 };
  const wall = (): number => clock.wall;
  const reader = new LeaseBoard(wall);
  return { clock, reader, writer: new LeaseBoard(wall, reader.buffer) };
}

test("nothing is left before anything was written, and after a lease was given up", () => {
  const { reader, writer } = ends();
  assert.equal(reader.left(), 0);
  writer.write(60_000);
  assert.ok(reader.left() > 59_000 && reader.left() <= 60_000);
  writer.write(0);
  assert.equal(reader.left(), 0);
});

test("what is left runs out by the clock of both threads", async () => {
  const { reader, writer } = ends();
  writer.write(20);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(reader.left(), 0);
});

test("a machine that slept has nothing left, whatever its monotonic clock says", () => {
  const { clock, reader, writer } = ends();
  writer.write(60_000);
  clock.wall += 61_000;
  assert.equal(reader.left(), 0);
});

test("a wall clock that is set back prolongs nothing", () => {
  const { clock, reader, writer } = ends();
  writer.write(60_000);
  clock.wall -= 3_600_000;
  assert.ok(reader.left() <= 60_000);
});
