// The doctor's look at real Redis servers: one that forgets all, one that saves now and then, one that keeps, one that is not there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { ofRedis } from "../../../coordinator/doctor/redis.ts";
import { needs } from "../../lab/requirements.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";

const skip = needs("redis");

const codes = async ({ address }: LabRedis): Promise<readonly string[]> =>
  (await ofRedis(address)).map(({ code }) => code);

test("what it keeps is judged by its own word, and is gone once mended", { skip }, async (t) => {
  const lab = await startRedis(["appendonly no"]);
  t.after(() => lab.stop());
  assert.deepEqual(await codes(lab), ["redis-volatile"]);
  const redis = new Redis({ host: "127.0.0.1", port: lab.port, protocol: 2 });
  t.after(() => {
    redis.disconnect();
  });
  await redis.config("SET", "save", "3600 1");
  assert.deepEqual(await codes(lab), ["redis-snapshots"]);
  await redis.config("SET", "appendonly", "yes");
  assert.deepEqual(await codes(lab), []);
  await redis.config("SET", "maxmemory", "200mb");
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  assert.deepEqual(await codes(lab), ["redis-evicts"]);
  await redis.config("SET", "maxmemory-policy", "noeviction");
  assert.deepEqual(await codes(lab), []);
});

test("one that does not tell how it saves is looked after by hand", { skip }, async (t) => {
  const lab = await startRedis(["appendonly no", 'rename-command CONFIG ""']);
  t.after(() => lab.stop());
  assert.deepEqual(await codes(lab), ["redis-untold"]);
});

test(
  "one that is not there, hangs or wants another password is told so in time",
  { skip },
  async (t) => {
    const lab = await startRedis(["requirepass secret"]);
    t.after(() => lab.stop());
    const [locked] = await ofRedis(lab.address);
    assert.equal(locked?.code, "redis-unreachable");
    assert.match(locked.found, /NOAUTH/);
    lab.signal("SIGSTOP");
    const [hung] = await ofRedis({ ...lab.address, password: "secret" });
    assert.match(hung?.found ?? "", /no answer|ETIMEDOUT|timed? ?out/i);
    lab.signal("SIGCONT");
    assert.deepEqual(await ofRedis({ ...lab.address, password: "secret" }), []);
    await lab.kill();
    const [gone] = await ofRedis(lab.address);
    assert.match(gone?.found ?? "", /ECONNREFUSED/);
  },
);
