// The record of recoveries in one coordinator: what was ordered, what became of it, and what never became anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobNews, RevivalJob } from "../../coordinator/core/job.ts";
import type { RecoveryRecord } from "../../coordinator/core/recovery-record.ts";
import { RecoveryBook } from "../../coordinator/recovery-book.ts";
import { term } from "../../proto/units.ts";
import { revivalJob } from "./jobs/scripted-world.ts";

function opened(stored: readonly RecoveryRecord[] = []): {
  readonly book: RecoveryBook;
  readonly saved: RecoveryRecord[];
} {
  const saved: RecoveryRecord[] = [];
  const book = new RecoveryBook({
    save: (record) => saved.push(record),
    load: (id) => Promise.resolve(stored.find((record) => record.id === id)),
  });
  return { book, saved };
}
const enqueued = (job: RevivalJob): JobNews => ({
  kind: "job-enqueued",
  token: job.token,
  recovery: job.recovery,
  at: 5,
});

test("an order is on record from its first news on", () => {
  const { book, saved } = opened();
  const job = revivalJob({});
  book.begin(job);
  assert.deepEqual(book.list(), []);
  book.onNews(enqueued(job));
  assert.deepEqual(
    book.list().map(({ id, outcome, enqueuedAt }) => [id, outcome, enqueuedAt]),
    [[job.recovery, "running", 5]],
  );
  assert.equal(saved.length, 1);
});

test("an order that the queue refused, or for which it adopted an older job, leaves no recovery that never ends", () => {
  const { book, saved } = opened();
  const refused = revivalJob({});
  book.begin(refused);
  book.onNews({ kind: "job-refused", token: refused.token, reason: "the lease had ended" });
  const { worker } = refused.token;
  const later = revivalJob({ token: { worker, epoch: 8, term: term(2) }, recovery: "8.2.x" });
  const found = revivalJob({ token: { worker, epoch: 7, term: term(1) }, recovery: "7.1.x" });
  book.begin(later);
  book.onNews({ kind: "job-adopted", token: later.token, found, triesUsed: 1 });
  assert.deepEqual(
    book.list().map(({ id }) => id),
    [found.recovery],
  );
  assert.deepEqual(
    saved.map(({ id }) => id),
    [found.recovery],
  );
});

test("what the queue has taken after all, though it had seemed to refuse it, is on record", () => {
  const { book } = opened();
  const job = revivalJob({});
  book.begin(job);
  book.onNews({ kind: "job-refused", token: job.token, reason: "Redis did not answer in time" });
  book.onNews(enqueued(job));
  assert.equal(book.get(job.recovery)?.outcome, "running");
});

test("an order that is asked for again has the times of the first, also in its job", () => {
  const { book } = opened();
  const job = revivalJob({ detectedAt: 1_000, decidedAt: 1_100 });
  assert.equal(book.begin(job), job);
  const again = { ...job, detectedAt: 4_000, decidedAt: 4_100 };
  assert.deepEqual(book.begin(again), job);
  book.onNews(enqueued(job));
  assert.deepEqual(
    [book.begin(again), book.list().map(({ detectedAt, decidedAt }) => [detectedAt, decidedAt])],
    [job, [[1_000, 1_100]]],
  );
});
