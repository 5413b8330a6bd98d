// `--wait` against a real API on loopback: it follows what was begun to its end, and its exit code tells how that was.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { RecoveryRecord } from "../../../coordinator/core/recovery-record.ts";
import { serve, type TestServer } from "../api/scripted-plane.ts";
import { recoveryRecord } from "../api/scripted-recovery.ts";
import { until } from "../../waiting.ts";
import { asking, run } from "./running.ts";

const begun: RecoveryRecord = { ...recoveryRecord, id: "4.7.aa", worker: "h1/web-1" };
const endedAt = begun.detectedAt + 4_000;
const earlier: RecoveryRecord = { ...begun, id: "3.6.00", outcome: "exhausted", endedAt };

async function started(t: TestContext): Promise<TestServer> {
  const server = await serve(t);
  server.plane.recoveries = [earlier];
  return server;
}

for (const [outcome, code] of [
  ["recovered", 0],
  ["exhausted", 3],
  ["superseded", 4],
] as const) {
  test(`a recovery that ends ${outcome} gives ${code}`, async (t) => {
    const server = await started(t);
    const { plane } = server;
    const running = run(["revive", "web-1", "--wait"], asking(server));
    await until("the command", () => plane.commands.length > 0);
    plane.recoveries = [begun, earlier];
    const asked = plane.asked.length;
    await until("it is followed", () => plane.asked.length > asked + 1);
    plane.recoveries = [{ ...begun, outcome, outcomeReason: "so it was", endedAt }, earlier];
    const ended = await running;
    assert.equal(ended.code, code, ended.err);
    assert.match(ended.out, /^a recovery began \(recovery 4\.7\.aa\)$/m);
    assert.match(
      ended.out,
      new RegExp(
        `^h1/web-1: ${outcome} after 4\\.0 s and 1 try: so it was \\(recovery 4\\.7\\.aa\\)$`,
        "m",
      ),
    );
  });
}

test("one that does not end in time gives 5, and nothing is taken back", async (t) => {
  const server = await started(t);
  server.plane.recoveries = [begun, earlier];
  const { code, err } = await run(
    ["revive", "web-1", "--wait", "--timeout", "500ms"],
    asking(server),
  );
  assert.equal(code, 5);
  assert.match(err, /h1\/web-1 is still under way after 500 ms/);
});

test("the record may be away meanwhile", async (t) => {
  const server = await started(t);
  const { plane } = server;
  const running = run(["revive", "web-1", "--wait", "--json"], asking(server));
  await until("the command", () => plane.commands.length > 0);
  plane.recordIsAway = true;
  const asked = plane.asked.length;
  await until("it was asked in vain", () => plane.asked.length > asked + 1);
  plane.recoveries = [{ ...begun, outcome: "recovered", endedAt }, earlier];
  plane.recordIsAway = false;
  const { code, out } = await running;
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as { id: string }).id, "4.7.aa");
});

test("what is refused is not waited for, and a wrong time is told before anything is asked", async (t) => {
  const server = await started(t);
  server.plane.result = { kind: "refused", text: "web-1 is paused; unpause it first" };
  const refused = await run(["revive", "web-1", "--wait"], asking(server));
  assert.equal(refused.code, 1);
  assert.match(refused.err, /409: web-1 is paused/);
  const before = server.plane.commands.length;
  const wrong = await run(["revive", "web-1", "--wait", "--timeout", "soon"], asking(server));
  assert.equal(wrong.code, 2);
  assert.equal(server.plane.commands.length, before);
});

test("a drain is over when nothing runs there and its services have moved", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  plane.recoveries = [];
  const { reading } = plane;
  assert.ok(reading.kind === "swarm");
  const running = run(["drain", "h1", "--wait", "--timeout", "60s"], asking(server));
  await until("the switch", () => plane.switches.length > 0);
  const elsewhere = reading.view.tasks.filter(({ hostId }) => hostId !== "id-h1");
  plane.recoveries = [{ ...begun, worker: "swarm:cache", outcome: "recovered", endedAt }];
  plane.reading = { ...reading, view: { ...reading.view, tasks: elsewhere } };
  const asked = plane.manager.asked;
  await until("it looks at what still ends", () => plane.manager.asked > asked + 4);
  plane.manager.endTasks();
  const { code, out, err } = await running;
  assert.equal(code, 0, err);
  assert.match(out, /h1 is empty: none of its tasks runs any more$/);
});
