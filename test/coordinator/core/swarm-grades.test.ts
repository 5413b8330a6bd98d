// How well a Swarm is: each fault with its grade and its reason.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gradeSwarm, type SwarmRows } from "../../../coordinator/core/swarm-grades.ts";
import { nodeRow, serviceRow } from "../../../coordinator/docker/swarm-rows.ts";
import type { SwarmNodeRow, SwarmServiceRow } from "../../../proto/swarm-rest.ts";

const node = (some: Partial<SwarmNodeRow> = {}): SwarmNodeRow => ({
  ...nodeRow({ ID: "id-h1", Description: { Hostname: "h1" }, Status: { State: "ready" } }, []),
  ...some,
});
const service = (some: Partial<SwarmServiceRow> = {}): SwarmServiceRow => ({
  ...serviceRow({ ID: "id-web", Spec: { Name: "web", Mode: { Replicated: { Replicas: 2 } } } }),
  desired: 2,
  running: 2,
  ...some,
});
const graded = (some: Partial<SwarmRows>): readonly [string, string] => {
  const rows = { nodes: [node()], services: [service()], tasks: [], ...some };
  const { overall_health, reasons } = gradeSwarm(rows, "");
  return [overall_health, reasons.join(" | ")];
};

test("what is as it should be is healthy, what a person drained or scaled to nothing too", () => {
  assert.deepEqual(graded({}), ["healthy", ""]);
  assert.deepEqual(graded({ nodes: [node({ availability: "drain" })] }), ["healthy", ""]);
  assert.deepEqual(graded({ services: [service({ desired: 0, running: 0 })] }), ["healthy", ""]);
  const job = service({ mode: "job", desired: 1, running: 0 });
  assert.deepEqual(graded({ services: [job] }), ["healthy", ""]);
});

test("a service that lacks tasks is degraded, one that has none critical, with the newest of the engine's words", () => {
  assert.deepEqual(graded({ services: [service({ running: 1 })] }), [
    "degraded",
    "web: 1 of 2 tasks run",
  ]);
  const task = (error: string, since: string) =>
    ({ service: "web", desired: "running", state: "pending", error, since }) as const;
  const tasks = [task("no room", "2026-01-02"), task("no image", "2026-01-01")];
  assert.deepEqual(graded({ services: [service({ running: 0 })], tasks }), [
    "critical",
    "web: 0 of 2 tasks run; no room",
  ]);
  const stuck = service({ updateState: "paused", updateMessage: "update paused due to failure" });
  assert.deepEqual(graded({ services: [stuck] }), [
    "degraded",
    "web: its update is paused: update paused due to failure",
  ]);
});

test("a node that is down degrades the Swarm, one without any ready node is critical", () => {
  const down = node({ hostname: "h2", state: "down", message: "heartbeat failure" });
  assert.deepEqual(graded({ nodes: [node(), down] }), ["degraded", "h2: down: heartbeat failure"]);
  assert.equal(graded({ nodes: [down] })[0], "critical");
  assert.equal(graded({ nodes: [] })[0], "critical");
  const alone = node({ reachability: "unreachable" });
  assert.deepEqual(graded({ nodes: [alone] }), ["degraded", "h1: as a manager it is unreachable"]);
});

test("tasks are counted by what became of them", () => {
  const task = (desired: string, state: string) => ({ ...base, desired, state });
  const base = { service: "web", error: "", since: "" };
  const tasks = [
    ...[task("running", "running"), task("running", "preparing"), task("running", "pending")],
    ...[task("shutdown", "failed"), task("shutdown", "shutdown"), task("shutdown", "rejected")],
    ...[task("shutdown", "running"), task("ready", "ready")],
  ];
  const { tasks: counted } = gradeSwarm({ nodes: [], services: [], tasks }, "");
  assert.deepEqual(counted, { total: 8, running: 1, failed: 2, pending: 3 });
});
