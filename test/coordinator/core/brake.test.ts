// The brake by itself: when it trips and when it releases.

import assert from "node:assert/strict";
import { it } from "node:test";
import { instant } from "../../../proto/units.ts";
import { Brake } from "../../../coordinator/core/brake.ts";

const config = { fraction: 0.3, minimum: 5, window: 10_000 };
const nobody = (): boolean => false;

it("A brake trips above the fraction, not at it, and not below the minimum", () => {
  const brake = new Brake(config);
  for (let i = 0; i < 6; i++) brake.onFailure(`w${i}`, "", instant(i));
  assert.equal(brake.onTick(20, nobody, instant(10)), "unchanged");
  brake.onFailure("w6", "", instant(11));
  assert.equal(brake.onTick(20, nobody, instant(11)), "tripped");
  assert.deepEqual(brake.state(20, instant(11)), { tripped: true, failing: 7, share: 0.35 });

  const small = new Brake(config);
  for (let i = 0; i < 4; i++) small.onFailure(`w${i}`, "", instant(i));
  assert.equal(small.onTick(4, nobody, instant(10)), "unchanged");
});

it("A brake counts a worker once, and all that share a cause as one", () => {
  const brake = new Brake(config);
  for (let i = 0; i < 20; i++) brake.onFailure("w1", "", instant(i));
  for (let i = 0; i < 15; i++) brake.onFailure(`a${i}`, "host h1 is dead", instant(i));
  for (let i = 0; i < 4; i++) brake.onFailure(`b${i}`, "", instant(i));
  assert.equal(brake.state(20, instant(20)).failing, 6);
  assert.equal(brake.onTick(20, nobody, instant(20)), "unchanged");
  brake.onFailure("b4", "", instant(21));
  assert.equal(brake.onTick(20, nobody, instant(21)), "tripped");
});

it("A brake forgets failures after its window, also of workers that fail on, and counts those healed within it", () => {
  const brake = new Brake(config);
  for (let i = 0; i < 6; i++) brake.onFailure(`w${i}`, "", instant(0));
  brake.onFailure("w6", "", instant(10_000));
  assert.equal(brake.onTick(20, nobody, instant(10_000)), "unchanged");
  const quick = new Brake(config);
  for (let i = 0; i < 7; i++) {
    quick.onFailure(`w${i}`, "", instant(i * 1_000));
    quick.onHealthy(`w${i}`, instant(i * 1_000 + 500));
  }
  assert.equal(quick.onTick(20, nobody, instant(6_500)), "tripped");
});

it("A brake releases below half the fraction, once nobody waits for its turn", () => {
  const brake = new Brake(config);
  for (let i = 0; i < 8; i++) brake.onFailure(`w${i}`, "", instant(0));
  assert.equal(brake.onTick(20, nobody, instant(0)), "tripped");
  assert.equal(brake.nextDeadline(), 10_000);
  for (let i = 0; i < 5; i++) brake.onHealthy(`w${i}`, instant(5_000));
  assert.equal(brake.onTick(20, nobody, instant(9_999)), "unchanged");
  assert.equal(
    brake.onTick(20, nobody, instant(10_000)),
    "unchanged",
    "three of twenty still fail",
  );
  brake.onHealthy("w5", instant(11_000));
  assert.equal(
    brake.onTick(20, () => true, instant(11_000)),
    "unchanged",
  );
  assert.equal(brake.onTick(20, nobody, instant(11_000)), "released");
  assert.equal(brake.onTick(20, nobody, instant(11_001)), "unchanged");
  assert.equal(brake.nextDeadline(), undefined);
});
