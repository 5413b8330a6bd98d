// Workers of every kind: named by WORKERS, checked from outside, a Node worker with the agent inside, marked by another label; and Redis itself.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crash, pidOf, runContainer } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { meshKey, Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
/** Addresses that checks and REDIS_URL can name before the containers are there. */
const subnet = "172.30.77.0/24";
const addresses = { redis: "172.30.77.2", shop: "172.30.77.3", cache: "172.30.77.4" };
const staticPort = 8899;

/** A Node worker that blocks its own event loop for good when it gets SIGUSR2. */
const blockable = `
  import { startAgent } from "/opt/heartmesh/agent-library.mjs";
  await startAgent();
  process.on("SIGUSR2", () => { for (;;); });
`;

describe("a worker", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node", "redis"]);
    await docker("network", "create", "--subnet", subnet, "fixed");
    const labels = [
      "--label",
      "heartmesh.role=redis",
      "--label",
      `heartmesh.check=tcp://${addresses.redis}:6379`,
    ];
    await docker(
      ...["run", "-d", "--name", "redis", "--network", "fixed", "--ip", addresses.redis, ...labels],
      ...[imageNames.redis, "redis-server", "--protected-mode", "no", "--appendonly", "yes"],
    );
    trio = await Trio.start(engine, {
      redis: false,
      env: {
        REDIS_URL: `redis://${addresses.redis}:6379`,
        VERIFY_WINDOW: "1",
        WORKER_LABEL: "role=node,autoheal=true",
        WORKERS: `named=127.0.0.1:${staticPort}@named`,
      },
    });
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
  });

  const docker = async (...words: readonly string[]): Promise<string> => {
    const ran = await engine.docker(...words);
    assert.equal(ran.code, 0, `docker ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  const healed = async (name: string, at: number, verdict: string): Promise<void> => {
    const recovery = await trio.recovered(name, at);
    assert.equal(recovery.verdict, verdict);
    assert.equal(recovery.tries.length, 1);
  };

  test("that WORKERS names, with its container, is started again", async () => {
    await runContainer(engine, { name: "named", network: "host" });
    const env = {
      AGENT_PORT: String(staticPort),
      WORKER_NAME: "named",
      COORDINATORS: "c1=127.0.0.1:7701,c2=127.0.0.1:7702,c3=127.0.0.1:7703",
      MESH_KEY: meshKey,
    };
    await docker(
      ...["run", "-d", "--name", "named-agent", "--network", "host"],
      ...["-v", `${path.resolve(dist)}:/opt/heartmesh:ro`],
      ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
      ...[imageNames.node, "node", "/opt/heartmesh/heartmesh-agent.mjs"],
    );
    await trio.verdict("named", "healthy");
    const at = Date.now();
    await crash(engine, "named");
    await healed("named", at, "stopped");
  });

  test("without an agent that hangs is seen by an HTTP check, and restarted", async () => {
    const name = "shop";
    const labels = { "heartmesh.check": `http://${addresses.shop}:8080/index.html` };
    const options = ["--network", "fixed", "--ip", addresses.shop];
    await startWorker(trio, { name, arrangement: "none", labels, options });
    await trio.verdict(name, "healthy");
    const at = Date.now();
    process.kill(await pidOf(engine, name), "SIGSTOP");
    await healed(name, at, "unhealthy");
  });

  test("without an agent whose port is closed is seen by a TCP check; another label marks it", async () => {
    const name = "cache";
    const labels = {
      autoheal: "true",
      role: "other",
      "heartmesh.check": `tcp://${addresses.cache}:8080`,
    };
    // The server can end without its container ending.
    const command = [
      "sh",
      "-c",
      "httpd -f -p 8080 -h /tmp & echo $! > /tmp/pid; while :; do sleep 1; done",
    ];
    const options = ["--network", "fixed", "--ip", addresses.cache, "--init"];
    await startWorker(trio, { name, arrangement: "none", labels, options, command });
    await trio.verdict(name, "healthy");
    const at = Date.now();
    await docker("exec", name, "sh", "-c", "kill -9 $(cat /tmp/pid)");
    await healed(name, at, "unhealthy");
  });

  test("in Node that blocks its own event loop is silent, and killed and started", async () => {
    const name = "looper";
    const env = { WORKER_NAME: name, COORDINATORS: trio.members, MESH_KEY: meshKey };
    await docker(
      ...["run", "-d", "--name", name, "--label", "role=node"],
      ...["-v", `${path.resolve(dist)}:/opt/heartmesh:ro`],
      ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
      ...[imageNames.node, "node", "--input-type=module", "-e", blockable],
    );
    await trio.verdict(name, "healthy");
    const at = Date.now();
    process.kill(await pidOf(engine, name), "SIGUSR2");
    await healed(name, at, "silent");
    const recovery = await trio.recovered(name, at);
    assert.equal(recovery.action, "kill-start");
  });

  test("that is the Redis which carries the jobs is started directly, and carries jobs again", async () => {
    await trio.verdict("redis", "healthy");
    const at = Date.now();
    await crash(engine, "redis");
    const recovery = await trio.recovered("redis", at, "recovered", 60_000);
    assert.equal(recovery.tries.length, 1);
    await until(
      "Redis to be reachable by a quorum",
      async () => {
        const status = await trio.status("c1").catch(() => undefined);
        return status?.redisByQuorum === "reachable" ? true : undefined;
      },
      20_000,
      250,
    );
    const again = Date.now();
    await crash(engine, "named");
    await healed("named", again, "stopped");
  });
});
