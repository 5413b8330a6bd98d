// A real engine that freezes, restarts, or whose event stream breaks while workers die: nothing is lost, and nothing done twice.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { hook, type Hook } from "../lab/hook.ts";
import { ensureImages } from "../lab/images.ts";
import { assertOneStartForEachDeath, lifeOf, startsOf } from "../lab/life.ts";
import { EngineRelay } from "../lab/relay.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

describe("an engine's faults", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let relay: EngineRelay;
  let listener: Hook;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    relay = await EngineRelay.start(engine);
    listener = await hook(engine);
    const env = {
      DOCKER_HOST: `lab=${relay.host}`,
      WEBHOOK_URL: listener.url,
      VERIFY_WINDOW: "2",
    };
    trio = await Trio.start(engine, { env });
  });

  after(async () => {
    await trio.stop();
    listener.stop();
    relay.stop();
    await engine.stop();
  });

  const told = async (kind: string, since: number): Promise<readonly string[]> =>
    (await trio.events())
      .filter((one) => one.kind === kind && one.atMs >= since)
      .map(({ text }) => text);
  const sent = (kind: string): readonly string[] =>
    listener.messages.filter((message) => message.kind === kind).map(({ text }) => text);

  test(
    "frozen for 20 s during three recoveries: it is told once, no try is counted, all three are verified",
    { skip: soakAlone },
    async () => {
      const names = ["frozen-1", "frozen-2", "frozen-3"];
      const began = Date.now();
      for (const name of names) {
        const arrangement = name === "frozen-3" ? "joins-agent" : "none";
        await startWorker(trio, { name, arrangement });
      }
      for (const name of names) await trio.watched(name);
      await trio.verdict("frozen-3", "healthy");
      const pids = await Promise.all(names.map((name) => pidOf(engine, name)));
      const at = Date.now();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until(
        "three recoveries",
        async () => {
          const all = await Promise.all(names.map((name) => trio.recoveries(name)));
          return all.every((some) => some.length > 0) || undefined;
        },
        20_000,
        60,
      );
      engine.pause();
      const untouched = new Set(names);
      const frozenAt = Date.now();
      try {
        await pause(20_000);
      } finally {
        engine.resume();
      }
      for (const name of names) {
        const recovery = await trio.recovered(name, at);
        assert.ok((recovery.verifiedAtMs ?? 0) > 0);
        assert.equal((await trio.recoveries(name)).length, 1, `recoveries of ${name}`);
        assert.ok((recovery.endedAtMs ?? 0) > frozenAt, "it was over before");
        if (recovery.tries.some(({ counts }) => !counts)) untouched.delete(name);
        assert.deepEqual(
          recovery.tries.filter(({ failedAtMs, counts }) => failedAtMs !== null && counts),
          [],
          `failed tries of ${name}`,
        );
        const life = await lifeOf(engine, name, began);
        assertOneStartForEachDeath(life, name);
        assert.equal(startsOf(life).length, 2);
      }
      assert.ok(untouched.size < names.length, "no try was broken off");
      assert.equal((await told("engine-lost", at)).length, 1);
      assert.equal((await told("engine-back", at)).length, 1);
      assert.deepEqual(await told("quarantined", at), []);
      await until("the message of its return", () => sent("engine-back").length > 0 || undefined);
      assert.equal(sent("engine-lost").length, 1);
    },
  );

  test("its event streams cut while a worker dies: the next streams tell of the death", async () => {
    const name = "cut";
    await startWorker(trio, { name, arrangement: "none" });
    await trio.watched(name);
    const pid = await pidOf(engine, name);
    const at = Date.now();
    const before = relay.streams;
    relay.cut();
    process.kill(pid, "SIGKILL");
    const recovery = await trio.recovered(name, at);
    assert.ok(before >= 3);
    assert.equal(recovery.tries.length, 1);
    assert.equal(startsOf(await lifeOf(engine, name, at)).length, 1);
    assert.deepEqual(await told("engine-lost", at), []);
  });

  test("its event streams refused for a while: it counts as lost, and the death is found when they are back", async () => {
    const name = "refused";
    await startWorker(trio, { name, arrangement: "none" });
    await trio.watched(name);
    const at = Date.now();
    relay.refuse();
    await until(
      "it to be lost",
      async () => (await told("engine-lost", at)).length > 0 || undefined,
      10_000,
      200,
    );
    await crash(engine, name);
    await pause(2_000);
    assert.deepEqual(await trio.recoveries(name), []);
    relay.pass();
    await trio.recovered(name, at);
    assert.equal(startsOf(await lifeOf(engine, name, at)).length, 1);
    assert.equal((await told("engine-lost", at)).length, 1);
  });

  test("its event streams silent: a full list finds the death, and the late news of it do no harm", async () => {
    const name = "unheard";
    await startWorker(trio, { name, arrangement: "none" });
    await trio.watched(name);
    const at = Date.now();
    relay.silence();
    await crash(engine, name);
    const starts = async (): Promise<number> => startsOf(await lifeOf(engine, name, at)).length;
    await until("its start", async () => (await starts()) > 0 || undefined, 30_000, 200);
    relay.pass();
    const recovery = await trio.recovered(name, at);
    assert.equal(recovery.evidence[0]?.kind, "inspection");
    await pause(1_000);
    assert.equal(await starts(), 1);
    assert.notEqual((await trio.worker(name))?.verdict, "stopped");
  });
});
