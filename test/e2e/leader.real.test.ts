// The leader dies before any runner has its job, and a person's silence reaches a job that waits: on real parts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Queue } from "bullmq";
import { keysOf, queueNames } from "../../coordinator/jobs/keys.ts";
import { bridge, type Bridge } from "../lab/bridge.ts";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

describe("a job on its way", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  let toRedis: Bridge;
  let queue: Queue;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    trio = await Trio.start(engine, { env: { VERIFY_WINDOW: "1", BACKOFF: "40" } });
    toRedis = await bridge(engine, 6379);
    const connection = { host: "127.0.0.1", port: toRedis.port };
    queue = new Queue(queueNames.revival, { connection, prefix: keysOf("heartmesh").prefix });
    queue.on("error", () => undefined);
  });

  after(async () => {
    await queue.close();
    await toRedis.stop();
    await trio.stop();
    await engine.stop();
  });

  test("outlives the leader that made it: taken after the leader's death, it heals once", async () => {
    const name = "untaken";
    await startWorker(trio, { name, arrangement: "none" });
    await trio.watched(name);
    await queue.pause();
    const at = Date.now();
    await crash(engine, name);
    await until("the job", async () => {
      const jobs = await queue.getJobs(["wait"]);
      return jobs.find((job) => job.name === "revive");
    });
    const leader = await trio.leader();
    await trio.kill(leader);
    await queue.resume();
    await trio.leader();
    await trio.recovered(name, at);
    trio.startCoordinator(leader);
    const since = String(Math.floor(at / 1000));
    const now = String(Math.ceil(Date.now() / 1000));
    const filters = ["--filter", "event=start", "--filter", `container=${name}`];
    const times = ["--since", since, "--until", now, "--format", "{{.TimeNano}}"];
    const ran = await engine.docker("events", ...times, ...filters);
    const starts = ran.stdout.split("\n").filter((line) => Number(line) / 1e6 >= at);
    assert.equal(starts.length, 1);
    assert.equal((await trio.recoveries(name)).length, 1);
  });

  test("ends superseded when its worker is silenced between two tries", async () => {
    const name = "silenced";
    const command = ["sh", "-c", "test -e /tmp/once && exit 1; touch /tmp/once; sleep 1000"];
    await startWorker(trio, { name, arrangement: "none", command });
    await trio.watched(name);
    const at = Date.now();
    await crash(engine, name);
    await until(
      "its job to wait for the next try",
      async () => ((await queue.getDelayedCount()) > 0 ? true : undefined),
      40_000,
      200,
    );
    const path = `workers/${encodeURIComponent(`lab/${name}`)}/silence`;
    const body = { for: "10m", reason: "somebody looks at it" };
    await trio.ask("POST", path, body, await trio.leader());
    const recovery = await trio.recovered(name, at, "superseded", 20_000);
    assert.equal(recovery.tries.length, 1);
    assert.equal(await queue.getDelayedCount(), 0);
  });
});
