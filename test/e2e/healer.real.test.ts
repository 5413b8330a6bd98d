// The healer under its own failures: its leader, the whole trio or its Redis die while a worker is down; and agents die under healthy workers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

describe("a worker is healed once", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  // Agents of several workers die at a time, which is not what the brake is for.
  const stage = staged((set) => ({ engine, trio } = set), { trio: { env: { BRAKE_MIN: "50" } } });

  const healthy = async (
    name: string,
    arrangement: "joins-worker" | "joins-agent" = "joins-worker",
  ): Promise<void> => {
    await startWorker(trio, { name, arrangement });
    await trio.verdict(name, "healthy");
  };

  test("when the leader dies with it", async () => {
    await healthy("with-leader");
    const leader = await trio.leader();
    const at = Date.now();
    await Promise.all([trio.kill(leader), crash(engine, "with-leader")]);
    await trio.recovered("with-leader", at);
    trio.startCoordinator(leader);
    assert.equal(await stage.starts("with-leader", at), 1);
  });

  test("when the whole trio is killed, and comes back while it is down", async () => {
    await healthy("without-trio");
    for (const id of trio.ids) await trio.kill(id);
    const at = Date.now();
    await crash(engine, "without-trio");
    for (const id of trio.ids) trio.startCoordinator(id);
    await trio.leader();
    await trio.recovered("without-trio", at, "recovered", 60_000);
    assert.equal(await stage.starts("without-trio", at), 1);
  });

  test(
    "when the whole trio is killed, and finds it hung with its agent when it comes back",
    { skip: soakAlone },
    async () => {
      const name = "hung-meanwhile";
      await healthy(name);
      for (const id of trio.ids) await trio.kill(id);
      const at = Date.now();
      for (const one of [name, `${name}-agent`]) {
        process.kill(await pidOf(engine, one), "SIGSTOP");
      }
      for (const id of trio.ids) trio.startCoordinator(id);
      await trio.leader();
      const recovery = await trio.recovered(name, at, "recovered", 60_000);
      assert.equal(recovery.verdict, "silent");
      assert.equal(await stage.starts(name, at), 1);
    },
  );

  test("when Redis is away: directly, and the record is written down later", async () => {
    await healthy("without-redis");
    await trio.killRedis();
    const at = Date.now();
    await crash(engine, "without-redis");
    await until(
      "it to run again",
      async () => {
        const running = await stage.inspect("without-redis", "{{.State.Running}}");
        return running === "true" ? true : undefined;
      },
      30_000,
      200,
    );
    await trio.startRedis();
    const recovery = await trio.recovered("without-redis", at, "recovered", 60_000);
    assert.equal(recovery.tries.length, 1);
    assert.equal(await stage.starts("without-redis", at), 1);
    await until(
      "the loss to be on record",
      async () => {
        const kinds = (await trio.events().catch(() => [])).map(({ kind }) => kind);
        return kinds.includes("redis-lost") && kinds.includes("redis-back") ? true : undefined;
      },
      30_000,
      500,
    );
    // By the queue again, whose oldest token would be that of the direct recovery.
    const again = Date.now();
    await crash(engine, "without-redis");
    const second = await trio.recovered("without-redis", again);
    assert.ok(second.epoch > recovery.epoch, `epoch ${second.epoch} after ${recovery.epoch}`);
    assert.equal(await stage.starts("without-redis", again), 1);
  });

  const strikes = {
    killed: (agent: string) => crash(engine, agent),
    stopped: (agent: string) => engine.docker("stop", "-t", "0", agent),
    hung: async (agent: string) => process.kill(await pidOf(engine, agent), "SIGSTOP"),
    removed: (agent: string) => engine.docker("rm", "-f", agent),
  };
  const agentStarted = (agent: string, before: string): Promise<true> =>
    until(
      `${agent} to be started`,
      async () => {
        const now = await stage.inspect(agent, "{{.State.Running}} {{.State.StartedAt}}");
        return now.startsWith("true") && !now.endsWith(before) ? true : undefined;
      },
      30_000,
      200,
    );

  describe("where its agent", { concurrency: 2 }, () => {
    for (const how of ["killed", "stopped", "hung"] as const) {
      test(
        `is ${how}, which is revived, and it is not touched`,
        { skip: how !== "hung" && soakAlone },
        async () => {
          const name = `agent-${how}`;
          await healthy(name);
          const started = await stage.inspect(name, "{{.State.StartedAt}}");
          const before = await stage.inspect(`${name}-agent`, "{{.State.StartedAt}}");
          await strikes[how](`${name}-agent`);
          await agentStarted(`${name}-agent`, before);
          await trio.verdict(name, "healthy");
          assert.equal(await stage.inspect(name, "{{.State.StartedAt}}"), started);
        },
      );

      test(
        `is ${how} around it: it joins the new namespace, once`,
        { skip: how !== "killed" && soakAlone },
        async () => {
          const name = `around-${how}`;
          await healthy(name, "joins-agent");
          const at = Date.now();
          const before = await stage.inspect(`${name}-agent`, "{{.State.StartedAt}}");
          await strikes[how](`${name}-agent`);
          await agentStarted(`${name}-agent`, before);
          await until(
            "its worker to be started after it",
            async () => (await stage.starts(name, at)) > 0 || undefined,
            30_000,
            200,
          );
          await trio.verdict(name, "healthy");
          await pause(4_000);
          assert.equal(await stage.starts(name, at), 1);
          assert.equal((await trio.worker(name))?.verdict, "healthy");
        },
      );
    }

    for (const arrangement of ["joins-worker", "joins-agent"] as const) {
      test(`is removed: it is left untouched, and shown; the agent ${arrangement === "joins-worker" ? "had joined it" : "was joined by it"}`, async () => {
        const name = `bereft-${arrangement}`;
        await healthy(name, arrangement);
        const started = await stage.inspect(name, "{{.State.StartedAt}}");
        const at = Date.now();
        await strikes.removed(`${name}-agent`);
        await until(
          "its loss to be shown",
          async () => {
            const worker = await trio.verdict(name, "agent-lost");
            return worker.reason.includes("gone") || undefined;
          },
          20_000,
          250,
        );
        await pause(6_000);
        assert.equal(await stage.inspect(name, "{{.State.StartedAt}}"), started);
        assert.equal(await stage.starts(name, at), 0);
        const told = (await trio.events()).filter(
          (one) => one.worker === `lab/${name}` && one.kind === "left-alone" && one.atMs >= at,
        );
        assert.ok(told.length > 0, "nobody was told why");
      });
    }
  });
});
