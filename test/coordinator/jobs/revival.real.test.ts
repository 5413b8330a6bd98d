// Revival jobs through a real Redis: one at a time for each worker, in order, fenced, capped, told to everybody.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LifeResult } from "../../../coordinator/core/vigil.ts";
import { term } from "../../../proto/units.ts";
import { RevivalQueue } from "../../../coordinator/jobs/revival-queue.ts";
import { systemClock } from "../../../agent/io/clock.ts";
import { inLab, labKeys } from "./runner-lab.ts";
import { revivalJob } from "./scripted-world.ts";
import { pause, until } from "../../waiting.ts";

const valid = (): boolean => true;

test("a worker is acted on once, verified, watched, and every stage is told in order", async () => {
  await inLab(async (lab) => {
    lab.runner("c1.a");
    await pause(300);
    const job = revivalJob();
    const answer = await lab.queue.enqueue(job, valid);
    lab.feed.inject(answer);
    assert.equal(answer.kind, "job-enqueued");
    await lab.hears("recovered");
    assert.deepEqual(lab.kinds(), [
      "job-enqueued",
      "try-started",
      "acted",
      "verified",
      "recovered",
    ]);
    assert.deepEqual(lab.world.actions, ["c1.a start start-1"]);
    assert.equal((await lab.queue.fateOf(job.recovery)).kind, "completed");
    assert.deepEqual(await lab.queue.unfinished(), []);
  });
});

test("two runners: the job is one runner's, and the news is everybody's", async () => {
  await inLab(async (lab) => {
    lab.runner("c1.a");
    lab.runner("c2.b");
    const whos = (): ReadonlySet<string | undefined> =>
      new Set(lab.world.actions.map((line) => line.split(" ")[0]));
    // Who takes a job is Redis's choice, not ours; that one of two never gets any is none.
    let jobs = 0;
    while (jobs < 6 || (whos().size < 2 && jobs < 60)) {
      const worker = jobs++;
      const token = { worker: `h1/w${worker}`, epoch: 1, term: term(1) };
      const target = { ...revivalJob().target, startedAt: `start-${worker}` };
      const before = lab.news.length;
      await lab.queue.enqueue(revivalJob({ token, target, verifyWindow: 50 }), valid);
      await until("recovered", () =>
        lab.news.slice(before).some(({ kind }) => kind === "recovered"),
      );
    }
    assert.equal(lab.world.actions.length, jobs);
    assert.deepEqual([...whos()].sort(), ["c1.a", "c2.b"]);
  });
});

test("while a job lives, another of its worker is not put in: the old one is adopted", async () => {
  await inLab(async (lab) => {
    const first = revivalJob({ epoch: 3 });
    assert.equal((await lab.queue.enqueue(first, valid)).kind, "job-enqueued");
    const second = await lab.queue.enqueue(revivalJob({ epoch: 4 }), valid);
    assert.ok(second.kind === "job-adopted", second.kind);
    assert.equal(second.found.token.epoch, 3);
    // The adopted job's token was not overtaken, so that it can still run.
    lab.runner("c1.a");
    await lab.hears("recovered");
    assert.equal(lab.world.actions.length, 1);
  });
});

test("the same order asked for again, because its answer was lost, is the same job", async () => {
  await inLab(async (lab) => {
    const job = revivalJob();
    await lab.queue.enqueue(job, valid);
    assert.equal((await lab.queue.enqueue(job, valid)).kind, "job-enqueued");
    assert.equal((await lab.queue.unfinished()).length, 1);
    lab.runner("c1.a");
    await lab.hears("recovered");
    assert.equal((await lab.queue.enqueue(job, valid)).kind, "job-refused");
  });
});

test("once a job has ended, the next epoch of its worker is put in", async () => {
  await inLab(async (lab) => {
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ epoch: 1 }), valid);
    await lab.hears("recovered");
    const target = { ...revivalJob().target, startedAt: "start-1" };
    const next = await lab.queue.enqueue(revivalJob({ epoch: 2, target }), valid);
    assert.equal(next.kind, "job-enqueued");
    await until("the second", () => lab.world.actions.length === 2);
  });
});

