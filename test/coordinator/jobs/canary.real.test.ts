// A BullMQ worker that claims to run and takes nothing is found and replaced; one that is well, busy or without Redis is left alone.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Worker } from "bullmq";
import { inLab } from "./runner-lab.ts";
import { revivalJob } from "./scripted-world.ts";
import { pause, timeUntil, until } from "../../waiting.ts";

const canary = { every: 50, missed: 8 };

/** Every BullMQ worker that is started from now on. */
function watchWorkers(t: TestContext): Worker[] {
  const started: Worker[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const run = Worker.prototype.run;
  t.mock.method(Worker.prototype, "run", async function (this: Worker) {
    started.push(this);
    await run.call(this);
  });
  return started;
}

test("a worker that claims to run and takes nothing is made anew and reported, and the job that waited is done", async (t) => {
  const workers = watchWorkers(t);
  await inLab(async (lab) => {
    const { runner, restarts } = lab.runner("c1.a", { canary });
    await pause(500);
    // As after the failover of bullmq#4378: no fetching, no complaint.
    await workers[0]?.pause(true);
    assert.equal(workers[0]?.isRunning(), true);
    await lab.queue.enqueue(revivalJob(), () => true);
    const noticed = await timeUntil("the restart", () => restarts.length === 1, 5_000);
    t.diagnostic(`noticed after ${Math.round(noticed)} ms, canaries every ${canary.every} ms`);
    assert.ok(noticed < 10_000, `noticed after ${noticed} ms`);
    assert.match(restarts[0] ?? "", /canaries/);
    await lab.hears("recovered");
    assert.equal(runner.restarts, 1);
    assert.equal(workers.length, 2);
  });
});

test("a dead worker among living ones is found too, since each must get its share", async (t) => {
  const workers = watchWorkers(t);
  await inLab(async (lab) => {
    const first = lab.runner("c1.a", { canary });
    const second = lab.runner("c2.b", { canary });
    const third = lab.runner("c3.c", { canary });
    await pause(1_000);
    assert.deepEqual(
      [first, second, third].map(({ restarts }) => restarts.length),
      [0, 0, 0],
    );
    await workers[0]?.pause(true);
    await until("the restart", () => first.restarts.length === 1, 5_000);
    await pause(1_000);
    assert.deepEqual(
      [first, second, third].map(({ restarts }) => restarts.length),
      [1, 0, 0],
    );
  });
});

test("no worker is made anew because Redis was away", async () => {
  await inLab(async (lab) => {
    const { restarts } = lab.runner("c1.a", { canary });
    await pause(500);
    await lab.redis.kill();
    await pause(2_000);
    await lab.redis.start();
    await pause(2_500);
    assert.deepEqual(restarts, []);
    await lab.queue.enqueue(revivalJob(), () => true);
    await lab.hears("recovered");
  });
});

test("a job in hand when its worker is made anew is handed on without a second action", async () => {
  await inLab(async (lab) => {
    const { runner } = lab.runner("c1.a");
    await lab.queue.enqueue(revivalJob({ verifyWindow: 1_500 }), () => true);
    await lab.hears("verified");
    await runner.restart("the password changed");
    await lab.hears("recovered");
    assert.equal(lab.world.actions.length, 1);
    assert.equal(runner.restarts, 1);
  });
});
