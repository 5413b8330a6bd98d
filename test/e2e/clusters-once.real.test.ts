// Ten clients call a cluster of containers through any coordinator while the leader is killed: each call is executed once, in log order.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { violationsOf, type Evidence } from "../lab/cluster-calls.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { callMany } from "../lab/many-calls.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

describe("calls to a cluster of containers", { skip: needs("root", "engine", "redis") }, () => {
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

  test("are each executed once, in the order of the log, while the leader is killed", async (t) => {
    const wish = { calls: 40, clients: 10, kills: 1, removes: false, seed };
    const { violations, terms, again } = await callMany(engine, trio, wish);
    t.diagnostic(`${terms} terms, ${again} answers that were none`);
    assert.deepEqual(violations, []);
    assert.ok(terms >= 2, "another coordinator led in between");
  });
});

test("what is lost, done twice or out of order is seen", () => {
  const entry = (log_index: number, term: number) => ({
    ...{ cluster: "many", log_index, term, call: "add-service 1 × w", state: "done" as const },
    ...{ text: "", by: "", at: "", ended_at: "" },
  });
  const good: Evidence = {
    acknowledged: [1, 2].map((index) => ({ key: `k${index}`, index, term: 1, replicas: 1 })),
    log: [entry(1, 1), entry(2, 1)],
    created: [1, 2].map((index) => ({ at: index, index, ordinal: 1 })),
  };
  assert.deepEqual(violationsOf(good), []);
  const [first, second] = good.created;
  assert.ok(first !== undefined && second !== undefined);
  const bad: readonly Partial<Evidence>[] = [
    { created: [first] },
    { created: [first, second, second] },
    { created: [second, first] },
    { log: [entry(1, 1)] },
    { log: [entry(1, 1), entry(2, 1), entry(3, 1)] },
    { log: [entry(1, 2), entry(2, 1)] },
  ];
  for (const some of bad) {
    assert.notDeepEqual(violationsOf({ ...good, ...some }), [], JSON.stringify(some));
  }
});