test("a leader of an older term, or one whose lease has ended, puts nothing in", async () => {
  await inLab(async (lab) => {
    const worker = "h1/web:1";
    assert.equal(await lab.queue.raiseEpoch({ worker, epoch: 2, term: term(5) }), true);
    const stale = { worker, epoch: 9, term: term(4) };
    const refused = await lab.queue.enqueue(revivalJob({ token: stale }), valid);
    assert.ok(refused.kind === "job-refused", refused.kind);
    assert.match(refused.reason, /term 5, epoch 2/);
    const late = revivalJob({ token: { worker, epoch: 3, term: term(5) } });
    assert.equal((await lab.queue.enqueue(late, () => false)).kind, "job-refused");
    assert.deepEqual(await lab.queue.unfinished(), []);
  });
});

test("a job whose token was overtaken while it waited ends superseded, untouched", async () => {
  await inLab(async (lab) => {
    const job = revivalJob({ epoch: 1 });
    await lab.queue.enqueue(job, valid);
    await lab.queue.raiseEpoch({ ...job.token, epoch: 2 });
    lab.runner("c1.a");
    await lab.hears("superseded");
    assert.deepEqual(lab.world.actions, []);
    // Whoever hears of it only now makes its record of this.
    assert.deepEqual((await lab.queue.orderOf(job.recovery))?.target, job.target);
    assert.equal(await lab.queue.orderOf("1.1.unknown"), undefined);
  });
});

test("a job that is overtaken between two tries ends superseded at once, not after its backoff", async () => {
  await inLab(async (lab) => {
    lab.world.change({ failing: true });
    lab.runner("c1.a");
    const job = revivalJob({ epoch: 1, maxTries: 3, backoff: 60_000, backoffMax: 60_000 });
    await lab.queue.enqueue(job, valid);
    await lab.hears("try-failed");
    const tried = lab.world.actions.length;
    await lab.queue.raiseEpoch(job.token);
    assert.equal(
      (await lab.queue.unfinished())[0]?.state,
      "delayed",
      "its own token wakes nothing",
    );
    await lab.queue.raiseEpoch({ ...job.token, epoch: 2 });
    await lab.hears("superseded");
    assert.equal(lab.world.actions.length, tried);
  });
});

test("a container that is not what was decided on is left alone, and the job ends superseded", async () => {
  await inLab(async (lab) => {
    lab.world.change({ startedAt: "by-a-person", running: true });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob(), valid);
    await lab.hears("superseded");
    assert.deepEqual(lab.world.actions, []);
  });
});

test("a worker that cannot be revived is tried exactly maxTries times, with growing waits", async () => {
  await inLab(async (lab) => {
    lab.world.change({ failing: true });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ maxTries: 4, backoff: 100, backoffMax: 250 }), valid);
    await lab.hears("exhausted");
    const failed = lab.news.filter((news) => news.kind === "try-failed");
    assert.deepEqual(
      failed.map(({ tryNumber }) => tryNumber),
      [1, 2, 3, 4],
    );
    assert.ok(failed.every(({ counts }) => counts));
    const [first, second, third, last] = failed.map(({ nextTryIn }) => nextTryIn);
    assert.ok(first! >= 75 && first! <= 125, `first wait ${first}`);
    assert.ok(second! >= 150 && second! <= 250, `second wait ${second}`);
    assert.ok(third! >= 187 && third! <= 313, `third wait ${third}`);
    assert.equal(last, 0);
    const exhausted = lab.news.at(-1);
    assert.equal(exhausted?.kind === "exhausted" && exhausted.tries, 4);
    await pause(500);
    assert.equal(lab.kinds().filter((kind) => kind === "try-started").length, 4);
  });
});

test("a death within the window is a failed try of the same recovery, and the next acts on the new start", async () => {
  await inLab(async (lab) => {
    lab.world.change({ deaths: 1 });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob(), valid);
    await lab.hears("recovered");
    assert.deepEqual(lab.world.actions, ["c1.a start start-1", "c1.a start start-2"]);
  });
});

test("a start that runs without answering is restarted by the next try", async () => {
  await inLab(async (lab) => {
    lab.world.change({ mute: true });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ verifyTimeout: 200 }), valid);
    await until("a second action", () => lab.world.actions.length === 2);
    lab.world.change({ mute: false });
    await lab.hears("recovered");
    assert.deepEqual(lab.world.actions, ["c1.a start start-1", "c1.a restart start-2"]);
  });
});

