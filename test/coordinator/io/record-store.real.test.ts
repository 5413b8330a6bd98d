// The record in a real Redis: in order, bounded, compared before it is overwritten, and kept while Redis is away.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Redis } from "ioredis";
import { systemClock } from "../../../agent/io/clock.ts";
import {
  eventOf,
  type ChangeRecord,
  type EventKind,
  type MeshEvent,
} from "../../../coordinator/core/event.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { applyNews, beginRecord } from "../../../coordinator/core/recovery-record.ts";
import type { EventAsk } from "../../../coordinator/io/record-asks.ts";
import { RecordStore, type SavedWorker } from "../../../coordinator/io/record-store.ts";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import { keysOf } from "../../../coordinator/jobs/keys.ts";
import { term } from "../../../proto/units.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";
import { revivalJob } from "../jobs/scripted-world.ts";
import { pause, until } from "../../waiting.ts";

const day = 24 * 3_600_000;
const keys = keysOf("record");

interface Lab {
  readonly redis: LabRedis;
  readonly producer: Redis;
  readonly open: (origin: string) => RecordStore;
}

async function inRecord(work: (lab: Lab) => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const connections = new RedisConnections({
    address: redis.address,
    owner: "r",
    onError: () => undefined,
  });
  const producer = connections.open("producer");
  const stores: RecordStore[] = [];
  try {
    await until("connected", () => producer.status === "ready");
    await work({
      redis,
      producer,
      open: (origin) => {
        const store = new RecordStore({
          redis: producer,
          key: keys.record,
          clock: systemClock,
          retention: 30 * day,
          origin,
          onError: () => undefined,
        });
        stores.push(store);
        return store;
      },
    });
  } finally {
    for (const store of stores) await store.stop(0);
    connections.stop();
    await redis.stop();
  }
}

const event = (text: string, worker = "h1/web"): MeshEvent => ({
  kind: "left-alone",
  at: 5,
  by: "c1",
  worker,
  recovery: "",
  text,
  evidence: [],
  notify: false,
});

const written = async (store: RecordStore): Promise<void> => {
  await until("written", () => store.backlog.waiting === 0);
  await pause(50);
};

test("events come back newest first, page by page, all or one worker's", async () => {
  await inRecord(async ({ open }) => {
    const store = open("c1.a");
    for (let n = 0; n < 2_500; n++)
      store.appendEvent(event(`e${n}`, n % 100 === 0 ? "h1/rare" : "h1/web"));
    await written(store);
    const first = await store.listEvents({ limit: 3 });
    assert.deepEqual(
      first.map((one) => one.event.text),
      ["e2499", "e2498", "e2497"],
    );
    const second = await store.listEvents({ limit: 2, before: first[2]!.id });
    assert.deepEqual(
      second.map((one) => one.event.text),
      ["e2496", "e2495"],
    );
    const rare = await store.listEvents({ limit: 100, worker: "h1/rare" });
    assert.equal(rare.length, 25);
    assert.equal(rare[24]!.event.text, "e0");
  });
});

test("what happened, and what was detected, is found by its time", async () => {
  await inRecord(async ({ open }) => {
    const store = open("c1.a");
    const now = Date.now();
    const begun = beginRecord(revivalJob());
    for (let n = 0; n < 6; n++) {
      const at = now - 10_000 * n;
      store.appendEvent({ ...event(`e${n}`), at });
      store.saveRecovery({ ...begun, id: `r${n}`, detectedAt: at });
    }
    await written(store);
    const found = async (ask: Omit<EventAsk, "limit">): Promise<string[][]> => [
      (await store.listEvents({ limit: 9, ...ask })).map((one) => one.event.text),
      (await store.listRecoveries({ limit: 9, ...ask })).map(({ id }) => id),
    ];
    const [from, until] = [now - 40_000, now - 20_000];
    // As they were written down, the last first; recoveries by when they were detected.
    assert.deepEqual(await found({ from }), [
      ["e4", "e3", "e2", "e1", "e0"],
      ["r0", "r1", "r2", "r3", "r4"],
    ]);
    assert.deepEqual(await found({ until }), [
      ["e5", "e4", "e3"],
      ["r3", "r4", "r5"],
    ]);
    assert.deepEqual(await found({ from, until }), [
      ["e4", "e3"],
      ["r3", "r4"],
    ]);
    assert.deepEqual(await found({ until: now - day }), [[], []]);
    assert.deepEqual(await found({ from: now + 1 }), [[], []]);
    const rest = await store.listRecoveries({ limit: 9, from, until, before: "r3" });
    assert.deepEqual(
      rest.map(({ id }) => id),
      ["r4"],
    );
  });
});

