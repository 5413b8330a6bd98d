// The schedule alone: enough faults, every kind, and never more taken away at once than it says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endsAll, faultKinds, faultTable } from "./faults.ts";
import { buildSchedule, peace, type ScheduledFault } from "./schedule.ts";

const workers = Array.from({ length: 10 }, (_, at) => `w${at + 1}`);
const wish = { workers, withAgent: workers.slice(0, 9), coordinators: ["c1", "c2", "c3"] };
const of = (seed: number, seconds: number): readonly ScheduledFault[] =>
  buildSchedule({ ...wish, seed, seconds });
const seeds = Array.from({ length: 100 }, (_, at) => at + 1);

const isOf =
  (...victims: readonly string[]) =>
  ({ kind }: ScheduledFault): boolean =>
    victims.includes(faultTable[kind].strikes);
/** Each with the one before it, in their order. */
const pairs = (faults: readonly ScheduledFault[]): readonly [ScheduledFault, ScheduledFault][] =>
  faults.slice(1).map((fault, at) => [faults[at] ?? fault, fault]);

describe("a schedule", () => {
  test("is the same for the same seed, and another for another", () => {
    assert.deepEqual(of(7, 300), of(7, 300));
    assert.notDeepEqual(of(7, 300), of(8, 300));
  });

  test("of five minutes has at least 60 faults of every kind, and some that come two at once", () => {
    for (const seed of seeds) {
      const faults = of(seed, 300);
      assert.ok(faults.length >= 75, `seed ${seed}: ${faults.length}`);
      const kinds = new Set(faults.map(({ kind }) => kind));
      assert.deepEqual(
        faultKinds.filter((kind) => !kinds.has(kind)),
        [],
        `seed ${seed}`,
      );
      const together = pairs(faults).filter(([one, other]) => one.atMs === other.atMs);
      assert.ok(together.length >= 3, `seed ${seed}: ${together.length} at once`);
    }
  });

  test("of ninety seconds has more than 20", () => {
    for (const seed of seeds) assert.ok(of(seed, 90).length >= 23, `seed ${seed}`);
  });

  test("is in order, numbered, and over when its time is", () => {
    for (const seed of seeds) {
      const faults = of(seed, 90);
      assert.deepEqual(
        faults.map(({ number }) => number),
        faults.map((_, at) => at + 1),
      );
      for (const [before, after] of pairs(faults)) assert.ok(before.atMs <= after.atMs);
      for (const { atMs, forMs } of faults) assert.ok(atMs + forMs <= 90_000);
    }
  });

  test("takes one coordinator away at a time, but for those kinds that name two", () => {
    for (const seed of seeds) {
      const trio = of(seed, 300).filter(isOf("coordinator", "link", "pair"));
      for (const [before, after] of pairs(trio)) {
        const restedMs = after.atMs - (before.atMs + before.forMs);
        assert.ok(restedMs >= peace.coordinator - 1, `seed ${seed}: fault ${after.number}`);
      }
      for (const { kind, target, forMs } of trio) {
        const isPair = faultTable[kind].strikes !== "coordinator";
        assert.equal(target.split("+").length, isPair ? 2 : 1, `${kind} ${target}`);
        if (kind === "quorum-killed") assert.ok(forMs <= 4_000, `no quorum for ${forMs} ms`);
      }
    }
  });

  test("freezes a coordinator for longer than its lease, which ends before LEADER_TIMEOUT does", () => {
    const [shortest] = faultTable["coordinator-frozen"].lasts;
    assert.ok(shortest > 750);
  });

  test("strikes engine and Redis one after the other, and leaves workers in peace until they are healed", () => {
    for (const seed of seeds) {
      const faults = of(seed, 300);
      for (const victim of ["engine", "redis", "network"] as const) {
        for (const [before, after] of pairs(faults.filter(isOf(victim)))) {
          const restedMs = after.atMs - (before.atMs + before.forMs);
          assert.ok(restedMs >= peace[victim] - 1, `seed ${seed}: fault ${after.number}`);
        }
      }
      for (const { atMs, number } of faults.filter(({ kind }) => endsAll(kind))) {
        const tooSoon = faults
          .filter(isOf("worker", "worker-with-agent"))
          .filter((one) => one.number > number && one.atMs - atMs < peace.allContainers - 1);
        assert.deepEqual(tooSoon, [], `seed ${seed}`);
      }
      for (const worker of workers) {
        for (const [before, after] of pairs(faults.filter(({ target }) => target === worker))) {
          assert.ok(after.atMs - before.atMs - before.forMs >= peace.worker - 1, `seed ${seed}`);
        }
      }
    }
  });

  test("strikes agents only where there is one", () => {
    for (const seed of seeds) {
      for (const { target } of of(seed, 300).filter(isOf("worker-with-agent"))) {
        assert.ok(wish.withAgent.includes(target), target);
      }
    }
  });
});
