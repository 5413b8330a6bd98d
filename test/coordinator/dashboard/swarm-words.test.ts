// What the pages of hosts, services and stacks say of what the API told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostExamples } from "../../../coordinator/api/host-examples.ts";
import { examples } from "../../../coordinator/api/swarm/examples.ts";
import {
  fenceText,
  missingOf,
  movedFrom,
  planLines,
  replicasTone,
  rowOfHost,
  rowOfNode,
  servicesFound,
  shortImage,
  stacksOf,
  tasksInOrder,
} from "../../../coordinator/dashboard/swarm-words.ts";

const { host, plan } = hostExamples;
const { service, task } = examples;

test("a host's load is of its processors, its memory of what it has; unknown stays unknown", () => {
  const row = rowOfHost(host);
  assert.equal(row.load, 0.42 / 4);
  assert.ok(Math.abs((row.memory ?? 0) - (1 - 5_100_273_664 / 8_323_264_512)) < 1e-9);
  assert.deepEqual([row.verdict, row.availability, row.tasks], ["healthy", "active", 4]);
  const bare = rowOfHost({ ...host, verdict: null, load: null, capacity: null, fence: null });
  assert.deepEqual([bare.verdict, bare.load, bare.memory, bare.fence], ["ready", null, null, ""]);
  assert.equal(rowOfNode(examples.node).load, null);
});

test("a fence says whether it stops, and of a dead host whether it has", () => {
  assert.equal(fenceText(host), "granted");
  assert.equal(
    fenceText({ fence: { able: false, state: "held", granted: true, stop: null } }),
    "cannot fence",
  );
  const stop = { kind: "unsure", text: "nobody knows" } as const;
  assert.equal(
    fenceText({ fence: { able: true, state: "lapsed", granted: false, stop } }),
    "nobody knows",
  );
});

test("a plan in sentences: what moves where, what stays and why, what is not touched", () => {
  const lines = planLines(plan);
  assert.equal(lines[0], "shop_web, 3 replicas, moves to h2.");
  assert.match(
    lines[1] ?? "",
    /^shop_db, 1 replica, stays where it is: its data is in local volumes/,
  );
  assert.equal(lines[2], "1 service is not touched.");
  const [web] = plan.services;
  assert.ok(web !== undefined);
  const nowhere = planLines({ ...plan, services: [{ ...web, targets: [] }] });
  assert.match(nowhere[0] ?? "", /^shop_web, 3 replicas, finds no host: /);
});

test("where a service was moved from stands in its journal", () => {
  assert.equal(movedFrom(service), undefined);
  const of = (text: string) => movedFrom({ labels: { "heartmesh.moved": text } });
  assert.equal(of('{"v":1,"from":"abc"}'), "abc");
  assert.equal(of("not JSON"), "");
});

test("fewer than shall run are a warning, none is a failure, and none wanted is calm", () => {
  const tone = (running: number, desired: number) => replicasTone({ running, desired });
  assert.deepEqual(
    [tone(2, 2), tone(1, 2), tone(0, 2), tone(0, 0)],
    ["good", "warn", "bad", "calm"],
  );
});

test("services are found by words in name, image and labels, and by stack", () => {
  const other = { ...service, name: "mail", stack: "", image: "postfix", labels: { tier: "Back" } };
  const names = (words: string, stack = "") =>
    servicesFound([service, other], { words, stack }).map(({ name }) => name);
  assert.deepEqual(names(""), [service.name, "mail"]);
  assert.deepEqual(names(" POST "), ["mail"]);
  assert.deepEqual(names("tier=back"), ["mail"]);
  assert.deepEqual(names("", service.stack), [service.name]);
});

test("stacks sum up their services", () => {
  const rows = [
    service,
    { ...service, name: "shop_b", desired: 5, running: 1 },
    { ...service, stack: "" },
  ];
  assert.deepEqual(stacksOf(rows), [
    { name: "shop", services: 2, running: service.running + 1, desired: service.desired + 5 },
  ]);
});

test("tasks that shall run come first, each newest first", () => {
  const of = (id: string, desired: string, since: string) => ({ ...task, id, desired, since });
  const ordered = tasksInOrder([
    of("a", "shutdown", "2026-03-01T22:00:00Z"),
    of("b", "running", "2026-03-01T21:00:00Z"),
    of("c", "running", "2026-03-01T21:30:00Z"),
  ]);
  assert.deepEqual(
    ordered.map(({ id }) => id),
    ["c", "b", "a"],
  );
});

test("what a deployment still wants", () => {
  assert.equal(missingOf("shop", ""), "");
  assert.equal(missingOf("", ""), "The stack needs a name.");
  assert.match(missingOf("no such", ""), /letters, digits/);
  assert.equal(missingOf("", "A stack file is wanted."), "A stack file is wanted.");
  assert.equal(shortImage(`nginx:1@sha256:${"a".repeat(64)}`), "nginx:1");
});
