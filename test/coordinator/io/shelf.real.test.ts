// Documents in a real Redis: listed by name, replaced, removed, bounded; and refused at once while Redis is away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import { Shelf, ShelfFull } from "../../../coordinator/io/shelf.ts";
import { keysOf } from "../../../coordinator/jobs/keys.ts";
import { limits } from "../../../proto/limits.ts";
import { startRedis } from "../../lab/redis.ts";
import { until } from "../../waiting.ts";

test("documents are kept by name, up to a bound, and not while Redis is away", async () => {
  const redis = await startRedis();
  const { address } = redis;
  const connections = new RedisConnections({ address, owner: "s", onError: () => undefined });
  try {
    const producer = connections.open("producer");
    await until("connected", () => producer.status === "ready");
    const { record } = keysOf("shelf");
    const ask = { redis: producer, key: record };
    const shelf = new Shelf<{ readonly n: number }>({ ...ask, kind: "templates" });
    const other = new Shelf<{ readonly n: number }>({ ...ask, kind: "policies" });

    await shelf.put("web", { n: 1 });
    await shelf.put("api", { n: 2 });
    await shelf.put("web", { n: 3 });
    assert.deepEqual(Object.fromEntries(await shelf.list()), { api: { n: 2 }, web: { n: 3 } });
    assert.deepEqual([...(await shelf.list()).keys()], ["api", "web"]);
    assert.deepEqual(await shelf.get("web"), { n: 3 });
    assert.equal(await shelf.get("__proto__"), undefined);
    assert.equal((await other.list()).size, 0);
    assert.equal(await shelf.remove("web"), true);
    assert.equal(await shelf.remove("web"), false);

    for (let n = 1; n < limits.documents; n++) await shelf.put(`t${n}`, { n });
    await assert.rejects(shelf.put("more", { n: 0 }), ShelfFull);
    await shelf.put("api", { n: 4 });
    assert.deepEqual(await shelf.get("api"), { n: 4 });

    await redis.stop();
    await until("cut off", () => producer.status !== "ready");
    await assert.rejects(shelf.list());
    await assert.rejects(shelf.put("api", { n: 5 }));
  } finally {
    connections.stop();
    await redis.stop();
  }
});
