// What is remembered of a worker, and that all coordinators come to remember the same.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { GossipRecord } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { after, instant, term } from "../../../proto/units.ts";
import { WorkerRecord } from "../../../coordinator/core/quarantine.ts";
import { RecordPages } from "../../../coordinator/core/record-pages.ts";

const worker = "h1/w1";
const now = instant(1_000_000);

const gossip = (over: Partial<GossipRecord> = {}): GossipRecord => ({
  worker,
  term: term(1),
  epoch: 1,
  tries: 0,
  revivalsAgo: [],
  quarantinedAgo: -1,
  silencedFor: -1,
  silenceReason: "",
  ...over,
});

/** Records of one token differ only by what was added under it. */
const records = fc
  .record({
    token: fc.constantFrom([1, 1], [1, 2], [2, 1], [2, 3]),
    tries: fc.integer({ min: 0, max: 3 }),
    revivals: fc.integer({ min: 0, max: 4 }),
    isQuarantined: fc.boolean(),
    isOver: fc.boolean(),
  })
  .map(({ token: [t, epoch], tries, revivals, isQuarantined, isOver }) =>
    gossip({
      term: term(t),
      epoch: epoch,
      tries: isQuarantined || isOver ? 0 : tries,
      ...((isQuarantined || isOver) && { over: true }),
      revivalsAgo: Array.from({ length: revivals }, (_, i) => 100_000 - i * 10_000),
      quarantinedAgo: isQuarantined ? 5_000 : -1,
    }),
  );

describe("a worker's record", () => {
  it("is the same whatever the order and number of the merges", () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 8 }), fc.integer(), (heard, seed) => {
        const a = new WorkerRecord(worker);
        const b = new WorkerRecord(worker);
        for (const record of heard) a.merge(record, now);
        const random = new Random(seed);
        const shuffled = [...heard, ...heard].sort(() => random.float() - 0.5);
        for (const record of shuffled) b.merge(record, now);
        assert.deepEqual(a.toGossip(now), b.toGossip(now));
      }),
    );
  });

  it("travels by gossip and back without a change but its age", () => {
    const a = new WorkerRecord(worker);
    a.raise(term(3));
    a.noteRevival(after(now, -60_000));
    a.noteTries(2);
    a.silence(after(now, 30_000), "by ann", term(3));
    const b = new WorkerRecord(worker);
    assert.ok(b.merge(a.toGossip(now), instant(77)));
    const back = b.toGossip(instant(1_077));
    assert.deepEqual(back, { ...a.toGossip(now), revivalsAgo: [61_000], silencedFor: 29_000 });
    assert.ok(!b.merge(a.toGossip(now), instant(77)), "the same again changes nothing");
  });

  it("that says that its recovery is over makes a straggler's tries count no more, until a new token", () => {
    const record = new WorkerRecord(worker);
    record.merge(gossip({ tries: 2 }), now);
    assert.ok(record.merge(gossip({ over: true }), now));
    assert.ok(!record.merge(gossip({ tries: 2 }), now), "said before it was over");
    assert.equal(record.tries, 0);
    record.merge(gossip({ epoch: 2, tries: 1 }), now);
    assert.deepEqual([record.tries, record.toGossip(now).over], [1, undefined]);
  });

  it("gives out epochs above all that it ever saw, in whatever term", () => {
    const record = new WorkerRecord(worker);
    record.merge(gossip({ term: term(2), epoch: 9 }), now);
    record.merge(gossip({ term: term(5), epoch: 2 }), now);
    record.merge(gossip({ term: term(1), epoch: 20 }), now);
    assert.equal(record.token.epoch, 2);
    assert.deepEqual(record.raise(term(5)), { worker, term: 5, epoch: 21 });
  });

  it("that ended a quarantine is not put back into it by an older one", () => {
    const record = new WorkerRecord(worker);
    record.raise(term(1));
    record.enterQuarantine(now);
    const old = record.toGossip(now);
    record.leaveQuarantine(term(1));
    record.merge(old, now);
    assert.equal(record.quarantinedAt, undefined);
    assert.equal(record.toGossip(now).quarantinedAgo, -1);
  });

  it("passes on only what gossip said while a job's news runs ahead of it, and keeps what the news added", () => {
    const record = new WorkerRecord(worker);
    const said = gossip({ epoch: 4, revivalsAgo: [50_000], quarantinedAgo: 10 });
    record.merge(said, now);
    assert.ok(record.onToken({ worker, term: term(1), epoch: 6 }, now));
    record.noteRevival(now);
    assert.equal(record.quarantinedAt, undefined, "whoever raised the token had ended it");
    assert.deepEqual(record.toGossip(after(now, 5)), {
      ...said,
      revivalsAgo: [50_005],
      quarantinedAgo: 15,
    });
    record.enterQuarantine(after(now, 20));
    record.merge(gossip({ epoch: 6, revivalsAgo: [0] }), after(now, 30));
    const told = record.toGossip(after(now, 30));
    assert.equal(told.epoch, 6);
    assert.deepEqual(told.revivalsAgo, [0], "counted once, though heard of twice");
    assert.equal(told.quarantinedAgo, 10);
  });

  it("is spent at its cap within the window, and at what is remembered for a higher cap", () => {
    const record = new WorkerRecord(worker);
    for (let i = 0; i < 20; i++) {
      assert.equal(record.isSpent({ maxRevivals: 5, revivalWindow: 60_000 }, now), i >= 5);
      assert.equal(record.isSpent({ maxRevivals: 99, revivalWindow: 60_000 }, now), i >= 12);
      record.noteRevival(now);
    }
    assert.equal(
      record.isSpent({ maxRevivals: 5, revivalWindow: 60_000 }, after(now, 60_000)),
      false,
    );
  });
});

describe("the pages of records", () => {
  const workers = Array.from({ length: 40 }, (_, i) => `h1/w${i}`);

  it("carry every record within a round, to each of two peers that take turns", () => {
    const pages = new RecordPages(new Random(1));
    const seen = [new Set<string>(), new Set<string>()];
    for (let i = 0; i < 120; i++)
      for (const w of pages.next(8, () => [workers])) seen[i % 2]!.add(w);
    assert.deepEqual(
      seen.map((s) => s.size),
      [40, 40],
    );
  });

  it("carry changed records first, several times, and starve the others of none", () => {
    const pages = new RecordPages(new Random(1));
    pages.next(8, () => [workers]);
    pages.onChanged("h1/w7");
    for (let i = 0; i < 8; i++) assert.ok(pages.next(8, () => [workers]).includes("h1/w7"));
    const storm = new RecordPages(new Random(1));
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 30; j++) storm.onChanged(`h1/hot${j}`);
      for (const w of storm.next(8, () => [workers])) seen.add(w);
    }
    assert.ok(workers.every((w) => seen.has(w)));
    for (let j = 0; j < 30; j++) assert.ok(seen.has(`h1/hot${j}`));
  });

  it("are no longer than asked for, and name nobody twice", () => {
    const pages = new RecordPages(new Random(1));
    pages.onChanged("h1/w1");
    const page = pages.next(8, () => [["h1/w1", "h1/w2"]]);
    assert.deepEqual([...page].sort(), ["h1/w1", "h1/w2"]);
    assert.equal(pages.next(3, () => [workers]).length, 3);
    assert.deepEqual(
      new RecordPages(new Random(1)).next(3, () => []),
      [],
    );
  });
});
