// The HAProxy of Debian before the trio, with the file that is shipped: reads, writes, streams, a killed leader, and what its page shows.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { StatusView } from "../../proto/rest.ts";
import { failOverUnderLoad, loadTokenList, loadTokens } from "../lab/failover-load.ts";
import { LabProxy } from "../lab/haproxy.ts";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const [token = ""] = loadTokens;
const headers = { authorization: `Bearer ${token}` };
const box = "/api/v1/workers/lab%2Fbox";

describe("behind HAProxy", { skip: needs("root", "engine", "redis", "haproxy") }, () => {
  let trio: Trio;
  let proxy: LabProxy;
  staged(({ trio: set }) => (trio = set), {
    trio: { token, env: { API_TOKENS: loadTokenList, HTTP_HOST: "127.0.0.1" } },
  });

  before(async () => {
    proxy = await LabProxy.start(trio);
    await startWorker(trio, { name: "box", arrangement: "none" });
    await trio.watched("box");
  });

  after(() => proxy.stop());

  const silence = (): Promise<Response> => {
    const body = JSON.stringify({ for: "1m", reason: "a test" });
    const type = { "content-type": "application/json" };
    return fetch(`${proxy.url}${box}/silence`, {
      method: "POST",
      headers: { ...headers, ...type },
      body,
    });
  };

  test("no read fails when the leader is killed under 200 requests a second, and no write but those that it had in hand", async () => {
    const load = await failOverUnderLoad(trio, proxy, "lab/box");
    const { reads, writes, failedReads, failedWrites, failedLater, gap } = load;
    assert.ok(reads.length > 500 && writes.length > 50, `${reads.length}, ${writes.length}`);
    assert.deepEqual(failedReads.slice(0, 5), []);
    assert.deepEqual(failedLater.slice(0, 5), []);
    assert.ok(gap < 2_000, `${gap} ms: ${JSON.stringify(failedWrites.slice(0, 5))}`);
  });

  test("reads are answered by every coordinator, writes are taken", async () => {
    const asked = new Set<string>();
    await until(
      "each to be asked",
      async () => {
        const answer = await fetch(`${proxy.url}/api/v1/status`, { headers });
        asked.add(((await answer.json()) as StatusView).id);
        return asked.size === 3;
      },
      20_000,
      100,
    );
    assert.equal((await silence()).status, 200);
    const removed = await fetch(`${proxy.url}${box}/silence`, { method: "DELETE", headers });
    assert.equal(removed.status, 200);
  });

  test("what a coordinator refuses is not asked of the others, nor hidden", async () => {
    assert.equal((await fetch(`${proxy.url}/api/v1/status`)).status, 401);
    assert.equal((await fetch(`${proxy.url}/api/v1/workers/none`, { headers })).status, 404);
  });

  test("its page shows the leader, the coordinators and Redis", async () => {
    await until("all to be shown", async () => {
      const [servers, leader] = [await proxy.servers(), await trio.leader()];
      const isUp = (server: string): boolean => servers.get(server)?.startsWith("UP") === true;
      const isShown = trio.ids.every(
        (id) => isUp(`coordinators/${id}`) && isUp(`leader/${id}`) === (id === leader),
      );
      return isShown && isUp("redis/redis");
    });
    await trio.killRedis();
    await until("Redis to be shown as down", async () =>
      (await proxy.servers()).get("redis/redis")?.startsWith("DOWN"),
    );
    await trio.startRedis();
    await until("Redis to be shown as up", async () =>
      (await proxy.servers()).get("redis/redis")?.startsWith("UP"),
    );
  });

  test("a stream lives on while nothing happens, and tells what does", async () => {
    const leaving = new AbortController();
    const stream = await fetch(`${proxy.url}/api/v1/events`, {
      headers: { ...headers, accept: "text/event-stream" },
      signal: leaving.signal,
    });
    assert.equal(stream.status, 200);
    let text = "";
    const ended = (async () => {
      const words = new TextDecoder();
      for await (const part of stream.body as AsyncIterable<Uint8Array>) text += words.decode(part);
    })().catch((error: unknown) => String(error));
    // Longer than any other read may take.
    await pause(17_000);
    assert.equal((await silence()).status, 200);
    await until("the silence to be told", () => text.includes("lab/box")).catch(() => {
      assert.fail(`told was only: ${text}`);
    });
    leaving.abort();
    assert.match(String(await ended), /abort/i);
  });

  test("a write is taken while all coordinators are away for a moment, and one that comes back leads", async () => {
    // Two of three: nobody leads. The third answers reads, and holds writes for a while.
    const [, second = "", third = ""] = trio.ids;
    await trio.kill(second);
    await trio.kill(third);
    const unled = await until("a write to be refused for want of a leader", async () => {
      const answer = await silence();
      return answer.status === 503 ? await answer.text() : undefined;
    });
    assert.match(unled, /No coordinator leads|could not be reached/);
    const status = await fetch(`${proxy.url}/api/v1/status`, { headers });
    assert.equal(status.status, 200);
    trio.startCoordinator(second);
    trio.startCoordinator(third);
    await until("a write to be taken again", async () => (await silence()).status === 200, 30_000);
  });
});