test("what happens while Redis is away is written down afterwards, in order and once", async () => {
  await inRecord(async ({ open, redis, producer }) => {
    const store = open("c1.a");
    store.appendEvent(event("before"));
    await written(store);
    await redis.kill();
    await until("noticed", () => producer.status !== "ready");
    for (let n = 0; n < 450; n++) store.appendEvent(event(`e${n}`));
    await pause(600);
    assert.equal(store.backlog.waiting, 450);
    await assert.rejects(store.listEvents({ limit: 1 }));
    await redis.start();
    await written(store);
    const all = (await store.listEvents({ limit: 1_000 })).map((one) => one.event.text).reverse();
    assert.deepEqual(all, ["before", ...Array.from({ length: 450 }, (_, n) => `e${n}`)]);
  });
});

test("a Redis that hangs while a batch is written loses nothing and doubles nothing", async () => {
  await inRecord(async ({ open, redis }) => {
    const store = open("c1.a");
    redis.signal("SIGSTOP");
    for (let n = 0; n < 300; n++) store.appendEvent(event(`e${n}`));
    await pause(2_500);
    redis.signal("SIGCONT");
    await written(store);
    await pause(300);
    const all = (await store.listEvents({ limit: 1_000 })).map((one) => one.event.text).reverse();
    assert.equal(all.length, 300);
    assert.deepEqual([...new Set(all)].length, 300);
  });
});

test("ten thousand entries wait at most; the oldest go first, and are counted", async () => {
  await inRecord(async ({ open, redis, producer }) => {
    const store = open("c1.a");
    await redis.kill();
    await until("noticed", () => producer.status !== "ready");
    for (let n = 0; n < 10_300; n++) store.appendEvent(event(`e${n}`));
    assert.deepEqual(store.backlog, { waiting: 10_000, dropped: 300 });
    await redis.start();
    await written(store);
    assert.equal(await producer.xlen(keys.record("events")), 10_000);
  });
});

test("the stream of events is bounded at about a hundred thousand", async () => {
  await inRecord(async ({ open, producer }) => {
    const store = open("c1.a");
    for (let round = 0; round < 12; round++) {
      for (let n = 0; n < 9_000; n++) store.appendEvent(event(`e${n}`));
      await written(store);
    }
    const length = await producer.xlen(keys.record("events"));
    assert.ok(length >= 100_000 && length < 101_000, `${length}`);
  });
});

test("a recovery is kept as whoever heard most of it tells it, and listed by time", async () => {
  await inRecord(async ({ open }) => {
    const job = revivalJob();
    const { token, recovery } = job;
    const begun = beginRecord({ ...job, detectedAt: Date.now() });
    const ended = applyNews(begun, { kind: "recovered", token, recovery, at: 9 });
    const [one, other] = [open("c1.a"), open("c2.b")];
    one.saveRecovery(ended);
    await written(one);
    other.saveRecovery(begun);
    await written(other);
    assert.deepEqual(await other.getRecovery(recovery), ended);
    one.saveRecovery({ ...begun, id: "later", worker: "h1/db", detectedAt: Date.now() + 1_000 });
    await written(one);
    const ids = async (ask: Parameters<RecordStore["listRecoveries"]>[0]): Promise<string[]> =>
      (await one.listRecoveries(ask)).map(({ id }) => id);
    assert.deepEqual(await ids({ limit: 5 }), ["later", recovery]);
    assert.deepEqual(await ids({ limit: 5, before: "later" }), [recovery]);
    assert.deepEqual(await ids({ limit: 5, worker: "h1/db" }), ["later"]);
    assert.deepEqual(await ids({ limit: 5, outcome: "recovered" }), [recovery]);
    assert.equal(await one.getRecovery("unknown"), undefined);
  });
});

test("what each coordinator knows of a recovery is kept, though the one that knew the most never wrote again", async () => {
  await inRecord(async ({ open }) => {
    const job = revivalJob();
    const { token, recovery } = job;
    const said = (tryNumber: number, at: number): readonly JobNews[] => [
      { kind: "try-started", token, recovery, tryNumber, runner: "c1", at },
      { kind: "acted", token, recovery, at: at + 1, newContainerId: "x", newStartedAt: "y" },
    ];
    const begun = beginRecord({ ...job, detectedAt: Date.now() });
    const killed = said(1, 20).reduce(applyNews, begun);
    const late = said(2, 40).reduce(applyNews, begun);
    const ended = applyNews(late, { kind: "recovered", token, recovery, at: 60 });
    const [one, other] = [open("c1.a"), open("c2.b")];
    one.saveRecovery(begun);
    one.saveRecovery(killed);
    await written(one);
    other.saveRecovery(begun);
    other.saveRecovery(late);
    await written(other);
    other.saveRecovery(ended);
    await written(other);
    const kept = await one.getRecovery(recovery);
    assert.deepEqual(
      kept?.tries.map(({ number, actedAt }) => [number, actedAt]),
      [
        [1, 21],
        [2, 41],
      ],
    );
    assert.equal(kept.outcome, "recovered");
  });
});

