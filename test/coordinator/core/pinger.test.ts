// The Pinger alone, step by step: what it asks, when, and what it believes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Pinger } from "../../../coordinator/core/pinger.ts";
import type { PathSettings } from "../../../coordinator/core/path.ts";
import { Random } from "../../../proto/random.ts";
import { instant } from "../../../proto/units.ts";
import { Bench, worker } from "./one-path.ts";
import { defaults } from "./virtual-mesh.ts";

const check: PathSettings = { ...defaults, attempts: "check" };

test("a worker that answers is asked once an interval, at its phase", () => {
  const bench = new Bench().run(60_000);
  const pings = bench.pings();
  assert.equal(pings.length, 60);
  for (let i = 1; i < pings.length; i++) {
    assert.ok(Math.abs(pings[i]! - pings[i - 1]! - 1000) < 1e-6);
  }
  assert.equal(bench.path.standing, "up");
  assert.equal(bench.path.heardAt, pings.at(-1)! + 1);
});

test("nothing is believed of a worker before it was heard or missed", () => {
  const bench = new Bench();
  bench.answersAfter = undefined;
  assert.equal(bench.path.standing, "abstain");
  bench.run(bench.pinger.nextDeadline()! + 400);
  assert.equal(bench.path.standing, "abstain", "an unknown path has the whole timeout");
});

test("a silent worker is doubted after 60 ms, asked on at once and down after three attempts", () => {
  const bench = new Bench().run(20_500);
  bench.drain();
  bench.answersAfter = undefined;
  bench.run(bench.pinger.nextDeadline()!);
  const cut = bench.now;
  bench.run(cut + 1499);
  const told = bench.outputs.map(({ at, output }) => ({ at: at - cut, output }));
  const doubt = told.find(({ output }) => output.kind === "standing-changed")!;
  assert.ok(Math.abs(doubt.at - 60) < 0.01);
  assert.equal(told.filter(({ output }) => output.kind === "ask-peers").length, 1);
  const sent = told.filter(({ output }) => output.kind === "ping");
  assert.ok(sent.length >= 22 && sent.length <= 30, `${sent.length} datagrams`);
  for (let i = 2; i < sent.length; i++) {
    const gap = sent[i]!.at - sent[i - 1]!.at;
    assert.ok(gap <= 66.01, `${gap} ms between two`);
  }
  assert.deepEqual(
    sent.map(({ output }) => output.kind === "ping" && output.freshSocket).slice(0, 4),
    [false, false, true, true],
    "the source port changes after two misses",
  );
  assert.equal(bench.path.standing, "doubt");
  bench.run(cut + 1502);
  assert.equal(bench.path.standing, "down");
  assert.equal(bench.path.failedAttempts, 3);
  bench.drain();
  bench.run(cut + 21_500);
  const later = bench.pings().length;
  assert.ok(later >= 36 && later <= 44, `${later} datagrams in 20 s while down`);
  bench.answersAfter = 1;
  bench.run(cut + 22_100);
  assert.equal(bench.path.standing, "up");
});

test("loss on the path asks for more datagrams before it is down", () => {
  const bench = new Bench().run(300_500);
  const random = new Random(9);
  // Every second datagram is answered.
  while (bench.now < 900_000) {
    bench.answersAfter = random.float() < 0.5 ? 1 : undefined;
    bench.run(bench.pinger.nextDeadline()!);
  }
  assert.ok(bench.path.datagramsNeeded >= 11, `K = ${bench.path.datagramsNeeded}`);
  assert.equal(bench.pinger.counters.downs, 0);
});

test("a pause that was survived makes the path patient, and patience has a bound", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.run(bench.pinger.nextDeadline()!);
  const cut = bench.now;
  bench.run(cut + 1400);
  bench.answersAfter = 1;
  bench.run(cut + 9_500);
  assert.equal(bench.path.standing, "up");
  assert.ok(bench.path.silenceNeeded > 2000 && bench.path.silenceNeeded < 2250);
  bench.answersAfter = undefined;
  bench.run(bench.pinger.nextDeadline()!);
  const second = bench.now;
  bench.run(second + 2000);
  assert.equal(bench.path.standing, "doubt", "three attempts failed, but the silence is too short");
  bench.run(second + 2250);
  assert.equal(bench.path.standing, "down");
  bench.run(second + 60_000);
  bench.answersAfter = 1;
  bench.run(second + 70_000);
  assert.equal(bench.path.silenceNeeded, 3000);
});

test("an answer to an earlier question of the silence ends it, an unknown nonce does not and is counted", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.drain();
  bench.run(bench.now + 1900);
  const first = bench.outputs.find(({ output }) => output.kind === "ping")!.output;
  assert.equal(bench.path.standing, "doubt");
  assert.equal(bench.pinger.onPong(worker, 12345, bench.at).accepted, false);
  assert.equal(bench.pinger.onPong("host-1/other", 12345, bench.at).accepted, false);
  assert.equal(bench.pinger.counters.unknownNonces, 2);
  assert.equal(bench.path.standing, "doubt");
  assert.ok(first.kind === "ping");
  const outcome = bench.pinger.onPong(worker, first.nonce, bench.at);
  assert.equal(outcome.accepted, true);
  assert.ok(outcome.roundTrip > 800);
  assert.equal(bench.path.standing, "up");
  assert.equal(bench.path.unanswered, 0);
});

