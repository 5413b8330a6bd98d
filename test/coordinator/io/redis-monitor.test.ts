// The damping of Redis's reachability: one slip is no loss, one answer no return.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ReachabilityDamper } from "../../../coordinator/io/redis-monitor.ts";
import { instant } from "../../../proto/units.ts";

test("nothing is known before the first answer, and one answer suffices then", () => {
  const damper = new ReachabilityDamper();
  assert.equal(damper.state.kind, "unknown");
  assert.equal(damper.onFailed(instant(0), "refused"), false);
  assert.equal(damper.state.kind, "unknown");
  assert.equal(damper.onAnswered(instant(1)), true);
  assert.equal(damper.state.kind, "reachable");
});

test("two failures in a row are a loss, told once and with the reason", () => {
  const damper = new ReachabilityDamper();
  damper.onAnswered(instant(0));
  assert.equal(damper.onFailed(instant(250), "late"), false);
  assert.equal(damper.onAnswered(instant(500)), false);
  assert.equal(damper.onFailed(instant(750), "late"), false);
  assert.equal(damper.onFailed(instant(1_000), "refused"), true);
  assert.deepEqual(damper.state, { kind: "unreachable", reason: "refused" });
  assert.equal(damper.onFailed(instant(1_250), "refused"), false);
});

test("one failure is a loss when nothing was heard for a second", () => {
  const damper = new ReachabilityDamper();
  damper.onAnswered(instant(0));
  assert.equal(damper.onFailed(instant(1_000), "late"), true);
});

test("a return takes two answers in a row", () => {
  const damper = new ReachabilityDamper();
  for (const at of [0, 250]) damper.onFailed(instant(at), "refused");
  assert.equal(damper.onAnswered(instant(500)), false);
  damper.onFailed(instant(750), "refused");
  assert.equal(damper.onAnswered(instant(1_000)), false);
  assert.equal(damper.onAnswered(instant(1_250)), true);
  assert.equal(damper.state.kind, "reachable");
});
