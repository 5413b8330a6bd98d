// Notifications through a real Redis: delivered once, tried again with growing waits, given up in the end, history bounded.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshEvent } from "../../../coordinator/core/event.ts";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import {
  NeverDeliverable,
  NotificationQueue,
  type Deliver,
  type NotificationJob,
} from "../../../coordinator/jobs/notification-queue.ts";
import { Random } from "../../../proto/random.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";
import { labKeys } from "./runner-lab.ts";
import { pause, until } from "../../waiting.ts";

const message = (text: string, channel = "log"): NotificationJob => {
  const event: MeshEvent = {
    kind: "recovered",
    at: 1,
    by: "c1",
    worker: "h1/web",
    recovery: "1.1.x",
    text,
    evidence: [],
    notify: true,
  };
  return { channel, event, thread: "1.1.x" };
};

async function inQueue(
  deliver: Deliver,
  work: (
    queue: NotificationQueue,
    redis: LabRedis,
    undelivered: readonly string[],
  ) => Promise<void>,
): Promise<void> {
  const redis = await startRedis();
  const connections = new RedisConnections({
    address: redis.address,
    owner: "n",
    onError: () => undefined,
  });
  const undelivered: string[] = [];
  const queue = new NotificationQueue({
    connections,
    keys: labKeys,
    random: new Random(3),
    deliver,
    onError: () => undefined,
    onUndelivered: (job, reason) => undelivered.push(`${job.event.text}: ${reason}`),
  });
  queue.start();
  try {
    await until("connected", () => queue.isReady);
    await work(queue, redis, undelivered);
  } finally {
    await queue.stop();
    connections.stop();
    await redis.stop();
  }
}

test("a message is delivered to its channel, and the same message put in twice is one", async () => {
  const delivered: string[] = [];
  const deliver: Deliver = (channel, job) => {
    delivered.push(`${channel} ${job.event.text}`);
    return Promise.resolve();
  };
  await inQueue(deliver, async (queue) => {
    await queue.add(message("one"));
    await queue.add(message("one"));
    await queue.add(message("one", "slack"));
    await queue.add(message("two"));
    await until("all", () => delivered.length >= 3);
    await pause(200);
    assert.deepEqual([...delivered].sort(), ["log one", "log two", "slack one"]);
  });
});

test("a failed delivery is tried again after growing waits, and five times in all", async (t) => {
  const at: number[] = [];
  const deliver: Deliver = () => {
    at.push(performance.now());
    return Promise.reject(new Error("503"));
  };
  await inQueue(deliver, async (queue, _redis, undelivered) => {
    await queue.add(message("late"));
    await until("given up", () => undelivered.length === 1, 30_000);
    const waits = at.slice(1).map((one, index) => Math.round(one - at[index]!));
    t.diagnostic(`waits ${waits.join(", ")} ms`);
    assert.equal(at.length, 5);
    for (const [index, wait] of waits.entries()) {
      const planned = 1_000 * 2 ** index;
      assert.ok(wait >= 0.74 * planned && wait <= 1.25 * planned + 300, `wait ${index}: ${wait}`);
    }
    assert.deepEqual(undelivered, ["late: 503"]);
  });
});

test("what can never be delivered is not tried again", async () => {
  let tries = 0;
  const deliver: Deliver = () => {
    tries++;
    return Promise.reject(new NeverDeliverable("no such channel"));
  };
  await inQueue(deliver, async (queue, _redis, undelivered) => {
    await queue.add(message("never"));
    await until("given up", () => undelivered.length === 1);
    await pause(1_500);
    assert.equal(tries, 1);
  });
});

test("without Redis a message is refused at once, and what was put in before is delivered afterwards", async () => {
  const delivered: string[] = [];
  let isOpen = false;
  const deliver: Deliver = (_channel, job) => {
    if (!isOpen) return Promise.reject(new Error("not yet"));
    delivered.push(job.event.text);
    return Promise.resolve();
  };
  await inQueue(deliver, async (queue, redis) => {
    await queue.add(message("before"));
    await pause(100);
    await redis.kill();
    await until("noticed", () => !queue.isReady);
    const begun = performance.now();
    await assert.rejects(queue.add(message("meanwhile")));
    assert.ok(performance.now() - begun < 50);
    isOpen = true;
    await redis.start();
    await until("delivered", () => delivered.length === 1, 15_000);
    assert.deepEqual(delivered, ["before"]);
  });
});

test("of delivered messages only the last thousand are kept", async () => {
  let count = 0;
  const deliver: Deliver = () => {
    count++;
    return Promise.resolve();
  };
  await inQueue(deliver, async (queue) => {
    for (let start = 0; start < 1_200; start += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => queue.add(message(`m${start + index}`))),
      );
    }
    await until("all", () => count === 1_200, 20_000);
    await pause(200);
    const completed = await queue.board?.getCompletedCount();
    assert.equal(completed, 1_000);
  });
});
