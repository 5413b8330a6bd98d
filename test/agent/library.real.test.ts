// The agent inside a Node worker: a blocked event loop is silence, the worker's own word counts, and it ends with the worker.

import { equal, match, ok, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startAgent } from "../../agent/index.ts";
import { AgentProcess } from "./agent-process.ts";
import { CoordinatorVoice, testKey } from "./coordinator-voice.ts";

const blockingWorker = fileURLToPath(new URL("./blocking-worker.ts", import.meta.url));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openVoice(): Promise<CoordinatorVoice> {
  const voice = await CoordinatorVoice.open("c1");
  closers.push(() => voice.close());
  return voice;
}

describe("the library", () => {
  it("is silent while the worker's event loop is blocked, and then tells its lag", async () => {
    const worker = await AgentProcess.script(blockingWorker);
    closers.push(() => worker.end());
    const voice = await openVoice();
    equal((await voice.ping(worker.port))?.name, "blocking");
    worker.tell("block 1500");
    await sleep(50);
    equal(await voice.ping(worker.port, 900), undefined);
    const pong = await voice.wait("pong", 2000, (m) => m.nonce === 2);
    ok(pong !== undefined && pong.message.lag > 300, `lag ${pong?.message.lag}`);
  });

  it("carries the worker's own word on its health", async () => {
    const worker = await AgentProcess.script(blockingWorker);
    closers.push(() => worker.end());
    const voice = await openVoice();
    await voice.ping(worker.port);
    worker.tell("unhealthy queue is stuck");
    const heard = await voice.wait("announce", 1000, (m) => m.health.state === "unhealthy");
    equal(heard?.message.health.reason, "queue is stuck");
    worker.tell("healthy");
    ok(await voice.wait("announce", 1000, (m) => m.health.state === "healthy"));
  });

  it("takes options over the environment, says farewell on stop, and stops twice", async () => {
    const voice = await openVoice();
    const agent = await startAgent({
      host: "127.0.0.1",
      port: 0,
      name: "inside",
      key: testKey,
      cluster: "test",
      coordinators: `c1=127.0.0.1:${voice.port}`,
    });
    closers.push(() => agent.stop());
    equal((await voice.ping(agent.port))?.name, "inside");
    await Promise.all([agent.stop(), agent.stop()]);
    ok(await voice.wait("announce", 100, (m) => m.leaving));
    equal(await voice.ping(agent.port, 100), undefined);
    ok((agent.counters.sent ?? 0) >= 4);
  });

  it("lists every problem of its options", async () => {
    const starting = startAgent({ key: testKey, check: "ftp://x", port: -1 });
    await rejects(starting, (error: Error) => {
      match(
        error.message,
        /AGENT_PORT: "-1".*; WORKER_CHECK: "ftp:|WORKER_CHECK: "ftp:.*; AGENT_PORT/s,
      );
      return error instanceof TypeError;
    });
  });

  it("unreferenced does not keep a worker alive that has nothing more to do", () => {
    const script = path.join(import.meta.dirname, "../../agent/index.ts");
    const text = `import { startAgent } from ${JSON.stringify(script)};
      await startAgent({ host: "127.0.0.1", port: 0, insecure: true, unref: true, check: "tcp://127.0.0.1:9",
        coordinators: "c1=localhost:9" });`;
    const ran = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", text],
      { timeout: 10_000, encoding: "utf8", cwd: path.join(import.meta.dirname, "../..") },
    );
    equal(ran.status, 0, ran.stderr);
  });
});