test("a worker that is verified is asked every 60 ms and never doubted; its answer ends that", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.run(23_500);
  assert.equal(bench.path.standing, "down");
  bench.take(bench.pinger.forgetPath(worker, bench.at));
  bench.drain();
  bench.take(bench.pinger.verify(worker, instant(bench.now + 3000), bench.at));
  bench.run(bench.now + 1500);
  assert.deepEqual(bench.standings(), []);
  const pings = bench.pings();
  assert.ok(pings.length >= 24 && pings.length <= 26, `${pings.length}`);
  bench.answersAfter = 1;
  bench.run(bench.now + 62);
  assert.deepEqual(bench.standings(), ["up"]);
  bench.drain();
  bench.run(bench.now + 5000);
  assert.equal(bench.pings().length, 5, "back to its phase");
  assert.ok(bench.path.loss < 0.1, "what nobody was there to answer is not lost");
});

test("a verification that is renewed at each unhealthy answer still asks only every 60 ms", () => {
  const bench = new Bench().run(20_500);
  bench.drain();
  const end = bench.now + 1200;
  while (bench.now < end) {
    bench.take(bench.pinger.verify(worker, instant(end), bench.at));
    bench.run(bench.now + 3);
  }
  const pings = bench.pings().length;
  assert.ok(pings >= 17 && pings <= 22, `${pings}`);
});

test("a verification without an answer ends at its instant, and then doubt is possible again", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.take(bench.pinger.verify(worker, instant(21_500), bench.at));
  bench.run(21_400);
  assert.ok(!bench.standings().includes("doubt"));
  bench.run(24_600);
  assert.equal(bench.path.standing, "down");
});

test("a hastened question is asked at once, not twice in a moment, and its doubt is not told again", () => {
  const bench = new Bench().run(20_500);
  bench.run(bench.pinger.nextDeadline()! + 500);
  bench.drain();
  bench.answersAfter = undefined;
  bench.take(bench.pinger.hasten(worker, bench.at));
  bench.take(bench.pinger.hasten(worker, bench.at));
  assert.equal(bench.outputs.length, 1);
  bench.run(bench.now + 400);
  assert.equal(bench.path.standing, "doubt");
  const asks = () => bench.outputs.filter(({ output }) => output.kind === "ask-peers").length;
  assert.equal(asks(), 0);
  bench.run(bench.now + 200);
  assert.equal(asks(), 1, "but a failed attempt is, for the one who asked may be gone");
});

test("300 ms of stall cost 300 ms, and 5 ms of a late timer nothing", () => {
  const downAfter = (lateness: number): number => {
    const bench = new Bench().run(20_500);
    bench.answersAfter = undefined;
    bench.run(bench.pinger.nextDeadline()!);
    const cut = bench.now;
    bench.run(cut + 700);
    bench.now += lateness;
    bench.pinger.addLateness(lateness, bench.at);
    while (bench.path.standing !== "down") bench.run(bench.pinger.nextDeadline()!);
    return bench.now - cut;
  };
  const usual = downAfter(0);
  assert.ok(Math.abs(downAfter(300) - usual - 300) < 1);
  assert.ok(Math.abs(downAfter(5) - usual) < 1);
  const long = downAfter(800);
  assert.ok(
    long >= usual + 800 + 150 && long <= usual + 800 + 500,
    "the open attempt starts afresh",
  );
});

test("a stall longer than TIMEOUT is no reason for doubt", () => {
  const bench = new Bench().run(20_500);
  bench.drain();
  bench.answersAfter = 600;
  bench.run(bench.pinger.nextDeadline()! + 1);
  bench.now += 599;
  bench.pinger.addLateness(598, bench.at);
  bench.answersAfter = 1;
  bench.run(bench.now + 100);
  assert.deepEqual(bench.standings(), []);
});

test("a jump clears all doubt and asks nobody before its phase", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.run(23_700);
  assert.equal(bench.path.standing, "down");
  bench.drain();
  bench.take(bench.pinger.clearDoubt(bench.at));
  assert.deepEqual(bench.standings(), ["abstain"]);
  assert.equal(bench.path.failedAttempts, 0);
  assert.equal(bench.pinger.failing().size, 0);
  assert.equal(bench.pings().length, 0);
});

