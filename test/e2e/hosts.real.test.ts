// Hosts of a real Swarm, watched by a real trio: cut off, cut in one direction, with a frozen engine, drained.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../lab/engine.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { pause } from "../waiting.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const command = path.join(root, "dist", "heartmesh.mjs");

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describe("hosts of a Swarm", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;

  before(async () => {
    lab = await startSwarm({ managers: 3 });
    trio = await SwarmTrio.start(lab);
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  /** A host whose coordinator does not lead. */
  const follower = async (): Promise<string> => ((await trio.leader()) === "h3" ? "h2" : "h3");
  const kinds = async (host: string, since: number): Promise<readonly string[]> =>
    (await trio.told(host, since)).map(({ text }) => text.slice(0, text.indexOf(":")));

  test("one that is cut off is dead within seconds, and told once when it dies and once when it is back", async (t) => {
    const took: number[] = [];
    for (const way of ["link", "both", "link"] as const) {
      // The leader's own host among them.
      const host = took.length % 2 === 0 ? await follower() : await trio.leader();
      const since = Date.now();
      took.push(await trio.cutUntilDead(lab, host, way));
      const told = (await trio.told(host, since)).filter(({ kind }) => kind !== "host-changed");
      assert.deepEqual(
        told.map(({ kind }) => kind),
        ["host-dead", "host-back"],
      );
      assert.ok((told[0]?.evidence.filter(({ kind }) => kind === "silence").length ?? 0) >= 2);
      await pause(2_000);
    }
    t.diagnostic(`cut → dead: ${took.map(Math.round).join(", ")} ms`);
    // About 2 s on a machine that does nothing else.
    assert.ok(median(took) <= 10_000, `${median(took)} ms`);
  });

  test(
    "one that is cut off for less than TIMEOUT × MAX_FAILED_ATTEMPTS keeps its verdict",
    { skip: soakAlone },
    async () => {
      const host = await follower();
      const since = Date.now();
      for (let i = 0; i < 5; i++) {
        const cut = performance.now();
        await lab.cut(host, "both");
        await pause(900);
        await lab.heal(host);
        assert.ok(performance.now() - cut < 1_500, "this machine is too slow for so short a cut");
        await pause(2_500);
      }
      for (const { name } of lab.hosts) assert.deepEqual(await kinds(name, since), []);
    },
  );

  test("one that hears nothing, but is heard, is not dead", async () => {
    const host = await follower();
    const since = Date.now();
    await lab.cut(host, "in");
    await trio.verdict(host, "partial", since);
    await pause(4_000);
    assert.deepEqual(await kinds(host, since), [`host ${host} is partial`]);
    const healed = Date.now();
    await lab.heal(host);
    await trio.verdict(host, "healthy", healed);
    await pause(2_000);
  });

  test("one that is not heard is dead, whatever it hears", async () => {
    await trio.cutUntilDead(lab, await follower(), "out");
    await pause(2_000);
  });

  test("one whose engine is frozen says so itself, and is not dead", async (t) => {
    const host = await follower();
    const since = Date.now();
    lab.host(host).engine.pause();
    const told = await trio.verdict(host, "engine-unhealthy", since);
    t.diagnostic(`engine frozen → told: ${told.atMs - since} ms`);
    const resumed = Date.now();
    lab.host(host).engine.resume();
    await trio.verdict(host, "healthy", resumed);
    assert.deepEqual(await kinds(host, since), [
      `host ${host} is engine-unhealthy`,
      `host ${host} is healthy`,
    ]);
  });

  test("one that is drained is draining, and one that is paused is not", async (t) => {
    const [host, other] = (await trio.leader()) === "h1" ? ["h2", "h3"] : ["h1", "h3"];
    const availability = (node: string, word: string): Promise<string> =>
      lab.docker("node", "update", "--availability", word, node);
    const since = Date.now();
    await availability(other, "pause");
    await availability(host, "drain");
    const told = await trio.verdict(host, "draining", since);
    t.diagnostic(`drain → told: ${told.atMs - since} ms`);
    const asked = Date.now();
    await availability(host, "active");
    await trio.verdict(host, "healthy", asked);
    assert.deepEqual(await kinds(other, since), []);
    await availability(other, "active");
  });

  test("all of this is recorded, and replayed to the same decisions", async () => {
    const file = path.join(lab.host("h1").engine.dir, "c1.recording");
    const words = ["record", "--out", file, "--url", trio.url("h1")];
    const recorded = await run(process.execPath, [command, ...words]);
    assert.equal(recorded.code, 0, recorded.stderr);
    const replay = ["run", "--silent", "sim", "--", "--replay", file, "--json"];
    const replayed = await run("npm", replay, { cwd: root });
    assert.equal(replayed.code, 0, replayed.stdout + replayed.stderr);
    const told = JSON.parse(replayed.stdout.trimEnd().split("\n").at(-1) ?? "") as {
      readonly same: boolean;
      readonly datagramsDifferFrom: number | null;
    };
    assert.equal(told.same, true);
    assert.equal(told.datagramsDifferFrom, null);
  });
});
