// `heartmesh coordinators` against a real API on loopback.

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../waiting.ts";
import { serve, summaryOf } from "../api/scripted-plane.ts";
import { asking, run } from "./running.ts";

test("coordinators are listed, with the set that counts and who waits outside it", async (t) => {
  const server = await serve(t);
  server.plane.picture = summaryOf({ strangers: ["c4"] });
  const { code, out } = await run(["coordinators"], asking(server, "viewer"));
  assert.equal(code, 0);
  assert.match(out, /^c1 +10\.0\.0\.1:7700 +leads +heard 0 s ago$/m);
  assert.match(out, /^c3 +c3\.example:7701 +never heard$/m);
  assert.match(out, /^Version 2 of the set, by the leader of term 6\.$/m);
  assert.match(out, /^Heard, and not of the set: c4\.$/m);
});

test("a coordinator is added and removed by an admin, with the answer of the leader", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const added = await run(["coordinators", "add", "c4=10.0.0.4:7701"], asking(server, "admin"));
  assert.deepEqual([added.code, added.out], [0, "c4 (10.0.0.4:7700) is added: done"]);
  await run(["coordinators", "remove", "c3"], asking(server, "admin"));
  assert.deepEqual(
    plane.changes.map(({ change }) => change),
    [
      { kind: "add", member: { id: "c4", host: "10.0.0.4", port: 7701 } },
      { kind: "remove", id: "c3" },
    ],
  );
  const refused = await run(["coordinators", "remove", "c3"], asking(server, "operator"));
  assert.equal(refused.code, 1);
  assert.match(refused.err, /403/);
  plane.changeEnds = { how: "refused", text: "c9 is no coordinator of this mesh" };
  const unknown = await run(["coordinators", "remove", "c9"], asking(server, "admin"));
  assert.match(unknown.err, /409: c9 is no coordinator of this mesh\./);
});

test("a leader that hands over first is asked again", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  plane.changeEnds = { how: "later", text: "c1 led, and has handed over to be removed" };
  const asked = run(["coordinators", "remove", "c1"], asking(server, "admin"));
  await until("the first answer", () => (plane.changes.length > 0 ? true : undefined));
  plane.changeEnds = { how: "made", text: "c1 is removed: done" };
  const { code, out } = await asked;
  assert.deepEqual([code, out, plane.changes.length], [0, "c1 is removed: done", 2]);
});

test("words that say nothing to `coordinators` are refused with what was expected", async (t) => {
  const server = await serve(t);
  for (const words of [["add"], ["add", "c4"], ["remove"], ["swap", "c1"], ["remove", "a", "b"]]) {
    const { code, err } = await run(["coordinators", ...words], asking(server, "admin"));
    assert.equal(code, 2);
    assert.match(err, /expected add ID=HOST:PORT, or remove ID/);
  }
  const bad = await run(["coordinators", "add", "c4=10.0.0.4:0x"], asking(server, "admin"));
  assert.match(bad.err, /400: body: "10\.0\.0\.4:0x" is not an address; expected host:port/);
});
