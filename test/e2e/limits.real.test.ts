// The caps on real parts: crash loops end in quarantine across a change of leader, a restarted engine trips no brake, and forged datagrams change nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crash } from "../lab/containers.ts";
import { inNamespace, type LabEngine } from "../lab/engine.ts";
import { lifeOf } from "../lab/life.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const maxRevivals = 2;

describe("caps", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  staged((set) => ({ engine, trio } = set), {
    trio: { env: { MAX_REVIVALS: String(maxRevivals) } },
  });

  const isDown = async (name: string): Promise<void> => {
    const ran = await engine.docker("inspect", "-f", "{{.State.Running}}", name);
    assert.equal(ran.stdout.trim(), "false");
  };

  test("a worker that dies again and again is quarantined after exactly its cap, whoever leads", async () => {
    const name = "looping";
    await startWorker(trio, { name, arrangement: "none" });
    await trio.watched(name);
    for (let revival = 1; revival <= maxRevivals; revival++) {
      const at = Date.now();
      await crash(engine, name);
      await trio.recovered(name, at);
      if (revival > 1) continue;
      const leader = await trio.leader();
      await trio.kill(leader);
      trio.startCoordinator(leader);
      await trio.leader();
    }
    await crash(engine, name);
    await until(
      "its quarantine",
      async () => {
        const worker = await trio.worker(name, await trio.leader()).catch(() => undefined);
        return (worker?.quarantinedForMs ?? null) === null ? undefined : worker;
      },
      20_000,
      250,
    );
    assert.equal((await trio.recoveries(name)).length, maxRevivals);
    await isDown(name);
  });

  test(
    "a quarantine outlasts a restart of Redis and a change of leader at once",
    { skip: soakAlone },
    async () => {
      const leader = await trio.leader();
      await Promise.all([trio.kill(leader), trio.killRedis()]);
      await trio.startRedis();
      trio.startCoordinator(leader);
      const next = await trio.leader();
      await until(
        "Redis to be reachable",
        async () => (await trio.status(next)).redisByQuorum === "reachable",
        20_000,
        250,
      );
      for (const id of trio.ids) {
        const worker = await until(
          `the word of ${id}`,
          async () => trio.worker("looping", id).catch(() => undefined),
          20_000,
          250,
        );
        assert.notEqual(worker.quarantinedForMs, null, `by the word of ${id}`);
      }
      // Longer than a leader waits for Redis's memory, and than it gathers news.
      await pause(7_000);
      await isDown("looping");
      assert.equal((await trio.recoveries("looping")).length, maxRevivals);
    },
  );

  test("forged, truncated and oversized datagrams are dropped, and coordinators go on", async () => {
    const leader = await trio.leader();
    const { term } = await trio.status(leader);
    const program = `
      const sizes = [0, 1, 4, 39, 70, 1200, 1201, 9000];
      let left = 400;
      const next = () => {
        if (left-- === 0) return socket.close();
        const bytes = require("node:crypto").randomBytes(sizes[left % sizes.length]);
        if (left % 3 === 0 && bytes.length > 0) bytes[0] = 1;
        socket.send(bytes, 7701 + (left % 3), "127.0.0.1", next);
      };
      next();`;
    const sender = inNamespace(engine, process.execPath, ["-e", program], { stdio: "ignore" });
    await new Promise((resolve) => sender.once("exit", resolve));
    await pause(1_000);
    const now = await trio.status(leader);
    assert.equal(now.role, "leader");
    assert.equal(now.term, term);
  });

  const many = Array.from({ length: 6 }, (_, at) => `many-${at}`);
  const allRun = (): Promise<unknown> =>
    until(
      "all to run again",
      async () => {
        const ran = await engine.docker("inspect", "-f", "{{.State.Running}}", ...many);
        const lines = ran.stdout.trim().split("\n");
        return lines.every((line) => line === "true");
      },
      60_000,
      500,
    );
  const brakeStaysOpen = async (since: number): Promise<void> => {
    const events = (await trio.events()).filter(({ atMs }) => atMs >= since);
    const braked = events.filter(({ kind }) => kind === "brake-tripped");
    assert.deepEqual(braked, []);
  };

  test("a restarted engine is one failure: all its workers come back, and the brake stays open", async () => {
    for (const name of many) await startWorker(trio, { name, arrangement: "none" });
    for (const name of many) await trio.watched(name);
    const at = Date.now();
    await engine.restart({ kill: true });
    await allRun();
    await brakeStaysOpen(at);
  });

  test(
    "a machine that is rebooted is one failure, too: each worker is started once",
    { skip: soakAlone },
    async () => {
      for (const id of trio.ids) await trio.kill(id);
      await trio.killRedis();
      await engine.restart({ kill: true });
      const at = Date.now();
      await trio.startRedis();
      for (const id of trio.ids) trio.startCoordinator(id);
      await trio.leader();
      await allRun();
      await until(
        "all recoveries to end",
        async () => {
          const all = await Promise.all(many.map((name) => trio.recoveries(name)));
          const last = all.map(([newest]) => newest);
          return last.every((one) => (one?.decidedAtMs ?? 0) >= at && one?.outcome === "recovered");
        },
        30_000,
        500,
      );
      await brakeStaysOpen(at);
      for (const name of many) {
        const life = (await lifeOf(engine, name, at)).map(({ action }) => action);
        assert.deepEqual(life, ["start"], name);
      }
      await isDown("looping");
    },
  );
});
