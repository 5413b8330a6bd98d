// Docker's four restart policies: one start for one death, the engine first, and an end to every crash loop.

import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { assertOneStartForEachDeath, lifeOf, startsOf, type LifeEvent } from "../lab/life.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

/** The record counts whole milliseconds, the engine's events are finer. */
const rounding = 1;

describe("restart policies", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  staged((set) => ({ engine, trio } = set), { images: ["worker"] });

  const state = async (name: string): Promise<{ status: string; restarts: number }> => {
    const format = "{{.State.Status}} {{.RestartCount}}";
    const ran = await engine.docker("inspect", "-f", format, name);
    const [status = "", restarts = ""] = ran.stdout.trim().split(" ");
    return { status, restarts: Number(restarts) };
  };
  const quarantined = (name: string, patience = 60_000): Promise<true> =>
    until(
      `${name} to be quarantined`,
      async () => {
        const worker = await trio.worker(name).catch(() => undefined);
        return (worker?.quarantinedForMs ?? null) === null ? undefined : true;
      },
      patience,
      250,
    );
  const restartedAfter = (name: string, pid: number): Promise<true> =>
    until(
      `the engine's restart of ${name}`,
      async () => {
        const now = await pidOf(engine, name).catch(() => pid);
        return now === pid ? undefined : true;
      },
      20_000,
      50,
    );
  /** Its life while the engine waits, or for good: no start or death comes between this and what is read next. */
  const quiet = (name: string, since: number): Promise<readonly LifeEvent[]> =>
    until(
      `${name} to be quiet`,
      async () => {
        const life = await lifeOf(engine, name, since);
        const last = life.at(-1);
        const isQuiet = last?.action === "die" && Date.now() - last.atMs < 2_000;
        return isQuiet || (await state(name)).status === "exited" ? life : undefined;
      },
      30_000,
      200,
    );
  /** When our runners started it, by the record: from the begin of a try to its end. */
  const ourStarts = async (name: string): Promise<readonly { from: number; to: number }[]> => {
    const tries = (await trio.recoveries(name)).flatMap((recovery) => recovery.tries);
    return tries.flatMap(({ startedAtMs, actedAtMs }) =>
      actedAtMs === null ? [] : [{ from: startedAtMs, to: actedAtMs + rounding }],
    );
  };

  test(
    "each crash loop ends in quarantine, with one start for one death, the engine's or ours",
    { skip: soakAlone },
    async () => {
      const since = Date.now();
      const policies = ["no", "on-failure:2", "always", "unless-stopped"];
      const names = policies.map((policy) => `loop-${policy.replace(":", "-")}`);
      for (const [at, name] of names.entries())
        await startWorker(trio, {
          name,
          arrangement: "none",
          options: ["--restart", policies[at] ?? ""],
          command: ["sh", "-c", "sleep 0.5; exit 3"],
        });
      for (const name of names) await quarantined(name);
      const ended = await Promise.all(names.map((name) => trio.recoveries(name)));
      // The engine's next waits are 1.6 and 3.2 s long at least.
      await pause(5_000);
      for (const [at, name] of names.entries()) {
        const life = await quiet(name, since);
        const ours = await ourStarts(name);
        // A container in the engine's back-off is taken over by a kill; on a busy machine the engine starts it just before that.
        const takenOver = ({ action, atMs }: LifeEvent): boolean =>
          action === "kill" && ours.some(({ from, to }) => atMs >= from && atMs <= to);
        assertOneStartForEachDeath(
          life.filter((event) => !takenOver(event)),
          name,
        );
        assert.ok(ours.length > 0, `${name} was never started by us`);
        for (const { from, to } of ours) {
          const within = life.filter(({ atMs }) => atMs >= from && atMs <= to);
          const [first, ...rest] = startsOf(within);
          assert.ok(first !== undefined, `no start of ${name} while we started it`);
          // On a busy machine it dies, and the engine starts it again, before our own start is noted as done.
          const deaths = within.filter(({ action, atMs }) => action === "die" && atMs > first.atMs);
          assert.ok(rest.length <= deaths.length, `starts of ${name} while we started it once`);
        }
        const now = await state(name);
        if (policies[at] === "no") assert.equal(startsOf(life).length, 1 + ours.length);
        else if (policies[at] === "on-failure:2")
          assert.deepEqual(now, { status: "exited", restarts: 2 });
        else {
          // A start of ours sets the engine's own count to nothing; each death after it adds one, also before it is noted as done.
          const last = Math.max(...ours.map(({ from }) => from));
          const begun = startsOf(life).find(({ atMs }) => atMs >= last)?.atMs ?? last;
          const deaths = life.filter(({ action, atMs }) => action === "die" && atMs > begun);
          assert.equal(now.restarts, deaths.length, `the engine's own count of ${name}`);
        }
        assert.deepEqual(
          (await trio.recoveries(name)).length,
          ended[at]?.length,
          `${name} was left alone`,
        );
      }
    },
  );

  test(
    "the engine's own restarts count toward quarantine, and it goes on as its policy says",
    { skip: soakAlone },
    async () => {
      const name = "engines";
      const since = Date.now();
      await startWorker(trio, {
        name,
        arrangement: "none",
        options: ["--restart", "always"],
        labels: { "heartmesh.max-revivals": "2" },
      });
      await trio.watched(name);
      // A death that falls into a change of leader, as on a busy machine, is counted by nobody.
      const most = 6;
      let deaths = 0;
      let isOver = false;
      while (!isOver) {
        const pid = await pidOf(engine, name);
        process.kill(pid, "SIGKILL");
        await restartedAfter(name, pid);
        deaths++;
        if (deaths < 3) continue;
        isOver = await quarantined(name, deaths < most ? 4_000 : 60_000).catch((error: unknown) => {
          if (deaths < most) return false;
          throw error;
        });
      }
      assert.deepEqual(await ourStarts(name), [], "starts of ours");
      await crash(engine, name);
      await until("the engine's next restart", async () => {
        const now = await state(name);
        return (now.status === "running" && now.restarts === deaths + 1) || undefined;
      });
      const life = await lifeOf(engine, name, since);
      assertOneStartForEachDeath(life, name);
      assert.equal(startsOf(life).length, deaths + 2);
      assert.deepEqual(await ourStarts(name), [], "starts of ours");
    },
  );

  test(
    "where the engine's back-off exceeds ours, heartmesh starts it, and the engine not again",
    { skip: soakAlone },
    async () => {
      const name = "late";
      const since = Date.now();
      await startWorker(trio, {
        name,
        arrangement: "none",
        options: ["--restart", "unless-stopped"],
        labels: { "heartmesh.max-revivals": "20" },
      });
      await trio.watched(name);
      // The engine's fifth restart comes after 1.6 s; its fourth, after 0.8 s, may be late on a busy machine.
      let at = since;
      let deaths = 0;
      // A start that is not the engine's own sets its count back.
      while ((await state(name)).restarts === deaths) {
        deaths++;
        assert.ok(deaths <= 5, "the engine's fifth restart was sooner");
        at = Date.now();
        const pid = await pidOf(engine, name);
        process.kill(pid, "SIGKILL");
        await restartedAfter(name, pid);
      }
      assert.ok(deaths >= 4, `ours came after ${deaths} deaths`);
      const recovery = await trio.recovered(name, at);
      const die = (await lifeOf(engine, name, at - 1_000)).findLast(
        ({ action }) => action === "die",
      );
      assert.ok(
        die !== undefined && recovery.decidedAtMs - die.atMs >= 1_000,
        "the engine's second",
      );
      // Longer than the engine's wait was.
      await pause(2_000);
      assert.deepEqual(await state(name), { status: "running", restarts: 0 });
      const life = await lifeOf(engine, name, since);
      assertOneStartForEachDeath(life, name);
      assert.equal(startsOf(life).length, deaths + 1);
    },
  );

  test("where the engine has failed to restart it, heartmesh starts it after a second", async () => {
    const name = "mounted";
    const folder = path.join(engine.dir, "source");
    await mkdir(folder);
    await startWorker(trio, {
      name,
      arrangement: "none",
      options: ["--restart", "always", "--mount", `type=bind,source=${folder},target=/mnt`],
    });
    await trio.watched(name);
    const at = Date.now();
    await rm(folder, { recursive: true });
    await crash(engine, name);
    await until(
      "the engine to give up",
      async () => (await state(name)).status === "exited" || undefined,
    );
    await mkdir(folder);
    const recovery = await trio.recovered(name, at);
    const die = (await lifeOf(engine, name, at)).find(({ action }) => action === "die");
    assert.ok(die !== undefined && recovery.decidedAtMs - die.atMs >= 1_000, "the engine's second");
    assert.equal(startsOf(await lifeOf(engine, name, at)).length, 1);
  });

  test("an exit with 0 is none of on-failure's business: heartmesh starts it, without waiting", async () => {
    const name = "done";
    const since = Date.now();
    await startWorker(trio, {
      name,
      arrangement: "none",
      options: ["--restart", "on-failure"],
      command: ["sh", "-c", "test -e /done && exec sleep 3600; touch /done; sleep 2; exit 0"],
    });
    await trio.recovered(name, since);
    const life = await lifeOf(engine, name, since);
    assertOneStartForEachDeath(life, name);
    assert.equal(startsOf(life).length, 2);
    const held = (await trio.events()).filter(
      ({ worker, kind }) => worker === `lab/${name}` && kind === "held",
    );
    assert.deepEqual(held, []);
  });
});
