// Hosts and plans through a real server: how a host is named, and what is said where there is no Swarm to tell.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { HostsView, HostView, PlanView, Problem } from "../../../proto/rest.ts";
import type { SwarmReading } from "../../../coordinator/docker/swarm.ts";
import { host, typed } from "../core/migration/swarm-script.ts";
import { movable } from "../core/migration/plain-script.ts";
import { bearer, serve, summaryOf, type TestServer } from "./scripted-plane.ts";
import { smallSwarm } from "./small-swarm.ts";

async function get<View>({ url }: TestServer, path: string): Promise<View> {
  const answer = await fetch(`${url}/api/v1/hosts${path}`, { headers: bearer("viewer") });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as View;
}

async function problem({ url }: TestServer, path: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${url}/api/v1/hosts${path}`, { headers: bearer("viewer") });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  return [answer.status, ((await answer.json()) as Problem).detail];
}

async function serving(t: TestContext, reading: SwarmReading): Promise<TestServer> {
  const server = await serve(t);
  server.plane.reading = reading;
  return server;
}

/** With other hosts than `smallSwarm()` has. */
function swarmOf(...hosts: readonly ReturnType<typeof host>[]): SwarmReading {
  const reading = smallSwarm();
  if (reading.kind !== "swarm") throw new Error("the small Swarm is one");
  const engines = [{ engine: "h1", nodeId: hosts[0]?.id }];
  return { ...reading, engines, view: { ...reading.view, hosts } };
}

test("hosts are the nodes of the Swarm, with the engines that stand outside it", async (t) => {
  const reading = smallSwarm();
  const outside = { engine: "h0", nodeId: "" };
  const server = await serving(t, { ...reading, engines: [...reading.engines, outside] });
  server.plane.picture = summaryOf({
    engines: [
      { host: "h1", reachable: true, reason: "" },
      { host: "h0", reachable: false, reason: "no answer" },
    ],
  });
  const { hosts, swarm } = await get<HostsView>(server, "");
  assert.deepEqual(swarm, { kind: "swarm", text: "told by h1" });
  const told = hosts.map((one) => [
    ...[one.id, one.name, one.kind, one.role, one.state, one.availability],
    ...[one.address, one.runningTasks, one.engine, one.workers],
  ]);
  assert.deepEqual(told, [
    ["h0", "h0", "engine", null, "unreachable", null, "", null, "h0", 0],
    ["id-h1", "h1", "swarm", "manager", "ready", "active", "10.0.0.1", 3, "h1", 2],
    ["id-h2", "h2", "swarm", "worker", "ready", "active", "10.0.0.2", 1, null, null],
    // What Swarm has given up there does not count.
    ["id-h3", "h3", "swarm", "worker", "down", "active", "10.0.0.3", 0, null, null],
  ]);
  assert.deepEqual(hosts[2]?.labels, { type: "secondary" });
  const reason = "c1 and c2 hear nothing of it";
  assert.deepEqual(
    hosts.map(({ verdict }) => verdict),
    [null, { kind: "dead", reason, since: 1_000 }, null, null],
  );
  assert.deepEqual(
    [hosts[1]?.load, hosts[1]?.capacity],
    [0.5, { processors: 2, memory: 8e9, available: 4e9 }],
  );
  const stop = { kind: "stopped", text: "c1 and c2 have granted h2 nothing for 8.0 s" };
  assert.deepEqual(
    hosts.map(({ fence }) => fence),
    [null, { able: true, state: "held", granted: false, stop }, null, null],
  );
});

test("an engine that has never said which node it is counts as the node of its name", async (t) => {
  const reading = smallSwarm();
  const silent = [
    { engine: "h3", nodeId: undefined },
    { engine: "h9", nodeId: undefined },
  ];
  const server = await serving(t, { ...reading, engines: [...reading.engines, ...silent] });
  const { hosts } = await get<HostsView>(server, "");
  assert.deepEqual(
    hosts.map(({ id, engine }) => [id, engine]),
    [
      ["id-h1", "h1"],
      ["id-h2", null],
      ["id-h3", "h3"],
      ["h9", "h9"],
    ],
  );
});

test("a host is found by its id, by its name, and by the beginning of its id", async (t) => {
  const a = host("h1", { id: "abc123" });
  const b = host("h2", { id: "abd456" });
  const twin = host("h2", { id: "xyz", state: "down" });
  const server = await serving(t, swarmOf(a, b, twin));
  const idOf = async (asked: string): Promise<string> =>
    (await get<HostView>(server, `/${asked}`)).id;
  assert.equal(await idOf("abc123"), "abc123");
  assert.equal(await idOf("h1"), "abc123");
  assert.equal(await idOf("abd"), "abd456");
  assert.deepEqual(await problem(server, "/h2"), [
    409,
    "h2 is ambiguous: abd456, xyz. Ask by the whole id.",
  ]);
  assert.equal((await problem(server, "/ab/plan"))[0], 409);
  const [status, detail] = await problem(server, "/h9/plan");
  assert.deepEqual([status, detail], [404, "No host is called h9; GET /api/v1/hosts lists all."]);
});

test("a plan tells each service's fate, and all that its update would say", async (t) => {
  const server = await serve(t);
  const plan = await get<PlanView>(server, "/h1/plan");
  assert.deepEqual([plan.host.name, plan.cause, plan.by], ["h1", "dead", "h1"]);
  const [web, db, cache] = plan.services;
  assert.deepEqual(
    [web?.name, web?.action, web?.replicas, web?.targets, web?.reason],
    [
      ...["web", "move", 2, [{ id: "id-h2", name: "h2" }]],
      "node.labels.type==secondary instead of node.labels.type==primary",
    ],
  );
  assert.deepEqual(web?.change, {
    version: 7,
    constraints: ["node.labels.type==secondary"],
    constraintsBefore: ["node.labels.type==primary"],
    updateConfig: { Parallelism: 0, FailureAction: "continue", Order: "start-first" },
    labels: {
      "heartmesh.moved":
        '{"v":1,"from":"id-h1","before":["node.labels.type==primary"],"after":["node.labels.type==secondary"],"update":null}',
    },
  });
  assert.deepEqual(web.strategy, { asked: "priority", used: "priority", reason: "" });
  assert.deepEqual([db?.action, db?.change, db?.strategy], ["stay", null, null]);
  assert.deepEqual([cache?.action, cache?.reason], ["untouched", "its replicas run on h2 only"]);
  assert.deepEqual(
    plan.findings.map((one) => [one.service, one.label]),
    [["db", "heartmesh.volums"]],
  );
});

test("PRIMARY_LABEL and SECONDARY_LABEL say between which hosts", async (t) => {
  const env = { PRIMARY_LABEL: "type=secondary", SECONDARY_LABEL: "zone=b" };
  const server = await serve(t, { env });
  const hosts = [typed("h2", "secondary"), host("h4", { labels: { zone: "b" } })];
  const reading = swarmOf(...hosts);
  if (reading.kind !== "swarm") return;
  const tied = reading.view.services.map((one) =>
    one.name === "cache" ? { ...one, constraints: ["node.labels.type==secondary"] } : one,
  );
  server.plane.reading = { ...reading, view: { ...reading.view, services: tied } };
  const plan = await get<PlanView>(server, "/h2/plan");
  const cache = plan.services.find(({ name }) => name === "cache");
  assert.deepEqual(cache?.change?.constraints, ["node.labels.zone==b"]);
});

test("a host that lives and is drained is planned for as one that is emptied", async (t) => {
  const causeOf = async (some: Parameters<typeof host>[1]): Promise<string> => {
    const server = await serving(t, swarmOf(host("h1", some)));
    return (await get<PlanView>(server, "/h1/plan")).cause;
  };
  assert.equal(await causeOf({ availability: "drain" }), "drain");
  assert.equal(await causeOf({ availability: "drain", state: "down" }), "dead");
  assert.equal(await causeOf({ availability: "pause" }), "dead");
});

test("the plan of either cause is told to whoever asks for it, whatever the host is now", async (t) => {
  const server = await serving(t, swarmOf(host("h1", { availability: "active" })));
  const causeOf = async (asked: string) =>
    (await get<PlanView>(server, `/h1/plan?cause=${asked}`)).cause;
  assert.deepEqual([await causeOf("drain"), await causeOf("dead")], ["drain", "dead"]);
  assert.equal((await problem(server, "/h1/plan?cause=boredom"))[0], 400);
});

const engines = [{ engine: "h1", nodeId: "" }];

test("without a Swarm the engines are hosts, and there is nothing to plan", async (t) => {
  const server = await serving(t, { kind: "none", text: "h1 is in no Swarm", engines });
  const { hosts, swarm } = await get<HostsView>(server, "");
  assert.deepEqual(
    hosts.map(({ id, kind, state }) => [id, kind, state]),
    [["h1", "engine", "ready"]],
  );
  assert.deepEqual(swarm, { kind: "none", text: "h1 is in no Swarm" });
  const [status, detail] = await problem(server, "/h1/plan");
  assert.equal(status, 503);
  assert.match(detail, /^h1 is in no Swarm\. Only in a Swarm can services move/);
  assert.equal((await problem(server, "/h2/plan"))[0], 404);
});

test("an engine outside the Swarm has no plan", async (t) => {
  const reading = smallSwarm();
  const server = await serving(t, { ...reading, engines: [{ engine: "h0", nodeId: "" }] });
  const [status, detail] = await problem(server, "/h0/plan");
  assert.equal(status, 503);
  assert.match(detail, /^h0 is no host of the Swarm/);
});

test("a plan tells of containers that may move, with a Swarm and without", async (t) => {
  const web = movable("h1", "web", { labels: { "heartmesh.fence": "" } });
  const mounts = [{ type: "bind", source: "/srv", driver: "", driverOptions: {} }];
  const picture = summaryOf({
    engines: ["h1", "h0"].map((one) => ({ host: one, reachable: true, reason: "" })),
    movable: [web, movable("h1", "db", {}, { mounts }), movable("h0", "elsewhere")],
  });
  const names = ({ services }: PlanView): readonly string[] =>
    services.map(({ id, action }) => `${id} ${action}`);
  const plain = await serving(t, { kind: "none", text: "h1 is in no Swarm", engines });
  plain.plane.picture = picture;
  const plan = await get<PlanView>(plain, "/h1/plan");
  assert.deepEqual([plan.host.kind, plan.cause, plan.by], ["engine", "dead", "c1"]);
  assert.deepEqual(names(plan), ["plain:h1/web move", "plain:h1/db stay"]);
  const [first, second] = plan.services;
  assert.deepEqual(first?.targets, [{ id: "h0", name: "h0" }]);
  assert.deepEqual([first.change, first.replicas, first.strategy?.used], [null, 1, "spread"]);
  assert.equal(first.warnings[0]?.code, "fenced");
  assert.match(second?.reason ?? "", /^its data is in volumes or paths of the host \(\/srv\)/);
  const swarm = await serve(t);
  swarm.plane.picture = picture;
  assert.deepEqual(names(await get<PlanView>(swarm, "/h1/plan")), [
    ...["id-web move", "plain:h1/web move", "id-db stay", "plain:h1/db stay"],
    "id-cache untouched",
  ]);
});

test("a Swarm without a quorum is told, and nobody claims that a host does not exist", async (t) => {
  const text = "h1 is a manager without a quorum (context deadline exceeded)";
  const server = await serving(t, { kind: "no-quorum", text, engines });
  assert.equal((await get<HostsView>(server, "")).swarm.text, text);
  for (const path of ["/h1/plan", "/h2/plan", "/h2"]) {
    const [status, detail] = await problem(server, path);
    assert.equal(status, 503, path);
    assert.match(detail, /^h1 is a manager without a quorum .*\. Bring managers back until more/);
  }
  assert.equal((await get<HostView>(server, "/h1")).kind, "engine");
});

test("engines that do not answer are told as such", async (t) => {
  const text = "h1: no answer to info in 5000 ms";
  const server = await serving(t, { kind: "silent", text, engines });
  const [status, detail] = await problem(server, "/h1/plan");
  assert.equal(status, 503);
  assert.match(detail, /^h1: no answer to info in 5000 ms\. Check the engine and the way to it/);
});

test("a manager that a proxy does not let tell is told with the allow-list to look at", async (t) => {
  const text = "h1 is a manager and does not tell: h1: list of nodes: HTTP 403";
  const server = await serving(t, { kind: "refused", text, engines });
  assert.equal((await get<HostsView>(server, "")).swarm.kind, "refused");
  const [status, detail] = await problem(server, "/h1/plan");
  assert.equal(status, 502);
  assert.match(detail, /HTTP 403\. Read the engine's own words .*compare its allow-list/);
});
