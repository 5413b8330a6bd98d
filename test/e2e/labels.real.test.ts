// What labels and the engine's own health check ask for beside an agent: order, patience at the end, and dependants that are workers themselves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { lifeOf, startsOf } from "../lab/life.ts";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const page = "/tmp/index.html";

describe("a worker", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  const stage = staged((set) => ({ engine, trio } = set));

  const remove = async (name: string, file: string): Promise<void> => {
    const ran = await engine.docker("exec", name, "rm", file);
    assert.equal(ran.code, 0, ran.stderr);
  };

  test("with depends-on is started when its dependency runs and answers again, where both have died", async () => {
    await stage.healthy({ name: "db", arrangement: "joins-worker" });
    const labels = { "heartmesh.depends-on": "db" };
    await stage.healthy({ name: "app", arrangement: "joins-worker", labels });
    const at = Date.now();
    const pids = [await pidOf(engine, "db"), await pidOf(engine, "app")];
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const [app, db] = await Promise.all([trio.recovered("app", at), trio.recovered("db", at)]);
    // The leader may hear it a moment before the runner that verifies it does.
    assert.ok(
      (app.actingAtMs ?? 0) > (db.verifyingAtMs ?? Infinity),
      `app was acted on at ${app.actingAtMs ?? 0}, db ran at ${db.verifyingAtMs ?? 0}`,
    );
    const [ofApp, ofDb] = [await lifeOf(engine, "app", at), await lifeOf(engine, "db", at)];
    assert.deepEqual([startsOf(ofApp).length, startsOf(ofDb).length], [1, 1]);
    const held = (await trio.events()).filter(
      ({ kind, worker, atMs }) => kind === "held" && worker === "lab/app" && atMs >= at,
    );
    assert.ok(
      held.some(({ text }) => text.includes("db")),
      JSON.stringify(held),
    );
  });

  test("whose dependency dies is not touched itself", async () => {
    const at = Date.now();
    await crash(engine, "db");
    await trio.recovered("db", at);
    await pause(2_000);
    assert.deepEqual(await lifeOf(engine, "app", at), []);
  });

  test("with a stop timeout is given that long to end before it is killed", async () => {
    const name = "slow-to-end";
    const labels = { "heartmesh.stop-timeout": "3s" };
    // A signal that is ignored stays so in the program that takes the shell's place.
    const server = `trap '' TERM; echo ok > ${page}; exec httpd -f -p 8080 -h /tmp`;
    await stage.healthy({
      name,
      arrangement: "joins-worker",
      labels,
      command: ["sh", "-c", server],
    });
    const at = Date.now();
    await remove(name, page);
    const recovery = await trio.recovered(name, at);
    assert.deepEqual([recovery.verdict, recovery.action], ["unhealthy", "restart"]);
    const life = await lifeOf(engine, name, at);
    const asked = life.find(({ action }) => action === "kill");
    const died = life.find(({ action }) => action === "die");
    assert.ok(asked !== undefined && died !== undefined);
    const took = died.atMs - asked.atMs;
    assert.ok(took > 2_800 && took < 20_000, `${took} ms from the first signal to the end`);
    assert.equal(startsOf(life).length, 1);
  });

  test("with an agent that checks nothing is judged by the engine's health check", async () => {
    const name = "twice-seen";
    const file = "/tmp/well";
    const check = ["--health-cmd", `test -f ${file}`, "--health-interval", "1s"];
    const server = `touch ${file}; echo ok > ${page}; exec httpd -f -p 8080 -h /tmp`;
    await stage.healthy({
      name,
      arrangement: "joins-worker",
      agentEnv: { WORKER_CHECK: "" },
      options: [...check, "--health-retries", "1"],
      command: ["sh", "-c", server],
    });
    const at = Date.now();
    await remove(name, file);
    const recovery = await trio.recovered(name, at);
    assert.deepEqual([recovery.verdict, recovery.action], ["unhealthy", "restart"]);
    assert.match(recovery.reason, /HEALTHCHECK/);
    await trio.verdict(name, "healthy");
    assert.equal(startsOf(await lifeOf(engine, name, at)).length, 1);
  });

  test("that lives in another's network namespace follows its restart, once, though it is watched itself", async () => {
    await stage.healthy({ name: "owner", arrangement: "joins-worker" });
    const options = ["--network", "container:owner"];
    const command = ["sh", "-c", `echo ok > ${page}; exec httpd -f -p 8081 -h /tmp`];
    await startWorker(trio, { name: "lodger", arrangement: "none", options, command });
    await trio.watched("lodger");
    const at = Date.now();
    await crash(engine, "owner");
    await trio.recovered("owner", at);
    const fetched = ["wget", "-q", "-O", "-", "http://127.0.0.1:8081/index.html"];
    await until(
      "the owner to reach its lodger",
      async () => (await engine.docker("exec", "owner", ...fetched)).stdout.trim() === "ok",
      30_000,
      250,
    );
    await pause(4_000);
    assert.equal(startsOf(await lifeOf(engine, "owner", at)).length, 1);
    assert.equal(startsOf(await lifeOf(engine, "lodger", at)).length, 1);
  });
});
