// The numbers of a Swarm: what engines and agents tell, added up; what nobody tells is null and not 0.

import assert from "node:assert/strict";
import { test } from "node:test";
import { statisticsOf } from "../../../coordinator/core/swarm-statistics.ts";
import { nodeRow, serviceRow } from "../../../coordinator/docker/swarm-rows.ts";

const nodes = ["h1", "h2"].map((name) =>
  nodeRow({ ID: `id-${name}`, Description: { Hostname: name }, Status: { State: "ready" } }, []),
);
const services = ["web", "idle"].map((name) => ({
  ...serviceRow({ ID: `id-${name}`, Spec: { Name: name } }),
  desired: 2,
  running: 1,
}));
const task = (state: string, desired = "running") =>
  ({ service: "web", desired, state, error: "", since: "" }) as const;

test("used on several nodes is added up, and what no engine tells is not known", () => {
  const used = (processors: number, disk: number | null) => ({ processors, memory: 1_000, disk });
  const usages = [
    { node: "id-h1", disk: 5_000, services: new Map([["id-web", used(0.5, 10)]]) },
    { node: "id-h9", disk: null, services: new Map([["id-web", used(0.25, null)]]) },
  ];
  const hosts = [
    {
      node: {
        id: "id-h2",
        hostname: "h2",
        address: "",
        role: "worker",
        availability: "active",
        state: "ready",
      },
      load: 0.4,
      capacity: { processors: 2, memory: 8_000, available: 4_000 },
    },
  ] as const;
  const tasks = [task("running"), task("failed", "shutdown"), task("pending")];
  const told = statisticsOf(
    { nodes, services, tasks: [...tasks, task("running")] },
    usages,
    hosts,
    "now",
  );
  assert.deepEqual(told.services, { total: 2, replicasDesired: 4, replicasRunning: 2 });
  assert.deepEqual(told.tasks, { running: 2, failed: 1, pending: 1, successRate: 2 / 3 });
  assert.deepEqual(
    told.eachNode.map(({ hostname, load, memoryAvailable, diskUsed }) => [
      hostname,
      load,
      memoryAvailable,
      diskUsed,
    ]),
    [
      ["h1", null, null, 5_000],
      ["h2", 0.4, 4_000, null],
    ],
  );
  assert.deepEqual(
    told.eachService.map((one) => [one.name, one.processorsUsed, one.memoryUsed, one.diskUsed]),
    [
      ["web", 0.75, 2_000, 10],
      ["idle", null, null, null],
    ],
  );
});

test("where nothing has run yet, nothing has failed", () => {
  const told = statisticsOf({ nodes: [], services: [], tasks: [] }, [], [], "now");
  assert.equal(told.tasks.successRate, 1);
});
