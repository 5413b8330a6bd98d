// Runners killed at every step, and Redis killed, frozen and rolled back under them: the action runs once, and the job goes on.

import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { TokenStore } from "../../../coordinator/jobs/token.ts";
import { inLab, killed, labKeys, type JobsLab } from "./runner-lab.ts";
import { revivalJob, type FreezePoint } from "./scripted-world.ts";
import { pause, until } from "../../waiting.ts";

const valid = (): boolean => true;
const job = revivalJob({ maxTries: 1, verifyWindow: 300, verifyTimeout: 2_000 });

/** Kills a runner where it stands frozen; returns how long the other took to pick the job up. */
async function killAt(lab: JobsLab, point: FreezePoint): Promise<number> {
  const child = await lab.child(point);
  await lab.queue.enqueue(job, valid);
  await until("the child froze", () => lab.world.reached.includes(point));
  lab.runner("survivor.b");
  // The survivor is up and idle, and the lock was renewed a few times, as in life.
  await pause(2_000);
  await killed(child);
  const killedAt = performance.now();
  await until(
    "picked up",
    () =>
      lab.news.some((news) => news.kind === "try-started" && news.runner === "survivor.b") ||
      lab.kinds().includes("superseded"),
    12_000,
  );
  const pickedUp = performance.now() - killedAt;
  await lab.hears("recovered");
  return pickedUp;
}

const steps: readonly {
  readonly point: FreezePoint;
  readonly name: string;
  readonly by: string;
}[] = [
  { point: "before-action", name: "with the lease, before the action", by: "survivor.b" },
  { point: "after-action", name: "after the action, before it could say so", by: "child" },
  { point: "verifying", name: "while it waits for life", by: "child" },
  { point: "watching", name: "while it watches the window", by: "child" },
];
/** Lets Redis die while the job is where `ready` says, and come back `away` ms later. */
async function redisDies(lab: JobsLab, t: TestContext, away: number): Promise<void> {
  await lab.redis.kill();
  const diedAt = performance.now();
  await pause(away);
  await lab.redis.start();
  await lab.hears("recovered", 20_000);
  t.diagnostic(`recovered ${Math.round(performance.now() - diedAt)} ms after Redis died`);
}

