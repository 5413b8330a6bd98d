// `heartmesh hosts` and `heartmesh plan` against a real API on loopback.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostsView, HostSwitchView, PlanView } from "../../../proto/rest.ts";
import { serve, summaryOf } from "../api/scripted-plane.ts";
import { asking, run } from "./running.ts";

test("hosts stand in aligned columns, and whole with --json", async (t) => {
  const server = await serve(t);
  const { code, out } = await run(["hosts"], asking(server, "viewer"));
  assert.equal(code, 3, "one is dead");
  assert.equal(
    out,
    [
      "HOST  ID     ROLE     STATE  VERDICT  AVAILABILITY  ADDRESS   TASKS  WORKERS  LABELS",
      "h1    id-h1  manager  ready  dead     active        10.0.0.1  3      2        type=primary",
      "h2    id-h2  worker   ready  -        active        10.0.0.2  1      -        type=secondary",
      "h3    id-h3  worker   down   -        active        10.0.0.3  0      -        type=tertiary",
    ].join("\n"),
  );
  const json = await run(["hosts", "--json"], asking(server));
  assert.equal((JSON.parse(json.out) as HostsView).hosts.length, 3);
});

test("hosts without a Swarm, or with one that cannot tell, say so", async (t) => {
  const server = await serve(t);
  const engines = [{ engine: "h1", nodeId: "" }];
  server.plane.reading = { kind: "none", text: "h1 is in no Swarm", engines };
  const none = await run(["hosts"], asking(server));
  assert.match(none.out, /^h1 +h1 +engine +ready +dead +- +10\.0\.0\.1 +- +2$/m);
  assert.match(none.out, /^No Swarm: h1 is in no Swarm\.$/m);
  server.plane.reading = { kind: "no-quorum", text: "h1 has none", engines };
  const quorum = await run(["hosts"], asking(server));
  assert.match(quorum.out, /are not known, it has no quorum of managers: h1 has none\.$/);
  server.plane.reading = { kind: "silent", text: "nobody answers", engines: [] };
  const listed = (await run(["hosts"], asking(server))).out;
  assert.match(listed, /^h1 +h1 +- +unknown +dead +- +10\.0\.0\.1 +- +-$/m);
  server.plane.picture = summaryOf({ hosts: [] });
  assert.match((await run(["hosts"], asking(server))).out, /^No hosts\.\n.*: nobody answers\.$/);
});

test("a plan is a table with what is to be known below each row", async (t) => {
  const server = await serve(t);
  const { code, out } = await run(["plan", "h1"], asking(server, "viewer"));
  assert.equal(code, 0);
  assert.equal(
    out,
    `When h1 (now ready, active) is dead, of 3 services: 1 move, 1 stay, 1 not touched. Told by h1.

SERVICE  WHAT     FROM  TO  HOW OR WHY
web      moves 2  h1    h2  node.labels.type==secondary instead of node.labels.type==primary
    image: nothing runs web:1 on h2 now: the image has no digest, so they take what they have under this name, or pull it, and the Swarm does not say whether they can
db       stays    h1    -   its data is in local volumes of the host (data); heartmesh.volumes=shared or empty lets it move

web: it may run twice while h1 is cut off and not dead; heartmesh.fence on the service prevents that, and costs time.

Not touched:
  cache: its replicas run on h2 only

Labels to correct:
  db: heartmesh.volums is no label of heartmesh; did you mean heartmesh.volumes?`,
  );
  const json = await run(["plan", "id-h1", "--json"], asking(server));
  assert.equal((JSON.parse(json.out) as PlanView).services[0]?.name, "web");
});

test("a plan of a host whose services find no place tells the reason for each other host", async (t) => {
  const server = await serve(t);
  const { reading } = server.plane;
  if (reading.kind !== "swarm") return;
  const hosts = reading.view.hosts.map((one) =>
    one.name === "h2" ? { ...one, state: "down" } : one,
  );
  server.plane.reading = { ...reading, view: { ...reading.view, hosts } };
  const { out } = await run(["plan", "h1"], asking(server));
  assert.match(out, /^web +stays +h1 +- +no other host has a place for it\n {4}h2: it is down$/m);
  const empty = await run(["plan", "h3"], asking(server));
  assert.match(
    empty.out,
    /^When h3 \(now down, active\) is dead, of 3 services: 0 move, 0 stay, 3/,
  );
});

test("a host that nobody knows, and a Swarm that is none, fail with what to do", async (t) => {
  const server = await serve(t);
  const unknown = await run(["plan", "h9"], asking(server));
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /404: No host is called h9; GET \/api\/v1\/hosts lists all/);
  const engines = [{ engine: "h1", nodeId: "" }];
  server.plane.reading = { kind: "none", text: "h1 is in no Swarm", engines };
  const none = await run(["plan", "h1"], asking(server));
  assert.equal(none.code, 1);
  assert.match(none.err, /503: h1 is in no Swarm\. Only in a Swarm can services move: name one/);
  const nameless = await run(["plan"], asking(server));
  assert.equal(nameless.code, 2);
  assert.match(nameless.err, /name one host\nUsage: heartmesh plan <host>/);
});

test("drain tells what was done and the plan; activate what was done; a reason goes with it", async (t) => {
  const server = await serve(t);
  const drained = await run(["drain", "h1", "--reason", "a new disk"], asking(server));
  assert.equal(drained.code, 0);
  assert.match(drained.out, /^h1 is drained from now on; it was active\.\nWhen h1 \(now ready, dr/);
  assert.match(drained.out, /^web +moves 2 +h1 +h2/m);
  assert.equal(server.plane.switches[0]?.ask.reason, "a new disk");
  server.plane.switched = () => ({ before: "drain", by: "h1" });
  const active = await run(["activate", "h1"], asking(server));
  assert.equal(active.out, "h1 takes work from now on; it was drained.");
  const json = await run(["activate", "h1", "--json"], asking(server));
  assert.equal((JSON.parse(json.out) as HostSwitchView).after, "active");
  assert.equal((await run(["drain"], asking(server))).code, 2);
});
