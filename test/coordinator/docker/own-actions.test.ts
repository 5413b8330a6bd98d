// Which of an engine's events this process caused itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnActions } from "../../../coordinator/docker/own-actions.ts";
import { instant } from "../../../proto/units.ts";

test("what a deed causes is ours until the event that ends it, by id or by name; what comes then is somebody else's", () => {
  const own = new OwnActions(() => instant(0));
  own.expect("id", "restart", 10_000);
  assert.equal(own.isOurs("other", "w", "kill"), false);
  for (const action of ["kill", "kill", "die", "stop", "start", "restart"] as const) {
    assert.equal(own.isOurs("id", "w", action), true, action);
  }
  assert.equal(own.isOurs("id", "w", "kill"), false);
  own.expect("w", "create", 100);
  assert.equal(own.isOurs("new id", "w", "create"), true);
});

test("somebody's stop right after our start is not ours", () => {
  const own = new OwnActions(() => instant(0));
  own.expect("id", "start", 10_000);
  assert.equal(own.isOurs("id", "w", "kill"), false);
  assert.equal(own.isOurs("id", "w", "start"), true);
  own.settled("id", "start");
  assert.equal(own.isOurs("id", "w", "kill"), false);
});

test("a kill and the start after it are told late, and both are ours", () => {
  const own = new OwnActions(() => instant(0));
  own.expect("id", "kill", 10_000);
  own.settled("id", "kill");
  own.expect("id", "start", 10_000);
  for (const action of ["kill", "die", "start"] as const) {
    assert.equal(own.isOurs("id", "w", action), true, action);
  }
  assert.equal(own.isOurs("id", "w", "die"), false);
});

test("what is never told is waited for until 2 s after the call", () => {
  let now = 0;
  const own = new OwnActions(() => instant(now));
  own.expect("id", "kill", 10_000);
  now = 9_000;
  own.settled("id", "kill");
  now = 10_900;
  assert.equal(own.isOurs("id", "w", "kill"), true);
  now = 11_001;
  assert.equal(own.isOurs("id", "w", "die"), false);
});

test("what we killed is remembered until it is started", () => {
  let now = 0;
  const own = new OwnActions(() => instant(now));
  own.onKilled("id");
  now = 60_000;
  assert.equal(own.hasKilled("id"), true);
  own.onStarted("id");
  assert.equal(own.hasKilled("id"), false);
});