test("a start that came to itself before the next try is seen, and not touched again", async () => {
  await inLab(async (lab) => {
    lab.world.change({ mute: true });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ verifyTimeout: 200, backoff: 800 }), valid);
    await lab.hears("try-failed");
    lab.world.change({ mute: false });
    await lab.hears("recovered");
    assert.deepEqual(lab.world.actions, ["c1.a start start-1"]);
    assert.deepEqual(lab.kinds().slice(-3), ["try-started", "verified", "recovered"]);
  });
});

test("a runner that is itself deaf after its action costs no try; whoever hears goes on without a second action", async () => {
  await inLab(async (lab) => {
    const isBlind = (): Promise<LifeResult> => Promise.resolve("blind");
    const lifeWatch = { ...lab.world.lifeWatch(), awaitLife: isBlind };
    const deaf = lab.runner("c1.a", { lifeWatch });
    await lab.queue.enqueue(revivalJob({ maxTries: 1 }), valid);
    await lab.hears("try-failed");
    await deaf.runner.stop();
    lab.runner("c2.b");
    await lab.hears("recovered");
    assert.deepEqual(lab.world.actions, ["c1.a start start-1"]);
    const failed = lab.news.find((news) => news.kind === "try-failed");
    assert.equal(failed?.counts, false);
  });
});

test("an engine that does not answer costs no try, however often", async () => {
  await inLab(async (lab) => {
    lab.world.change({ engineAway: 4 });
    lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ maxTries: 1 }), valid);
    await lab.hears("recovered", 15_000);
    const failed = lab.news.filter((news) => news.kind === "try-failed");
    assert.equal(failed.length, 4);
    assert.ok(failed.every((news) => !news.counts && news.tryNumber === 1));
    assert.equal(lab.world.actions.length, 1);
  });
});

test("a runner that stops hands its job on at once, and the action is not repeated", async () => {
  await inLab(async (lab) => {
    const { runner } = lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ verifyWindow: 4_000 }), valid);
    await lab.hears("verified");
    lab.runner("c2.b");
    const begun = performance.now();
    await runner.stop();
    assert.ok(performance.now() - begun < 8_000, "it stops without waiting for the window");
    await until(
      "the other goes on",
      () => lab.news.some((news) => news.kind === "try-started" && news.runner === "c2.b"),
      2_000,
    );
    await lab.hears("recovered");
    assert.equal(lab.world.actions.length, 1);
  });
});

test("with Redis gone the producer refuses within milliseconds, with Redis hung within its patience", async () => {
  await inLab(async (lab) => {
    lab.redis.signal("SIGSTOP");
    const hungAt = performance.now();
    const hung = await lab.queue.enqueue(revivalJob(), valid);
    assert.equal(hung.kind, "job-refused");
    assert.ok(performance.now() - hungAt < 8_000);
    lab.redis.signal("SIGCONT");
    await lab.redis.kill();
    await until("the loss is noticed", () => lab.producer.status !== "ready");
    const goneAt = performance.now();
    const gone = await lab.queue.enqueue(revivalJob(), valid);
    assert.equal(gone.kind, "job-refused");
    assert.ok(performance.now() - goneAt < 50);
    await lab.redis.start();
    await until("it is back", () => lab.producer.status === "ready");
    assert.equal((await lab.queue.enqueue(revivalJob(), valid)).kind, "job-enqueued");
  });
});

test("a queue opened while Redis is away works once it comes", async () => {
  await inLab(async (lab) => {
    await lab.redis.kill();
    const producer = lab.connections.open("producer");
    const queue = new RevivalQueue({
      redis: producer,
      keys: labKeys,
      clock: systemClock,
      onError: () => undefined,
    });
    assert.equal((await queue.enqueue(revivalJob(), valid)).kind, "job-refused");
    lab.runner("c1.a");
    await pause(1_000);
    await lab.redis.start();
    await until("connected", () => producer.status === "ready");
    assert.equal((await queue.enqueue(revivalJob(), valid)).kind, "job-enqueued");
    await lab.hears("recovered");
    await queue.stop();
  });
});
