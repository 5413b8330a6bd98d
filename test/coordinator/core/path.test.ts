// What a path learns: round trip, loss, the silences it survived; and when its question may be answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Path, type PathSettings } from "../../../coordinator/core/path.ts";
import { PathLoss } from "../../../coordinator/core/path-loss.ts";
import { RoundTrip } from "../../../coordinator/core/round-trip.ts";
import { Random } from "../../../proto/random.ts";
import { instant } from "../../../proto/units.ts";
import { defaults } from "./virtual-mesh.ts";

const pathOf = (settings: PathSettings = defaults) => new Path("host-1/web-1", 0, 0, settings);

test("an unknown path is given the whole timeout, a known one its round trip and four deviations, at least 60 ms", () => {
  const trip = new RoundTrip();
  assert.equal(trip.wait(500, 0), 500);
  trip.sample(150);
  assert.equal(trip.wait(500, 0), 450, "the first sample's deviation is half of it (RFC 6298)");
  for (let i = 0; i < 40; i++) trip.sample(150);
  assert.ok(trip.wait(500, 0) >= 170 && trip.wait(500, 0) <= 180);
  assert.equal(trip.wait(160, 0), 160, "never more than the timeout");
  const near = new RoundTrip();
  for (let i = 0; i < 40; i++) near.sample(0.3);
  assert.equal(near.wait(500, 0), 60);
  assert.ok(near.wait(500, 100) > 120, "an agent that is slow is waited for");
});

test("the round trip follows a sequence computed by hand", () => {
  const trip = new RoundTrip();
  trip.sample(100);
  trip.sample(140);
  // RTTVAR = 3/4·50 + 1/4·40 = 47.5; SRTT = 7/8·100 + 1/8·140 = 105
  assert.equal(trip.smoothed, 105);
  assert.equal(trip.wait(1000, 0), 105 + 4 * 47.5);
});

test("K is ln ε / ln p: 4 on a clean path, 14 where half of the round trips are lost, never above 40", () => {
  for (const [oneWay, low, high] of [
    [0, 4, 4],
    [0.1, 5, 7],
    [0.2, 8, 12],
    [0.3, 12, 17],
    [0.6, 35, 40],
    [0.95, 40, 40],
  ] as const) {
    const random = new Random(5);
    const loss = new PathLoss();
    let seen = 0;
    let sum = 0;
    for (let question = 0; question < 600; question++) {
      let lost = 0;
      while (random.float() < 1 - (1 - oneWay) ** 2 && lost < 200) lost++;
      loss.onAnswered();
      if (lost > 0) loss.onLost(lost);
      if (question < 100) continue;
      seen++;
      sum += loss.datagramsNeeded();
    }
    const mean = sum / seen;
    assert.ok(mean >= low && mean <= high, `${oneWay} each way: K = ${mean.toFixed(1)}`);
  }
});

test("a path of which little is known asks for more datagrams than a clean one", () => {
  const loss = new PathLoss();
  assert.equal(loss.datagramsNeeded(), 14);
  loss.onAnswered();
  assert.equal(loss.datagramsNeeded(), 9);
  for (let i = 0; i < 20; i++) loss.onAnswered();
  assert.equal(loss.datagramsNeeded(), 4);
});

test("an outage counts as loss with no more datagrams than K", () => {
  const loss = new PathLoss();
  for (let i = 0; i < 200; i++) loss.onAnswered();
  loss.onLost(5000);
  assert.ok(loss.share < 0.05);
});

test("a survived silence asks for one and a half times itself, halves in ten minutes and has a bound", () => {
  const loss = new PathLoss();
  assert.equal(loss.silenceNeeded(0, 3000), 0);
  loss.onSurvived(1200, 0);
  assert.equal(loss.silenceNeeded(0, 3000), 1800);
  assert.ok(Math.abs(loss.silenceNeeded(600_000, 3000) - 900) < 1e-6);
  loss.onSurvived(700, 600_000);
  assert.ok(Math.abs(loss.silenceNeeded(600_000, 3000) - 1050) < 1e-6, "longer than what is left");
  loss.onSurvived(60_000, 700_000);
  assert.equal(loss.silenceNeeded(700_000, 3000), 3000);
});

