// The heap of deadlines against a twin that looks through a plain map.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadlines } from "../../../coordinator/core/deadlines.ts";
import { Random } from "../../../proto/random.ts";

test("the earliest deadline comes first, whatever was set, moved and removed before", () => {
  const random = new Random(11);
  for (let round = 0; round < 40; round++) {
    const heap = new Deadlines();
    const twin = new Map<number, number>();
    for (let i = 0; i < 500; i++) {
      const id = random.below(round < 20 ? 12 : 300);
      if (random.float() < 0.7) {
        const key = random.below(1000);
        heap.set(id, key);
        twin.set(id, key);
      } else {
        heap.remove(id);
        twin.delete(id);
      }
      assert.equal(heap.first(), Math.min(Infinity, ...twin.values()));
      assert.equal(heap.size, twin.size);
      if (twin.size > 0) assert.equal(twin.get(heap.firstId()), heap.first());
    }
    const drained: number[] = [];
    while (heap.size > 0) {
      drained.push(heap.first());
      heap.remove(heap.firstId());
    }
    assert.deepEqual(
      drained,
      [...twin.values()].sort((a, b) => a - b),
    );
  }
});

test("an empty heap has no deadline, and removing what has none does nothing", () => {
  const heap = new Deadlines();
  heap.remove(5);
  assert.equal(heap.first(), Infinity);
  assert.equal(heap.firstId(), -1);
});
