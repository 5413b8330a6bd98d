// The long run of test/e2e/clusters-once.real.test.ts: a thousand calls, ten killed leaders; each service is removed again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { callMany } from "../lab/many-calls.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

describe("a thousand calls to a cluster", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    console.log(`SEED=${seed}`);
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker"]);
    trio = await Trio.start(engine);
  });
  after(async () => {
    await trio.stop();
    await engine.stop();
  });

  test("are each executed once, in the order of the log", async () => {
    const wish = { calls: 1_000, clients: 20, kills: 10, removes: true, seed };
    const { violations } = await callMany(engine, trio, wish);
    assert.deepEqual(violations, []);
  });
});
