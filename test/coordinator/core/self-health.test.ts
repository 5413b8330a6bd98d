// When a coordinator distrusts itself, for how long, and when it does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SelfHealth } from "../../../coordinator/core/self-health.ts";
import { instant } from "../../../proto/units.ts";

function healthOf(coordinatorCount = 3): SelfHealth {
  const health = new SelfHealth({ coordinatorCount, checkInterval: 1000, timeout: 500 });
  health.onPeers(true);
  return health;
}
const at = instant;

test("one of three abstains until it hears another; one alone judges alone", () => {
  const config = { checkInterval: 1000, timeout: 500 };
  const health = new SelfHealth({ coordinatorCount: 3, ...config });
  assert.equal(health.judge(at(0)).fit, false);
  health.onPeers(true);
  assert.equal(health.judge(at(0)).fit, true);
  health.onPeers(false);
  assert.match(health.judge(at(0)).reason, /no other coordinator/);
  const alone = new SelfHealth({ coordinatorCount: 1, ...config });
  alone.onPeers(false);
  assert.equal(alone.judge(at(0)).fit, true);
});

test("a stall of 300 ms keeps nobody from judging, for the deadlines have already moved by it", () => {
  const health = healthOf();
  assert.equal(health.onTick(300, at(1000)), false);
  assert.deepEqual(health.judge(at(1000)), { fit: true, reason: "", until: undefined });
});

test("stalls that follow each other add up, and time pays them off in proportion", () => {
  const health = healthOf();
  health.onTick(400, at(1000));
  health.onTick(400, at(1400));
  const judged = health.judge(at(1400));
  assert.equal(judged.fit, false);
  assert.match(judged.reason, /starved/);
  assert.equal(
    judged.until,
    1600,
    "600 ms are owed, 500 are borne, half a millisecond a millisecond",
  );
  assert.equal(health.isStarved(at(1400)), true);
  assert.equal(health.judge(at(1600)).fit, true);
});

test("with two hundredths of a processor it abstains all the time, and for at most 3 s after", () => {
  const health = healthOf();
  let now = 0;
  let fit = 0;
  for (let i = 0; i < 200; i++) {
    now += 100;
    health.onTick(98, at(now));
    if (i >= 12 && health.judge(at(now)).fit) fit++;
  }
  assert.equal(fit, 0);
  assert.equal(health.judge(at(now + 3000)).fit, true);
});

test("late timers of 20 ms are no stall, however many", () => {
  const health = healthOf();
  for (let now = 0; now < 10_000; now += 25) health.onTick(20, at(now));
  assert.equal(health.judge(at(10_000)).fit, true);
  assert.equal(health.counters.stalls, 0);
});

test("a jump is told to the caller, and nothing is judged until every worker could be asked again", () => {
  const health = healthOf();
  assert.equal(health.onTick(5000, at(10_000)), true);
  const judged = health.judge(at(10_000));
  assert.deepEqual([judged.fit, judged.until], [false, 12_000]);
  assert.equal(health.judge(at(11_999)).fit, false);
  assert.equal(health.judge(at(12_000)).fit, true);
  health.onJump(at(20_000));
  assert.equal(health.judge(at(20_001)).fit, false);
  assert.equal(health.counters.jumps, 2);
});

test("dropped inputs cost a second of judgement", () => {
  const health = healthOf();
  health.onDrop(at(0));
  assert.equal(health.judge(at(999)).fit, false);
  assert.equal(health.judge(at(1000)).fit, true);
});

test("who does not hear more than 30 % of its workers, which others hear, is itself the cause", () => {
  const cases: [number, number, number, boolean][] = [
    // doubted, heard by others, total → fit
    [7, 7, 20, false],
    [6, 6, 20, true],
    [20, 0, 20, true],
    [20, 5, 20, true],
    [20, 7, 20, false],
    [1, 1, 1, true],
    [1, 1, 3, true],
    [2, 2, 3, false],
    [0, 0, 0, true],
  ];
  for (const [doubted, heardByOthers, total, fit] of cases) {
    const health = healthOf();
    health.onDoubtShare(doubted, heardByOthers, total, at(0));
    assert.equal(health.judge(at(1)).fit, fit, `${doubted}, ${heardByOthers} of ${total}`);
    assert.equal(health.judge(at(1000)).fit, true, "it ends a second after its cause");
  }
});

test("a shorter cause never ends a longer one", () => {
  const health = healthOf();
  health.onJump(at(0));
  health.onDrop(at(500));
  assert.equal(health.judge(at(1700)).fit, false);
  assert.equal(health.judge(at(2000)).fit, true);
});
