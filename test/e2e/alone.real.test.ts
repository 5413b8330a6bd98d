// Other sizes of a mesh: one coordinator with a Redis of its own, which warns and heals; and two engines under one trio.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { crash, runContainer } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

describe("one coordinator alone", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    trio = await Trio.start(engine, {
      coordinators: 1,
      redis: false,
      env: { VERIFY_WINDOW: "1", MAX_REVIVALS: "2" },
    });
  });

  after(async () => {
    // On SIGTERM it ends its Redis too.
    await trio.kill("c1", "SIGTERM");
    await trio.stop();
    await engine.stop();
  });

  test("warns that it is alone, keeps its own Redis, and heals", async () => {
    await startWorker(trio, { name: "only", arrangement: "joins-worker" });
    await trio.verdict("only", "healthy");
    const at = Date.now();
    await crash(engine, "only");
    const recovery = await trio.recovered("only", at);
    assert.equal(recovery.tries.length, 1);
    assert.match(readFileSync(trio.coordinator("c1").logFile, "utf8"), /alone/);
    assert.ok(existsSync(path.join(trio.dir, "c1", "redis")), "a private Redis under DATA_DIR");
  });

  test("remembers its caps when it is killed with its Redis and comes back", async () => {
    const again = Date.now();
    await trio.verdict("only", "healthy");
    await crash(engine, "only");
    await trio.recovered("only", again);
    await trio.kill("c1");
    trio.startCoordinator("c1");
    await trio.leader();
    await trio.watched("only");
    await crash(engine, "only");
    await until(
      "its quarantine",
      async () => {
        const worker = await trio.worker("only").catch(() => undefined);
        return (worker?.quarantinedForMs ?? null) === null ? undefined : true;
      },
      30_000,
      250,
    );
    const running = await engine.docker("inspect", "-f", "{{.State.Running}}", "only");
    assert.equal(running.stdout.trim(), "false");
  });
});

describe("two engines under one trio", { skip: needs("root", "engine", "redis") }, () => {
  let near: LabEngine;
  let far: LabEngine;
  let trio: Trio;

  before(async () => {
    near = await startEngine({ name: "near" });
    far = await startEngine({ name: "far" });
    for (const engine of [near, far]) await ensureImages(engine, ["worker"]);
    trio = await Trio.start(near, {
      env: { DOCKER_HOST: `lab=${near.host},far=${far.host}`, VERIFY_WINDOW: "1" },
    });
  });

  after(async () => {
    await trio.stop();
    await far.stop();
    await near.stop();
  });

  const recoveredOn = (worker: string, at: number): Promise<unknown> =>
    until(
      `${worker} to be healed`,
      async () => {
        const all = await trio
          .get<readonly { worker: string; decidedAtMs: number; outcome: string }[]>("recoveries")
          .catch(() => []);
        return all.find(
          (one) => one.worker === worker && one.decidedAtMs >= at && one.outcome === "recovered",
        );
      },
      30_000,
      250,
    );
  const watchedOn = (worker: string): Promise<unknown> =>
    until(
      `${worker} to be watched`,
      async () => {
        const all = await trio.get<readonly { id: string }[]>("workers").catch(() => []);
        return all.find(({ id }) => id === worker);
      },
      20_000,
      250,
    );

  test("workers of one name on each are two, and each is healed where it runs", async () => {
    for (const engine of [near, far]) {
      await runContainer(engine, { name: "twin", labels: { role: "node" } });
    }
    await watchedOn("lab/twin");
    await watchedOn("far/twin");
    const at = Date.now();
    await crash(far, "twin");
    await recoveredOn("far/twin", at);
    const { id } = (await trio.get<readonly { worker: string; id: string }[]>("recoveries")).find(
      ({ worker }) => worker === "lab/twin",
    ) ?? { id: "" };
    assert.equal(id, "", "its namesake was not touched");
  });

  test("one that does not answer is told, and the other's workers are healed meanwhile", async () => {
    far.pause();
    try {
      await until(
        "the loss of the engine",
        async () => {
          const status = await trio.status(await trio.leader()).catch(() => undefined);
          return status?.engines.some(({ host, reachable }) => host === "far" && !reachable)
            ? true
            : undefined;
        },
        40_000,
        250,
      );
      const at = Date.now();
      await crash(near, "twin");
      await recoveredOn("lab/twin", at);
    } finally {
      far.resume();
    }
    const at = Date.now();
    await crash(far, "twin");
    await recoveredOn("far/twin", at);
  });
});