test("recoveries older than the retention are forgotten", async () => {
  await inRecord(async ({ open, producer }) => {
    const store = open("c1.a");
    const begun = beginRecord(revivalJob());
    store.saveRecovery({ ...begun, id: "old", detectedAt: Date.now() - 31 * day });
    store.saveRecovery({ ...begun, id: "new", detectedAt: Date.now() });
    await written(store);
    assert.deepEqual(
      (await store.listRecoveries({ limit: 9 })).map(({ id }) => id),
      ["new"],
    );
    assert.equal(await producer.hlen(keys.record("recoveries")), 1);
  });
});

test("an older token, or an earlier save of the same, never overwrites a worker's record", async () => {
  await inRecord(async ({ open }) => {
    const store = open("c1.a");
    const saved = (inTerm: number, epoch: number, savedAt: number): SavedWorker => ({
      record: {
        worker: "h1/web",
        term: term(inTerm),
        epoch,
        tries: 0,
        revivalsAgo: [10, 5],
        quarantinedAgo: savedAt,
        silencedFor: -1,
        silenceReason: "",
      },
      savedAt,
    });
    for (const one of [saved(2, 10, 100), saved(2, 9, 900), saved(1, 99, 900), saved(2, 10, 50)]) {
      store.saveWorkerRecord(one);
    }
    await written(store);
    assert.deepEqual(await store.loadWorkerRecords(), [saved(2, 10, 100)]);
    store.saveWorkerRecord(saved(3, 1, 1));
    await written(store);
    assert.deepEqual(await store.loadWorkerRecords(), [saved(3, 1, 1)]);
  });
});

test("who was heard is kept once for each voice, the one saved last at the end", async () => {
  await inRecord(async ({ open }) => {
    const store = open("c1.a");
    const [web, db, again] = ["a+b", "c", "a+z"].map((voice, at) => ({
      worker: at === 1 ? "h1/db" : "h1/web",
      voice,
    }));
    assert.deepEqual(await store.loadHeard(), []);
    for (const one of [web!, db!, again!]) {
      store.saveHeard(one);
      await written(store);
    }
    const other = open("c2.a");
    other.saveHeard(web!);
    await written(other);
    assert.deepEqual(await store.loadHeard(), [db, again, web]);
  });
});

test("what people asked for has a list of its own beside all events, and is found by who, what and in which words", async () => {
  await inRecord(async ({ open }) => {
    const store = open("c1.a");
    const asked = { cluster: "", before: "", after: "", outcome: "done" } as const;
    const revive = { ...asked, actor: "ann (c1)", verb: "revive", subject: "h1/web" };
    const scale = { ...asked, actor: "bob (c2)", verb: "scale-service", subject: "web" };
    const said = (at: number, kind: EventKind, change: ChangeRecord): MeshEvent => ({
      ...{ ...eventOf("", kind, `${change.actor}: ${change.verb}`, { change }), at, by: "c1" },
    });
    const events: readonly MeshEvent[] = [
      said(1, "command-taken", revive),
      { ...eventOf("h1/web", "acted", "it is started"), at: 2, by: "c1" },
      said(3, "swarm-changed", { ...scale, before: "2", after: "3" }),
      said(4, "change-refused", { ...scale, outcome: "refused" }),
    ];
    for (const event of events) store.appendEvent(event);
    await written(store);
    const times = async (ask: Omit<EventAsk, "limit">): Promise<readonly number[]> =>
      (await store.listEvents({ limit: 10, ...ask })).map(({ event }) => event.at);
    assert.deepEqual(await times({}), [4, 3, 2, 1]);
    assert.deepEqual(await times({ changes: true }), [4, 3, 1]);
    assert.deepEqual(await times({ kind: "swarm-changed" }), [3]);
    assert.deepEqual(await times({ kind: "acted" }), [2]);
    assert.deepEqual(await times({ actor: "bob" }), [4, 3]);
    assert.deepEqual(await times({ actor: "bo" }), []);
    assert.deepEqual(await times({ subject: "h1/web" }), [1]);
    assert.deepEqual(await times({ search: "STARTED" }), [2]);
    const [newest] = await store.listEvents({ limit: 1, changes: true });
    assert.deepEqual(newest?.event, events[3]);
    assert.deepEqual(await times({ changes: true, before: newest?.id ?? "" }), [3, 1]);
  });
});