test("an agent that says it is slow gets more time", () => {
  const downAfter = (lag: number): number => {
    const bench = new Bench().run(20_500);
    bench.pinger.extend(worker, lag);
    bench.answersAfter = undefined;
    bench.run(bench.pinger.nextDeadline()!);
    const cut = bench.now;
    while (bench.path.standing !== "down") bench.run(bench.pinger.nextDeadline()!);
    return bench.now - cut;
  };
  assert.ok(Math.abs(downAfter(200) - downAfter(0) - 600) < 5);
  assert.ok(Math.abs(downAfter(20) - downAfter(0)) < 5, "20 ms are no news");
  assert.ok(downAfter(60_000) < 3100, "but at most TIMEOUT more an attempt");
  const bench = new Bench().run(20_500);
  bench.pinger.extend(worker, 200);
  bench.run(23_500);
  bench.drain();
  bench.answersAfter = undefined;
  bench.run(bench.pinger.nextDeadline()! + 65);
  assert.deepEqual(bench.standings(), ["doubt"], "answers without a word of it end it");
});

test("a refused datagram is reason for doubt at once, and for nothing more", () => {
  const bench = new Bench().run(20_500);
  bench.answersAfter = undefined;
  bench.run(bench.pinger.nextDeadline()!);
  const cut = bench.now;
  bench.run(cut + 1);
  bench.take(bench.pinger.onRefused(worker, bench.at));
  assert.equal(bench.path.standing, "doubt");
  for (let i = 0; i < 100; i++) bench.take(bench.pinger.onRefused(worker, bench.at));
  bench.run(cut + 1400);
  assert.equal(bench.path.standing, "doubt");
  assert.ok(bench.path.refused <= 1);
});

test("checks that fail at once still need three attempts of TIMEOUT, and a passed one ends the doubt", () => {
  const bench = new Bench(check);
  bench.checkResult = { ok: true, after: 2 };
  bench.run(20_500);
  assert.equal(bench.path.standing, "up");
  bench.drain();
  bench.checkResult = { ok: false, after: 1 };
  bench.run(bench.pinger.nextDeadline()!);
  const cut = bench.now;
  bench.run(cut + 990);
  assert.equal(bench.path.standing, "doubt");
  bench.run(cut + 1010);
  assert.equal(bench.path.standing, "down");
  bench.drain();
  bench.run(bench.now + 10_000);
  const checks = bench.drain().length;
  assert.ok(checks >= 9 && checks <= 12, `${checks} checks in 10 s while down`);
  bench.checkResult = { ok: true, after: 1 };
  bench.run(bench.now + 1100);
  assert.equal(bench.path.standing, "up");
});

test("a check without any result has failed a little after its timeout", () => {
  const bench = new Bench(check);
  bench.checkResult = { ok: true, after: 2 };
  bench.run(20_500);
  bench.checkResult = undefined;
  bench.run(bench.pinger.nextDeadline()!);
  const cut = bench.now;
  bench.run(cut + 540);
  assert.equal(bench.path.standing, "up");
  bench.run(cut + 1700);
  assert.equal(bench.path.standing, "down");
});

test("watching again changes the settings and keeps what the path taught; unwatching forgets it", () => {
  const bench = new Bench().run(20_500);
  const before = bench.path;
  bench.pinger.watch(worker, { ...defaults, checkInterval: 250 }, bench.at);
  bench.drain();
  bench.run(bench.now + 10_000);
  assert.equal(bench.pings().length, 40);
  assert.ok(Math.abs(bench.path.roundTrip - before.roundTrip) < 0.1);
  bench.pinger.unwatch(worker);
  assert.equal(bench.pinger.nextDeadline(), undefined);
  assert.equal(bench.pinger.path(worker, bench.at), undefined);
  bench.pinger.watch("host-1/web-2", defaults, bench.at);
  assert.equal(bench.pinger.size, 1);
});

test("phases are spread and staggered: no burst, and every worker hears a question each third of the interval", () => {
  const origin = 4_321;
  const pingers = [0, 1, 2].map((coordinatorIndex) => {
    const config = { coordinatorIndex, coordinatorCount: 3, phaseOrigin: instant(origin) };
    const pinger = new Pinger(config, new Random(coordinatorIndex));
    for (let i = 0; i < 3000; i++) pinger.watch(`host-${i % 7}/web-${i}`, defaults, instant(0));
    return pinger;
  });
  const heard = new Map<string, number[]>();
  let most = 0;
  for (let now = 0; now < 3000; now++) {
    let sent = 0;
    for (const pinger of pingers) {
      for (const output of pinger.onTick(instant(now))) {
        if (output.kind !== "ping") continue;
        sent++;
        heard.set(output.worker, [...(heard.get(output.worker) ?? []), now]);
        pinger.onPong(output.worker, output.nonce, instant(now));
      }
    }
    most = Math.max(most, sent);
  }
  assert.ok(most <= 30, `${most} PINGs in one ms where 9 are the mean`);
  for (const [, times] of heard) {
    for (let i = 1; i < times.length; i++) {
      const gap = times[i]! - times[i - 1]!;
      assert.ok(gap >= 330 && gap <= 336, `${gap} ms between two questions`);
    }
  }
  assert.equal(heard.size, 3000);
});
