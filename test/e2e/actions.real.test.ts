// Each verdict's action on real parts: what is started, restarted or left alone, with the agent on either side.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crash, pidOf, runContainer } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { lifeOf } from "../lab/life.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { pause, until } from "../waiting.ts";

const page = "/tmp/index.html";

describe("actions", { skip: soakNeeds("root", "engine", "redis"), concurrency: 3 }, () => {
  let engine: LabEngine;
  let trio: Trio;
  // Several workers are struck at a time, which is not what the brake is for.
  const env = { STOP_HOLD: "1", BRAKE_MIN: "50" };
  const stage = staged((set) => ({ engine, trio } = set), { trio: { env } });

  /** Waits until a container in the namespace can fetch the worker's page. */
  const reaches = (from: string): Promise<true> =>
    until(
      `${from} to reach the worker`,
      async () => {
        const ran = await engine.docker(
          ...["exec", from, "wget", "-q", "-O", "-", "http://127.0.0.1:8080/index.html"],
        );
        return ran.stdout.trim() === "ok" ? true : undefined;
      },
      30_000,
      250,
    );

  for (const arrangement of ["joins-worker", "joins-agent"] as const) {
    const where = `its agent ${arrangement.replace("-", " ")}`;

    test(`a worker whose check fails is restarted, and one that was stopped is started; ${where}`, async () => {
      const name = `ill-${arrangement}`;
      await stage.healthy({ name, arrangement });
      const failing = Date.now();
      await stage.docker("exec", name, "rm", page);
      const restarted = await trio.recovered(name, failing);
      assert.equal(restarted.verdict, "unhealthy");
      assert.equal(restarted.action, "restart");
      await trio.verdict(name, "healthy");
      const stopping = Date.now();
      await stage.docker("stop", "-t", "0", name);
      const started = await trio.recovered(name, stopping);
      assert.equal(started.verdict, "stopped");
      assert.equal(started.action, "start");
    });

    test(`a silent worker and its agent both run anew; ${where}`, async () => {
      const name = `mute-${arrangement}`;
      const owner = arrangement === "joins-worker" ? name : `${name}-agent`;
      await stage.healthy({ name, arrangement });
      const pid = await pidOf(engine, owner);
      const began = await stage.inspect(name, "{{.State.StartedAt}}");
      const agentBegan = await stage.inspect(`${name}-agent`, "{{.State.StartedAt}}");
      const at = Date.now();
      process.kill(await pidOf(engine, name), "SIGSTOP");
      process.kill(await pidOf(engine, `${name}-agent`), "SIGSTOP");
      const recovery = await trio.recovered(name, at, "recovered", 60_000);
      assert.equal(recovery.action, "agent-then-worker");
      const [agentsFirst] = await lifeOf(engine, `${name}-agent`, at);
      const [itsFirst] = await lifeOf(engine, name, at);
      assert.ok(
        (agentsFirst?.atMs ?? Infinity) < (itsFirst?.atMs ?? 0),
        "its agent's turn is first",
      );
      await trio.verdict(name, "healthy");
      await reaches(name);
      assert.notEqual(await pidOf(engine, owner), pid);
      assert.notEqual(await stage.inspect(name, "{{.State.StartedAt}}"), began);
      assert.notEqual(await stage.inspect(`${name}-agent`, "{{.State.StartedAt}}"), agentBegan);
    });

    test(`a dependant in the namespace follows and reaches the worker; ${where}`, async () => {
      const name = `owner-${arrangement}`;
      const dependant = `${name}-dependant`;
      const owner = arrangement === "joins-worker" ? name : `${name}-agent`;
      await stage.healthy({ name, arrangement });
      await runContainer(engine, { name: dependant, network: `container:${owner}` });
      await reaches(dependant);
      const at = Date.now();
      await crash(engine, name);
      await trio.recovered(name, at);
      await reaches(dependant);
    });
  }

  test("the engine's HEALTHCHECK fails: restarted, without an agent", async () => {
    const name = "checked";
    const check = ["--health-cmd", `test -f ${page}`, "--health-interval", "1s"];
    await stage.healthy({
      name,
      arrangement: "none",
      options: [...check, "--health-retries", "1"],
    });
    const at = Date.now();
    await stage.docker("exec", name, "rm", page);
    const recovery = await trio.recovered(name, at);
    assert.equal(recovery.verdict, "unhealthy");
    assert.equal(recovery.action, "restart");
  });

  test("a paused worker is left alone and shown as paused", async () => {
    const name = "resting";
    await stage.healthy({ name, arrangement: "joins-worker" });
    const at = Date.now();
    await stage.docker("pause", name);
    await trio.verdict(name, "paused");
    // Longer than silence takes to be found, and than what would follow from it.
    await pause(4_000);
    assert.equal(await stage.inspect(name, "{{.State.Status}}"), "paused");
    assert.deepEqual(
      (await trio.recoveries(name)).filter((one) => one.decidedAtMs >= at),
      [],
    );
    await stage.docker("unpause", name);
    await trio.verdict(name, "healthy");
  });
});
