// A mesh whose datagrams take long ways, and a stranger on them who repeats, cuts and changes what passes: nobody healthy is doubted, and nothing changes.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { lifeOf } from "../lab/life.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { Wire, type Abuse } from "../lab/wire.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const ids = ["c1", "c2", "c3"];
const meshPort = (id: string): number => 7701 + ids.indexOf(id);
/** Where the others reach it. */
const farPort = (id: string): number => 7801 + ids.indexOf(id);
const workerPort = 7900;
const delayMs = 75;
const worker = "far";

describe(
  "a round trip of 150 ms between all parts",
  { skip: soakNeeds("root", "engine", "redis") },
  () => {
    let engine: LabEngine;
    let wire: Wire;
    let trio: Trio;

    before(async () => {
      engine = await startEngine({ name: "lab" });
      await ensureImages(engine, ["worker", "node"]);
      wire = new Wire(engine);
      for (const id of ids) {
        const to = { address: "127.0.0.1", port: meshPort(id) };
        await wire.lay({ port: farPort(id), to, delayMs });
      }
      trio = await Trio.start(engine, {
        env: { VERIFY_WINDOW: "1", WORKERS: `${worker}=127.0.0.1:${workerPort}@${worker}` },
        envOf: (self) => ({
          COORDINATORS: ids
            .map((id) => `${id}=127.0.0.1:${id === self ? meshPort(id) : farPort(id)}`)
            .join(","),
        }),
      });
      await startWorker(trio, {
        name: worker,
        arrangement: "joins-worker",
        labels: { role: "named by WORKERS" },
      });
      const format = "{{.NetworkSettings.IPAddress}}";
      const address = (await engine.docker("inspect", "-f", format, worker)).stdout.trim();
      await wire.lay({ port: workerPort, to: { address, port: 8888 }, delayMs });
      for (const id of ids) await isHealthy(id);
    });

    after(async () => {
      await trio.stop();
      wire.stop();
      await engine.stop();
    });

    const isHealthy = (id: string): Promise<unknown> =>
      until(
        `${worker} to be healthy by ${id}`,
        async () => {
          const seen = await trio.worker(worker, id).catch(() => undefined);
          return seen?.verdict === "healthy" && (seen.roundTripMs ?? 0) >= 2 * delayMs;
        },
        30_000,
        250,
      );
    const countersOfAll = async (): Promise<Readonly<Record<string, number>>[]> =>
      Promise.all(ids.map((id) => trio.counters(id)));
    const termNow = async (): Promise<string> => {
      const leader = await trio.leader();
      return `${leader} leads ${(await trio.status(leader)).term}`;
    };
    /** How much each counter of each coordinator grew while this went on. */
    const grown = async (
      what: () => Promise<unknown>,
    ): Promise<readonly ((name: string) => number)[]> => {
      const before = await countersOfAll();
      await what();
      const now = await countersOfAll();
      return now.map((counters, at) => (name) => (counters[name] ?? 0) - (before[at]?.[name] ?? 0));
    };

    test("is no reason for a doubt, a burst of PINGs or an election", async () => {
      const term = await termNow();
      const at = Date.now();
      const seconds = 12;
      const counts = await grown(() => pause(seconds * 1_000));
      for (const count of counts) {
        for (const name of ["downs", "elections_won"]) assert.equal(count(name), 0, name);
        // Every PING would bring one; a busy machine now and then brings one, which is repeated and comes to nothing.
        const asked = count("doubts") + count("hastened");
        assert.ok(asked <= seconds / 3, `${asked} doubts, its own and others'`);
        assert.ok(count("pings") >= seconds - 2, `${count("pings")} PINGs`);
        const most = (Date.now() - at) / 1_000 + 2 + 3 * asked;
        assert.ok(count("pings") <= most, `${count("pings")} PINGs`);
      }
      assert.equal(await termNow(), term);
      for (const id of ids) await isHealthy(id);
      assert.deepEqual(await trio.recoveries(worker), []);
    });

    test("datagrams that are repeated, cut, changed or lengthened change nothing, and each is counted", async () => {
      const term = await termNow();
      const at = Date.now();
      let sent: Awaited<ReturnType<Wire["abuse"]>> = {};
      const counts = await grown(async () => {
        sent = await wire.abuse();
        // The picture that /metrics shows is up to 100 ms old.
        await pause(2_000);
      });
      for (const [index, id] of ids.entries()) {
        const toIt = Object.entries(sent[`127.0.0.1:${meshPort(id)}`] ?? {});
        assert.equal(toIt.length, 4, `nothing was sent to ${id}`);
        for (const [kind, count] of toIt as [Abuse, number][]) {
          assert.equal(
            counts[index]?.(`dropped_${kind.replace("-", "_")}`),
            count,
            `${kind} at ${id}`,
          );
        }
      }
      assert.equal(await termNow(), term);
      for (const id of ids) await isHealthy(id);
      assert.deepEqual(await trio.recoveries(worker), []);
      const events = (await trio.events()).filter(({ atMs }) => atMs >= at);
      assert.deepEqual(events, []);
    });

    test("delays its healing, and nothing else", async () => {
      const at = Date.now();
      await crash(engine, worker);
      const recovery = await trio.recovered(worker, at);
      assert.equal(recovery.tries.length, 1);
      const life = (await lifeOf(engine, worker, at)).map(({ action }) => action);
      assert.deepEqual(life, ["die", "start"]);
    });
  },
);
