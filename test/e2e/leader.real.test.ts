// The leader dies before any runner has its job, a person's silence reaches a job that waits, and links are cut over HTTP: on real parts.

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
    trio = await Trio.start(engine, {
      env: { VERIFY_WINDOW: "1", BACKOFF: "40", FAULT_INJECTION: "1" },
    });
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

  /** 0 or 1 for each address; the answer is all links. */
  async function connect(id: string, body?: Readonly<Record<string, number>>) {
    const answer = await fetch(`${trio.url(id)}/connections`, {
      ...(body === undefined
        ? {}
        : {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          }),
    });
    assert.equal(answer.status, 200);
    return (await answer.json()) as Readonly<Record<string, number>>;
  }

  const allLinks = (value: number, links: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.keys(links).map((address) => [address, value]));

  test("one cut link changes nothing, and a leader without links is followed by another until they are restored", async () => {
    const leader = await trio.leader();
    const links = await connect(leader);
    const [one = ""] = Object.keys(links);
    assert.deepEqual(Object.values(links), [1, 1]);

    await connect(leader, { [one]: 0 });
    const unheard = async () => (await trio.status(leader)).peers.map((peer) => peer.heardAgoMs);
    await until("the cut to be felt", async () =>
      (await unheard()).some((ago) => (ago ?? 0) > 2_000) ? true : undefined,
    );
    assert.equal(await trio.leader(), leader);

    assert.deepEqual(await connect(leader, allLinks(0, links)), allLinks(0, links));
    const next = await until("another to lead", async () => {
      const now = await trio.leader();
      return now === leader ? undefined : now;
    });
    assert.equal((await trio.status(leader)).leaseForMs, 0);

    await connect(leader, allLinks(1, links));
    await until("it to follow", async () => {
      const status = await trio.status(leader);
      return status.role === "follower" && status.leader === (await trio.status(next)).leader
        ? true
        : undefined;
    });
    const told = (await trio.events()).filter(({ kind }) => kind === "link-changed");
    assert.equal(told.filter(({ text }) => text.includes("cut the link")).length, 2);
    assert.equal(told.filter(({ text }) => text.includes("restored the link")).length, 2);
  });
});