test("a silence that a new process of the agent ended is neither survived nor lost, one that the same process ended is both", () => {
  const silentThenHeard = (answerer: number): Path => {
    const path = pathOf();
    path.onAsked(0, false);
    path.onSent(1, 0);
    path.takeAnswer(1, 1);
    path.onHeard(1, instant(1), 1_000);
    path.onAsked(1_000, false);
    for (let nonce = 2; nonce < 6; nonce++) {
      path.onSent(nonce, 1_000 + nonce);
      path.onUnanswered();
    }
    path.onSent(9, 2_500);
    path.takeAnswer(9, 2_501);
    path.onHeard(2_501, instant(2_501), answerer);
    path.onAsked(4_000, false);
    return path;
  };
  const survived = silentThenHeard(1_000);
  assert.equal(survived.silenceNeeded(2_501), 1.5 * 1_501);
  const replaced = silentThenHeard(2_400);
  assert.equal(replaced.silenceNeeded(2_501), 0);
  assert.ok(replaced.view(4_000).loss < survived.view(4_000).loss);
  const overtaken = silentThenHeard(500);
  assert.equal(overtaken.silenceNeeded(2_501), 1.5 * 1_501, "an older process's word is no news");
});

test("after a worker's pause all its answers come at once, and only the fastest tells the path's delay", () => {
  const path = pathOf();
  path.onAsked(0, false);
  path.onSent(1, 0);
  path.takeAnswer(1, 1);
  path.onHeard(1, instant(1));
  path.onAsked(1000, false);
  for (let i = 0; i < 15; i++) {
    path.onSent(100 + i, 1000 + 60 * i);
    path.onUnanswered();
  }
  for (let i = 0; i < 15; i++) {
    assert.ok(path.takeAnswer(100 + i, 1900) > 0);
    path.onHeard(1900, instant(1900));
  }
  path.onAsked(2000, false);
  assert.ok(path.view(2000).roundTrip < 10, `${path.view(2000).roundTrip} ms`);
  assert.ok(path.view(2000).loss < 0.2, "answered late is not lost");
});

test("an answer counts once, to a question of its own path, also when it is late", () => {
  const path = pathOf();
  path.onAsked(0, false);
  path.onSent(7, 0);
  path.onSent(8, 60);
  assert.equal(path.takeAnswer(9, 70), -1);
  assert.equal(path.takeAnswer(8, 70), 10);
  assert.equal(path.takeAnswer(7, 90), 90);
  assert.equal(path.takeAnswer(7, 91), -1);
});

test("not more than 64 questions are remembered", () => {
  const path = pathOf();
  path.onAsked(0, false);
  for (let i = 0; i < 100; i++) path.onSent(i, i);
  assert.equal(path.takeAnswer(35, 200), -1);
  assert.equal(path.takeAnswer(36, 200), 164);
});

test("refusals are counted once a datagram, however many arrive", () => {
  const path = pathOf();
  path.onAsked(0, false);
  path.onSent(1, 0);
  path.onSent(2, 60);
  for (let i = 0; i < 50; i++) path.onRefused();
  assert.equal(path.view(100).refused, 2);
});

test("what another container left behind is forgotten, what the path taught is not", () => {
  const path = pathOf();
  for (let i = 0; i < 30; i++) {
    path.onAsked(1000 * i, false);
    path.onSent(i, 1000 * i);
    path.takeAnswer(i, 1000 * i + 20);
    path.onHeard(1000 * i + 20, instant(1000 * i + 20));
  }
  path.onAsked(40_000, false);
  path.onSent(99, 40_000);
  path.onUnanswered();
  path.forget(40_500);
  const view = path.view(40_500);
  assert.equal(view.standing, "abstain");
  assert.equal(view.heardAt, undefined);
  assert.equal(view.unanswered, 0);
  assert.ok(view.roundTrip > 15 && view.loss < 0.1);
  assert.equal(path.takeAnswer(99, 40_600), -1, "the old container's answer is not the new one's");
});

test("three failed attempts are not enough while fewer than K datagrams are unanswered; a check needs no K", () => {
  const path = pathOf();
  path.onAsked(0, false);
  path.failedAttempts = 3;
  for (let i = 0; i < 13; i++) path.onUnanswered();
  assert.equal(path.view(9000).datagramsNeeded, 14);
  assert.equal(path.isDown(9000), false);
  path.onUnanswered();
  assert.equal(path.isDown(9000), true);
  const checked = pathOf({ ...defaults, attempts: "check" });
  checked.onAsked(0, false);
  checked.failedAttempts = 3;
  assert.equal(checked.isDown(9000), true);
});
