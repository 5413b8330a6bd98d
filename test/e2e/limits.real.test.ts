// The caps on real parts: crash loops end in quarantine across a change of leader, a restarted engine trips no brake, and forged datagrams change nothing.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crash } from "../lab/containers.ts";
import { inNamespace, startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const maxRevivals = 2;

describe("caps", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    const env = { VERIFY_WINDOW: "1", MAX_REVIVALS: String(maxRevivals) };
    trio = await Trio.start(engine, { env });
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
  });

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
    const running = await engine.docker("inspect", "-f", "{{.State.Running}}", name);
    assert.equal(running.stdout.trim(), "false");
  });

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

  test("a restarted engine is one failure: all its workers come back, and the brake stays open", async () => {
    const names = Array.from({ length: 6 }, (_, at) => `many-${at}`);
    for (const name of names) await startWorker(trio, { name, arrangement: "none" });
    for (const name of names) await trio.watched(name);
    await engine.restart({ kill: true });
    await until(
      "all to run again",
      async () => {
        const ran = await engine.docker("inspect", "-f", "{{.State.Running}}", ...names);
        return ran.stdout
          .trim()
          .split("\n")
          .every((line) => line === "true")
          ? true
          : undefined;
      },
      60_000,
      500,
    );
    const kinds = (await trio.events()).map(({ kind }) => kind);
    assert.ok(!kinds.includes("brake-tripped"), "the brake tripped");
  });
});
