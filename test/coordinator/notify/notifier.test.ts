// Which events go out, in what words, how many a minute; the test command; the dead-man call.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { systemClock, type Clock } from "../../../agent/io/clock.ts";
import { instant } from "../../../proto/units.ts";
import { DeadmanCall } from "../../../coordinator/notify/deadman.ts";
import type { NotificationJob } from "../../../coordinator/jobs/notification-queue.ts";
import { messageOf } from "../../../coordinator/notify/message.ts";
import { buildChannels, Notifier } from "../../../coordinator/notify/notifier.ts";
import { RateBound } from "../../../coordinator/notify/rate.ts";
import { slackChannel } from "../../../coordinator/notify/slack.ts";
import { event, listenHttp, secret } from "./listeners.ts";
import { pause, until } from "../../waiting.ts";

const silent = pino({ level: "silent" });
const stillClock: Clock = { now: () => instant(1000), wall: () => 1_700_000_000_000 };

function notifierOf(ratePerMinute: number, url = "http://127.0.0.1:1/") {
  const jobs: NotificationJob[] = [];
  const deliveries: string[] = [];
  const notifier = new Notifier({
    id: "c1",
    cluster: "prod",
    channels: [slackChannel(secret(url))],
    ratePerMinute,
    clock: stillClock,
    enqueue: (job) => jobs.push(job),
    onDelivery: (channel, outcome) => deliveries.push(`${channel} ${outcome}`),
  });
  return { notifier, jobs, deliveries };
}

test("only events that are meant for people go out, and a recovery's end tells its length and tries", () => {
  const { notifier, jobs } = notifierOf(10);
  const at = 1_700_000_000_000;
  notifier.onEvent(event({ recovery: "1.1.a", at }));
  notifier.onEvent(event({ kind: "try-started", recovery: "1.1.a", at: at + 50, notify: false }));
  notifier.onEvent(event({ kind: "try-started", recovery: "1.1.a", at: at + 2050, notify: false }));
  notifier.onEvent(event({ kind: "recovered", recovery: "1.1.a", at: at + 12_345, text: "" }));
  assert.deepEqual(
    jobs.map((job) => [job.channel, job.message?.kind]),
    [
      ["slack", "recovery-enqueued"],
      ["slack", "recovered"],
    ],
  );
  assert.equal(
    jobs[1]?.message?.text,
    "web-1 is healthy again 12 s after its failure was found (2 tries).",
  );
  assert.equal(jobs[0]?.message?.thread, jobs[1].message.thread);
});

test("a service that is moved is told of in its own words", () => {
  const { notifier, jobs } = notifierOf(10);
  const at = 1_700_000_000_000;
  const worker = "swarm:web";
  notifier.onEvent(event({ worker, recovery: "1.1.a", at }));
  notifier.onEvent(
    event({ worker, kind: "recovered", recovery: "1.1.a", at: at + 3_000, text: "" }),
  );
  const text = "its data is in local volumes of the host";
  notifier.onEvent(event({ worker: "swarm:db", kind: "left-alone", at, text }));
  assert.deepEqual(
    jobs.map(({ message }) => [message?.title, message?.advice]),
    [
      ["service web is being moved", ""],
      ["service web runs where it shall", ""],
      ["service db is not moved", "heartmesh events --worker swarm:db"],
    ],
  );
  assert.match(jobs[1]?.message?.text ?? "", /^service web runs where it shall 3\.0 s after/);
});

test("an exhausted recovery says what a person can do", () => {
  const { notifier, jobs } = notifierOf(10);
  notifier.onEvent(event({ kind: "exhausted", recovery: "1.1.a", text: "3 tries failed" }));
  assert.equal(jobs[0]?.message?.severity, "critical");
  assert.match(jobs[0].message.advice, /heartmesh release h1\/web-1/);
});

test("beyond the rate messages are summed up in one digest, quarantine goes at once, and nothing is lost", () => {
  const { notifier, jobs } = notifierOf(3);
  for (let i = 0; i < 20; i++) {
    notifier.onEvent(event({ recovery: `${i}.1.a`, worker: `h1/web-${i}` }));
  }
  notifier.onEvent(event({ kind: "quarantined", worker: "h1/web-7", text: "too many revivals" }));
  assert.equal(jobs.length, 4, "three of the rate and the urgent one");
  assert.equal(jobs[3]?.message?.kind, "quarantined");
  notifier.stop();
  assert.equal(jobs.length, 5);
  const digest = jobs[4]!.message!;
  assert.equal(digest.kind, "digest");
  assert.equal(digest.title, "17 more notifications");
  for (let i = 3; i < 20; i++) assert.match(digest.text, new RegExp(`web-${i} failed`));
});

