// What agents of hosts measure decides where services go: the same hosts, before and after their agents answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostSummary } from "../../../../coordinator/core/hosts/host.ts";
import { measured } from "../../../../coordinator/core/migration/measured.ts";
import { summaryOf } from "../../api/scripted-plane.ts";
import { moveOf, planFor, targetsOf } from "./planned.ts";
import { service, tasksOn, typed, view } from "./swarm-script.ts";

const hosts = ["h1", "h2", "h3"].map((name) =>
  typed(name, name === "h1" ? "primary" : "secondary"),
);

function watched(id: string, load: number, available: number): HostSummary {
  const [one] = summaryOf().hosts;
  if (one === undefined) throw new Error("the scripted summary has a host");
  const capacity = { processors: 4, memory: 8e9, available };
  return { ...one, id, verdict: "healthy", standing: "up", load, capacity };
}

const placeFor = (strategy: string, agents: readonly HostSummary[]): string => {
  const labels = { "heartmesh.migrate.strategy": strategy };
  const web = service("web", { labels, constraints: ["node.labels.type==primary"] });
  const picture = measured(view(hosts, [web], tasksOn(web, "h1")), agents);
  const { choice } = moveOf(planFor(picture));
  return `${choice.used}: ${targetsOf(moveOf(planFor(picture)))}`;
};

test("load is counted by processor, and memory as it is free, once every target's agent has answered", () => {
  const agents = [watched("h2", 3, 1e9), watched("h3", 1, 5e8)];
  assert.equal(placeFor("least-loaded", agents), "least-loaded: h3");
  assert.equal(placeFor("most-free", agents), "most-free: h2");
  assert.equal(placeFor("least-loaded", agents.slice(1)), "spread: h2 h3");
});

test("what a silent agent said last is not believed, nor one of another node of the same name", () => {
  const silent = { ...watched("h3", 1, 5e8), standing: "down" } as const;
  assert.equal(placeFor("least-loaded", [watched("h2", 3, 1e9), silent]), "spread: h2 h3");
  const node = {
    ...({ id: "another", hostname: "h3", address: "", role: "worker" } as const),
    ...({ state: "ready", availability: "active" } as const),
  };
  const other = { ...watched("h3", 1, 5e8), node };
  assert.equal(placeFor("least-loaded", [watched("h2", 3, 1e9), other]), "spread: h2 h3");
  const itself = { ...other, node: { ...node, id: "id-h3" } };
  assert.equal(placeFor("least-loaded", [watched("h2", 3, 1e9), itself]), "least-loaded: h3");
});