// Each has a Redis of its own, and mostly waits.
describe("while a job is carried out", { concurrency: 3 }, () => {
  for (const { point, name, by } of steps) {
    test(`a runner killed ${name}: another goes on within 6 s, the action having run once`, async (t) => {
      await inLab(async (lab) => {
        const took = await killAt(lab, point);
        t.diagnostic(`picked up after ${Math.round(took)} ms`);
        assert.ok(took <= 20_000, `picked up after ${took} ms`);
        assert.equal(lab.world.actions.length, 1);
        assert.ok(lab.world.actions[0]?.startsWith(by), lab.world.actions[0]);
        assert.equal(lab.kinds().filter((kind) => kind === "recovered").length, 1);
        assert.ok(!lab.kinds().includes("exhausted"), "a killed runner costs no try");
      });
    });
  }

  test("a runner killed before it had the lease: another acts, once", async (t) => {
    await inLab(async (lab) => {
      const child = await lab.child("none");
      // Somebody else's lease keeps the child waiting.
      const tokens = new TokenStore(lab.producer, labKeys);
      await tokens.takeActionLease(job.token, "stranger", 9, 4_000);
      await lab.queue.enqueue(job, valid);
      await pause(500);
      await killed(child);
      const killedAt = performance.now();
      lab.runner("survivor.b");
      await lab.hears("acted");
      t.diagnostic(`acted ${Math.round(performance.now() - killedAt)} ms after the kill`);
      await lab.hears("recovered");
      assert.deepEqual(lab.world.actions, ["survivor.b start start-1"]);
    });
  });

  test("what a predecessor started and what has died again meanwhile is a failed try, not a superseded job", async () => {
    await inLab(async (lab) => {
      const child = await lab.child("after-action");
      await lab.queue.enqueue({ ...job, maxTries: 2, verifyTimeout: 300 }, valid);
      await until("the child froze", () => lab.world.reached.includes("after-action"));
      await killed(child);
      lab.world.change({ running: false });
      lab.runner("survivor.b");
      await lab.hears("recovered", 15_000);
      assert.equal(lab.world.actions.length, 2);
      assert.equal(lab.kinds().filter((kind) => kind === "try-failed").length, 1);
    });
  });

  test("a runner that is paused past its lease does not act when it wakes up", async () => {
    await inLab(async (lab) => {
      const child = await lab.child("none");
      const tokens = new TokenStore(lab.producer, labKeys);
      await tokens.takeActionLease(job.token, "stranger", 9, 1_500);
      await lab.queue.enqueue(job, valid);
      await pause(700);
      // Holds the job, waits for the lease; sleeps through everything that follows.
      child.kill("SIGSTOP");
      lab.runner("survivor.b");
      await lab.hears("recovered", 15_000);
      child.kill("SIGCONT");
      await pause(1_500);
      assert.deepEqual(lab.world.actions, ["survivor.b start start-1"]);
    });
  });

  test("a runner that is paused between its inspection and its action does not act when it wakes up", async () => {
    await inLab(async (lab) => {
      const child = await lab.child("slow-action");
      await lab.queue.enqueue(job, valid);
      await until("inspected", () => lab.world.reached.includes("slow-action"));
      child.kill("SIGSTOP");
      lab.runner("survivor.b");
      await lab.hears("recovered", 15_000);
      child.kill("SIGCONT");
      await pause(2_500);
      assert.deepEqual(lab.world.actions, ["survivor.b start start-1"]);
    });
  });

  test("three killed runners cost no try and the fourth goes on; a fifth is not risked, and everybody hears it", async () => {
    await inLab(async (lab) => {
      await lab.queue.enqueue({ ...job, verifyTimeout: 60_000 }, valid);
      for (let round = 1; round <= 4; round++) {
        const child = await lab.child("verifying");
        await until("frozen", () => lab.world.reached.length === round, 12_000);
        await killed(child);
      }
      lab.runner("survivor.b");
      await lab.hears("exhausted", 12_000);
      assert.equal(lab.world.actions.length, 1);
      assert.equal(lab.kinds().filter((kind) => kind === "try-started").length, 4);
    });
  });

  for (const away of [300, 6_000]) {
    test(`Redis killed for ${away} ms while a worker is verified: the job goes on, nothing is done twice`, async (t) => {
      await inLab(async (lab) => {
        lab.world.change({ mute: true });
        lab.runner("c1.a");
        lab.runner("c2.b");
        await lab.queue.enqueue({ ...job, verifyTimeout: 20_000 }, valid);
        await lab.hears("acted");
        setTimeout(() => {
          lab.world.change({ mute: false });
        }, away + 200);
        await redisDies(lab, t, away);
        assert.equal(lab.world.actions.length, 1);
        assert.equal(lab.kinds().filter((kind) => kind === "recovered").length, 1);
        assert.deepEqual(await lab.queue.unfinished(), []);
      });
    });
  }

  test("Redis killed between two tries: the second follows, and the cap holds", async () => {
    await inLab(async (lab) => {
      lab.world.change({ failing: true });
      lab.runner("c1.a");
      await lab.queue.enqueue({ ...job, maxTries: 3, backoff: 700, backoffMax: 700 }, valid);
      await lab.hears("try-failed");
      await lab.redis.kill();
      await pause(500);
      await lab.redis.start();
      await lab.hears("exhausted", 15_000);
      const tries = lab.news.filter((news) => news.kind === "try-failed").map((n) => n.tryNumber);
      assert.deepEqual(tries, [1, 2, 3]);
    });
  });

  test("Redis frozen for two seconds during a verification: one action, one end", async () => {
    await inLab(async (lab) => {
      lab.runner("c1.a");
      lab.runner("c2.b");
      await lab.queue.enqueue({ ...job, verifyWindow: 1_500 }, valid);
      await lab.hears("acted");
      lab.redis.signal("SIGSTOP");
      await pause(2_000);
      lab.redis.signal("SIGCONT");
      await lab.hears("recovered", 15_000);
      assert.equal(lab.world.actions.length, 1);
    });
  });

  test("Redis that lost its last second runs the job again and revives nothing twice", async () => {
    await inLab(async (lab) => {
      await lab.queue.enqueue(job, valid);
      const before = await lab.redis.snapshot();
      const { runner } = lab.runner("c1.a");
      await lab.hears("recovered");
      await runner.stop();
      await lab.redis.kill();
      await lab.redis.restore(before);
      await lab.redis.start();
      await until("back", () => lab.producer.status === "ready");
      assert.equal((await lab.queue.unfinished()).length, 1, "the rolled back job lives again");
      lab.runner("c2.b");
      let fate = await lab.queue.fateOf(job.recovery);
      for (let wait = 0; fate.kind === "alive" && wait < 100; wait++) {
        await pause(50);
        fate = await lab.queue.fateOf(job.recovery);
      }
      assert.ok(fate.kind === "completed", fate.kind);
      assert.equal(fate.result.outcome, "superseded");
      assert.equal(lab.world.actions.length, 1);
    });
  });

  test("a coordinator that joins in the middle hears of the unfinished job and then of its end", async () => {
    await inLab(async (lab) => {
      lab.runner("c1.a");
      await lab.queue.enqueue({ ...job, verifyWindow: 2_500 }, valid);
      await lab.hears("verified");
      const heard: string[] = [];
      const { JobNewsFeed } = await import("../../../coordinator/jobs/news.ts");
      const { systemClock } = await import("../../../agent/io/clock.ts");
      const late = new JobNewsFeed({
        redis: lab.connections.open("follower"),
        keys: labKeys,
        queue: lab.queue,
        clock: systemClock,
        onNews: (news) => heard.push(news.kind),
        onError: () => undefined,
      });
      late.start();
      await until("the end", () => heard.includes("recovered"));
      await late.stop();
      const stages = ["try-started", "acted", "verified", "recovered"];
      assert.deepEqual(heard, ["job-adopted", "job-enqueued", ...stages]);
    });
  });

  test("an end whose news was lost is read from the queue", async () => {
    await inLab(async (lab) => {
      const { runner } = lab.runner("c1.a");
      await lab.queue.enqueue({ ...job, verifyWindow: 800 }, valid);
      await lab.hears("verified");
      // From here on no news can be written; jobs can.
      const ours = ["revival", "token", "lease"].map((part) => `~${labKeys.prefix}:${part}*`);
      await lab.producer.acl("SETUSER", "default", "resetkeys", ...ours, `%R~${labKeys.news}`);
      await until("recovered", () => lab.kinds().includes("recovered"), 8_000);
      assert.equal(lab.kinds().filter((kind) => kind === "recovered").length, 1);
      assert.equal(runner.active, 0);
    });
  });
});