test("the rate bound: a window of a minute, a digest that counts in the next one", () => {
  const bound = new RateBound<number>(2);
  const sent = [1, 2, 3, 4].map((n) => bound.admit(n, false, instant(n)));
  assert.deepEqual(sent, [true, true, false, false]);
  assert.equal(bound.nextDeadline(), 60_001);
  assert.deepEqual(bound.takeDue(instant(60_000)), []);
  assert.deepEqual(bound.takeDue(instant(60_001)), [3, 4]);
  assert.equal(bound.admit(5, false, instant(60_002)), true, "the digest and one more");
  assert.equal(bound.admit(6, false, instant(60_003)), false);
  assert.equal(bound.admit(7, true, instant(60_004)), true, "an urgent one always goes");
  assert.deepEqual(bound.takeAll(), [6]);
  assert.equal(bound.nextDeadline(), undefined);
});

test("the same event has the same id wherever it is put into words, another event another", () => {
  const id = (at: number) => messageOf(event({ at }), undefined, "prod").id;
  assert.equal(id(5), id(5));
  assert.notEqual(id(5), id(6));
});

test("the test command goes through every channel and tells each result", async (t) => {
  const good = await listenHttp();
  const bad = await listenHttp();
  t.after(() => Promise.all([good.close(), bad.close()]));
  bad.answers.splice(0, 1, 500);
  const channels = buildChannels({
    slackUrl: secret(good.url),
    webhook: { url: secret(bad.url), secret: undefined },
    mail: undefined,
    ratePerMinute: 1,
    deadmanUrl: undefined,
  });
  const notifier = new Notifier({
    id: "c1",
    cluster: "prod",
    channels,
    ratePerMinute: 1,
    clock: systemClock,
    enqueue: () => undefined,
    onDelivery: () => undefined,
  });
  const results = await notifier.test();
  assert.deepEqual(
    results.map((one) => [one.channel, one.ok]),
    [
      ["slack", true],
      ["webhook", false],
    ],
  );
  assert.match(results[1]?.text ?? "", /answered 500/);
});

test("a secret's file is read again for each message, so that it rotates without a stop", async (t) => {
  const first = await listenHttp();
  const second = await listenHttp();
  const dir = mkdtempSync(join(tmpdir(), "heartmesh-notify-"));
  t.after(async () => {
    rmSync(dir, { recursive: true });
    await Promise.all([first.close(), second.close()]);
  });
  const file = join(dir, "slack");
  writeFileSync(file, `${first.url}\n`);
  const channel = slackChannel({ text: first.url, file });
  const message = messageOf(event({}), undefined, "prod");
  await channel.send(message);
  writeFileSync(file, `${second.url}\n`);
  await channel.send(message);
  assert.deepEqual([first.received.length, second.received.length], [1, 1]);
});

test("the dead-man call goes while a lease is held, stops with it, and comes sooner after a failure", async (t) => {
  const listener = await listenHttp();
  t.after(() => listener.close());
  let holdsLease = false;
  const options = { holdsLease: () => holdsLease, clock: systemClock, log: silent };
  const call = new DeadmanCall({ ...options, url: secret(listener.url), every: 1_200 });
  call.start();
  await pause(250);
  assert.equal(listener.received.length, 0, "no lease, no call");
  listener.answers.splice(0, 1, 500, 200);
  holdsLease = true;
  const began = performance.now();
  await until("message 2", () => listener.received.length === 2);
  assert.ok(performance.now() - began < 1_100, "a failed call is repeated after a quarter");
  await until("message 3", () => listener.received.length === 3);
  assert.equal(listener.received[0]?.method, "GET");
  holdsLease = false;
  const count = listener.received.length;
  await pause(1_500);
  assert.equal(listener.received.length, count);
  await call.stop();
});

test("a stop ends a dead-man call that hangs", async (t) => {
  const listener = await listenHttp();
  t.after(() => listener.close());
  listener.answers.splice(0, 1, "hang");
  const options = { holdsLease: () => true, clock: systemClock, log: silent };
  const call = new DeadmanCall({ ...options, url: secret(listener.url), every: 4000 });
  call.start();
  await until("message 1", () => listener.received.length === 1);
  const began = performance.now();
  await call.stop();
  assert.ok(performance.now() - began < 500);
});

test("each attempt to deliver is told, with how it went", async (t) => {
  const listener = await listenHttp();
  t.after(() => listener.close());
  listener.answers.splice(0, 1, 500, 200);
  const { notifier, deliveries } = notifierOf(10, listener.url);
  const job = { channel: "slack", event: event({ kind: "recovered" }), thread: "" };
  await assert.rejects(notifier.deliver("slack", job));
  await notifier.deliver("slack", job);
  assert.deepEqual(deliveries, ["slack failed", "slack delivered"]);
});
