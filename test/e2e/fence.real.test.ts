// Fencing on a real Swarm: what is fenced ends on a host that is cut off, with and without its engine; a trio that says goodbye changes nothing.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pidOf, runContainer } from "../lab/containers.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { pause, until } from "../waiting.ts";

const fenceAfter = 5_000;
/** FENCE_AFTER and 2 s. */
const longest = fenceAfter + 2_000;

describe("a fence", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;

  before(async () => {
    lab = await startSwarm({ managers: 3, images: ["worker"] });
    trio = await SwarmTrio.start(lab);
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  const follower = async (): Promise<string> => ((await trio.leader()) === "h3" ? "h2" : "h3");
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const untilEnded = async (pid: number, since: number): Promise<number> => {
    await until(`process ${pid} ends`, () => !isAlive(pid) || undefined, 30_000, 5);
    return performance.now() - since;
  };
  /** A container of that host, and its process as this machine sees it. */
  const start = async (host: string, name: string, labels: Record<string, string>) => {
    const { engine } = lab.host(host);
    const id = await runContainer(engine, { name, labels });
    return { pid: await pidOf(engine, id) };
  };
  const remove = async (host: string, ...names: readonly string[]): Promise<void> => {
    await lab.host(host).engine.docker("rm", "-f", ...names);
  };
  const fenceOf = async (host: string, on: string) => (await trio.host(host, on)).fence;
  /** By then everything there must have ended. */
  const untilStopped = async (host: string, since: number): Promise<number> => {
    let last = "";
    const isStopped = async (): Promise<true | undefined> => {
      // It may change meanwhile.
      const on = await trio.leader();
      const { verdict, fence } = await trio.host(host, on);
      last = `${on}: ${verdict?.kind ?? "no verdict"}, ${JSON.stringify(fence)}`;
      return fence?.stop?.kind === "stopped" || undefined;
    };
    const what = `the leader says that ${host} has stopped what is fenced`;
    await until(what, isStopped, 15_000, 20).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${last}`);
    });
    return performance.now() - since;
  };
  const untilHeld = (host: string, on: string): Promise<unknown> =>
    until(
      `${host} is granted`,
      async () => {
        const fence = await fenceOf(host, on).catch(() => undefined);
        return (fence?.able === true && fence.state === "held" && fence.granted) || undefined;
      },
      60_000,
      50,
    );

  test("ends what is fenced on a host that is cut off, and nothing else", async (t) => {
    const took: number[] = [];
    const said: number[] = [];
    for (const way of ["in", "out"] as const) {
      const host = await follower();
      await untilHeld(host, await trio.leader());
      const fenced = await start(host, "fenced", { "heartmesh.fence": "" });
      const unfenced = await start(host, "unfenced", { "heartmesh.fence": "false" });
      await pause(1_000);
      const cutAt = performance.now();
      await lab.cut(host, way);
      took.push(await untilEnded(fenced.pid, cutAt));
      assert.ok(isAlive(unfenced.pid));
      // One that is heard is not dead: nobody asks whether it has stopped anything.
      if (way !== "in") said.push(await untilStopped(host, cutAt));
      await lab.heal(host);
      await untilHeld(host, await trio.leader());
      await remove(host, "fenced", "unfenced");
    }
    t.diagnostic(`cut → ended: ${took.map(Math.round).join(", ")} ms`);
    t.diagnostic(`cut → the leader says so: ${said.map(Math.round).join(", ")} ms`);
    assert.ok(Math.max(...said) <= 30_000, `${Math.max(...said)} ms`);
    assert.ok(Math.max(...took) <= longest, `${Math.max(...took)} ms`);
  });

  test("ends by pid what ignores SIGTERM, and what an engine that is frozen does not end", async (t) => {
    const host = await follower();
    const { engine } = lab.host(host);
    await untilHeld(host, await trio.leader());
    const command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"];
    const labels = { "heartmesh.fence": "true", "heartmesh.stop-timeout": "500ms" };
    const id = await runContainer(engine, { name: "stubborn", labels, command });
    const stubborn = await pidOf(engine, id);
    const fenced = await start(host, "fenced", { "heartmesh.fence": "sure" });
    const unfenced = await start(host, "unfenced", {});
    await pause(1_000);
    const cutAt = performance.now();
    await lab.cut(host, "both");
    await pause(1_000);
    engine.pause();
    try {
      const took = await Promise.all([untilEnded(fenced.pid, cutAt), untilEnded(stubborn, cutAt)]);
      t.diagnostic(`cut → ended by pid: ${took.map(Math.round).join(", ")} ms`);
      assert.ok(Math.max(...took) <= longest, `${Math.max(...took)} ms`);
      assert.ok(isAlive(unfenced.pid));
    } finally {
      engine.resume();
      await lab.heal(host);
    }
    await untilHeld(host, await trio.leader());
    await remove(host, "stubborn", "fenced", "unfenced");
  });

  test("ends at once what begins while nobody grants", async (t) => {
    const host = await follower();
    const first = await start(host, "first", { "heartmesh.fence": "true" });
    await lab.cut(host, "both");
    await untilEnded(first.pid, performance.now());
    const { engine } = lab.host(host);
    // It may have ended before anybody could ask for its process: the engine's own record counts.
    await runContainer(engine, { name: "second", labels: { "heartmesh.fence": "true" } });
    const asked = "{{.State.Running}} {{.State.StartedAt}} {{.State.FinishedAt}}";
    const took = await until("the second one ends", async () => {
      const { stdout } = await engine.docker("inspect", "--format", asked, "second");
      const [running, startedAt = "", finishedAt = ""] = stdout.trim().split(" ");
      return running === "false" ? Date.parse(finishedAt) - Date.parse(startedAt) : undefined;
    });
    t.diagnostic(`start → ended: ${Math.round(took)} ms`);
    assert.ok(took < 10_000, `${took} ms`);
    await lab.heal(host);
    await untilHeld(host, await trio.leader());
    await remove(host, "first", "second");
  });

  test(
    "outlasts a restart of the agent, with the time that is left",
    { skip: soakAlone },
    async () => {
      const host = await follower();
      await untilHeld(host, await trio.leader());
      const fenced = await start(host, "fenced", { "heartmesh.fence": "true" });
      await trio.restartAgent(host);
      await untilHeld(host, await trio.leader());
      await pause(6_000);
      assert.ok(isAlive(fenced.pid), "a restarted agent that is granted again stops nothing");
      const cutAt = performance.now();
      await lab.cut(host, "both");
      await pause(3_000);
      await trio.restartAgent(host);
      assert.ok((await untilEnded(fenced.pid, cutAt)) <= longest);
      await lab.heal(host);
      await untilHeld(host, await trio.leader());
      await remove(host, "fenced");
    },
  );

  test(
    "is kept where the trio says goodbye, and holds again when it is back",
    { skip: soakAlone },
    async () => {
      const host = "h3";
      await untilHeld(host, await trio.leader());
      const fenced = await start(host, "fenced", { "heartmesh.fence": "true" });
      await trio.stopCoordinators();
      await pause(2 * fenceAfter);
      assert.ok(isAlive(fenced.pid));
      await trio.startCoordinators();
      await untilHeld(host, await trio.leader());
      await pause(fenceAfter + 1_000);
      assert.ok(isAlive(fenced.pid));
      const cutAt = performance.now();
      await lab.cut(host, "both");
      assert.ok((await untilEnded(fenced.pid, cutAt)) <= longest);
      await lab.heal(host);
      await remove(host, "fenced");
    },
  );

  test("is let go where the whole trio crashes", async () => {
    const host = "h3";
    await untilHeld(host, await trio.leader());
    const fenced = await start(host, "fenced", { "heartmesh.fence": "true" });
    const crashed = performance.now();
    await trio.stopCoordinators("SIGKILL");
    assert.ok((await untilEnded(fenced.pid, crashed)) <= longest);
    await trio.startCoordinators();
    await untilHeld(host, await trio.leader());
    await remove(host, "fenced");
  });
});
