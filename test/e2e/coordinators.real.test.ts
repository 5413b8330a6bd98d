// The whole trio is replaced, one by one, by coordinators with other names and addresses, while workers die.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { CoordinatorsView } from "../../proto/rest.ts";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const command = path.join(fileURLToPath(new URL("../..", import.meta.url)), "dist/heartmesh.mjs");

interface Said {
  readonly code: number;
  readonly text: string;
}

describe("the set of coordinators", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  const workers = ["one", "two", "three", "four"];

  /** `heartmesh coordinators …`, asked of one of them. */
  const coordinators = (at: string, ...words: string[]): Promise<Said> =>
    new Promise((resolve) => {
      const env = { PATH: process.env["PATH"], HEARTMESH_URL: trio.url(at) };
      execFile(
        process.execPath,
        [command, "coordinators", ...words],
        { env, timeout: 60_000 },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : 1, text: `${stdout}${stderr}`.trim() });
        },
      );
    });

  /** A newcomer must have been heard for 2 LEADER_TIMEOUTs. */
  const add = (at: string, id: string): Promise<Said> =>
    until(
      `${id} to be added`,
      async () => {
        const said = await coordinators(at, "add", trio.seed(id));
        if (said.code === 0) return said;
        assert.match(said.text, /is not heard|has been heard for|No coordinator leads/);
        return undefined;
      },
      30_000,
      300,
    );

  const setAt = async (id: string): Promise<string> => {
    const view = await trio.get<CoordinatorsView>("coordinators", id);
    return view.coordinators.map((one) => one.id).join();
  };

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    const env = { VERIFY_WINDOW: "1", BACKOFF: "0.5" };
    trio = await Trio.start(engine, { newcomers: 3, env });
    for (const name of workers) await startWorker(trio, { name, arrangement: "joins-worker" });
    for (const name of workers) await trio.verdict(name, "healthy");
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
  });

  test("is replaced whole: every worker that dies meanwhile is healed, no other is touched, and one failover each is the most", async () => {
    const begun = Date.now();
    const { leader } = await trio.status("c1");
    const order = ["c1", "c2", "c3"].sort((a, b) => Number(a === leader) - Number(b === leader));
    let seed = ["c1", "c2", "c3"];
    for (const [at, old] of order.entries()) {
      const young = `c${4 + at}`;
      seed = [...seed, young];
      trio.startCoordinator(young, { COORDINATORS: trio.seed(...seed) });
      const victim = workers[at] ?? "";
      const killedAt = Date.now();
      await crash(engine, victim);
      const asked = seed[1] ?? "";
      assert.match((await add(asked, young)).text, /is added: done/);
      // Its mesh, which is all that the set needs, begins before its HTTP.
      await until(`${young} to answer`, () => trio.status(young).catch(() => undefined));
      const removed = await coordinators(young, "remove", old);
      assert.deepEqual(removed, { code: 0, text: `${old} is removed: done` });
      seed = seed.filter((id) => id !== old);
      await trio.kill(old);
      await trio.recovered(victim, killedAt);
    }
    // A change is done once a quorum of the new set holds it; the third hears of it from the next leader.
    for (const id of ["c4", "c5", "c6"]) {
      await until(
        `${id} to hold the new set`,
        async () => (await setAt(id).catch(() => "")) === "c4,c5,c6" || undefined,
        10_000,
        250,
      );
    }
    const told = (await trio.events()).filter((event) => event.atMs >= begun);
    const touched = new Set(
      (await trio.get<{ worker: string }[]>("recoveries")).map((r) => r.worker),
    );
    assert.deepEqual([...touched].sort(), ["lab/one", "lab/three", "lab/two"]);
    const failovers = told.filter(({ kind }) => kind === "leader-changed").length;
    assert.ok(failovers <= 3, `${failovers} changes of the leader`);
    assert.deepEqual(
      told.filter(({ kind }) => kind === "quorum-lost"),
      [],
    );
    // A newcomer that leads before its first question was answered tells of that answer.
    const doubted = told.filter(
      ({ kind, worker, text }) =>
        kind === "verdict-changed" && worker === "lab/four" && !text.startsWith("healthy:"),
    );
    assert.deepEqual(doubted, [], "nobody touched it, and nobody took it for dead");
    assert.ok(
      told.some(({ kind, text }) => kind === "coordinators-changed" && text.includes("c6")),
    );
  });

  test(
    "outlives a restart with an outdated COORDINATORS, and a removed one that comes back leads nothing",
    { skip: soakAlone },
    async () => {
      await trio.kill("c5");
      trio.startCoordinator("c5", { COORDINATORS: trio.seed("c1", "c2", "c3", "c5") });
      trio.startCoordinator("c1");
      await until("c5 to answer", () => setAt("c5").catch(() => undefined));
      assert.equal(await setAt("c5"), "c4,c5,c6");
      await until("c1 to hear it", async () => {
        return (await setAt("c1").catch(() => "")) === "c4,c5,c6" ? true : undefined;
      });
      const killedAt = Date.now();
      await trio.kill(await trio.leader());
      await crash(engine, "four");
      await trio.recovered("four", killedAt);
      const { role, leader } = await trio.status("c1");
      assert.deepEqual([role, leader], ["follower", ""]);
      assert.match((await coordinators("c1")).text, /^c4 .*\n(.*\n)*Version 6 of the set/m);
    },
  );
});
