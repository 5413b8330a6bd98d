// Environment → configuration: the hosts that are watched, and what their labels mean.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig, type CoordinatorConfig } from "../../../coordinator/config.ts";

const trio = {
  COORDINATOR_ID: "c1",
  COORDINATORS: "c1=10.0.0.1:7700,c2=10.0.0.2:7700,c3=10.0.0.3",
  MESH_KEY: "0123456789abcdef0123456789abcdef",
};

function accepted(env: Readonly<Record<string, string>>): CoordinatorConfig {
  const outcome = parseConfig(env, () => undefined);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.problems.join("\n"));
  return outcome.config;
}

function refused(env: Readonly<Record<string, string>>): readonly string[] {
  const outcome = parseConfig(env, () => undefined);
  assert.ok(!outcome.ok, "expected problems");
  return outcome.problems;
}

test("labels of hosts are a value of type or key=value, and two of them", () => {
  const config = accepted({ ...trio, PRIMARY_LABEL: "zone=a", SECONDARY_LABEL: "spare" });
  assert.deepEqual(config.migration, {
    primary: { key: "zone", value: "a" },
    secondary: { key: "type", value: "spare" },
    failback: "manual",
    failbackAfter: 300_000,
  });
  assert.match(
    refused({ ...trio, PRIMARY_LABEL: "a b" }).join(),
    /PRIMARY_LABEL: "a b" is no label/,
  );
  assert.match(
    refused({ ...trio, SECONDARY_LABEL: "type=Primary" }).join(),
    /SECONDARY_LABEL is the same as PRIMARY_LABEL \(node\.labels\.type==primary\)/,
  );
});

test("HOSTS names hosts by their engines, without a slash, each once, at AGENT_PORT unless told", () => {
  const config = accepted({
    ...trio,
    AGENT_PORT: "9001",
    HOSTS: "h1=10.0.0.1, h2=edge.local:8888,",
  });
  assert.deepEqual(config.hosts, [
    { name: "h1", host: "10.0.0.1", port: 9001 },
    { name: "h2", host: "edge.local", port: 8888 },
  ]);
  assert.deepEqual(accepted(trio).hosts, []);
  for (const [HOSTS, said] of [
    ["h1", '"h1" has no usable name; expected name=host:port without a / in it'],
    ["a/b=10.0.0.1", "has no usable name"],
    ["h1=10.0.0.1,h1=10.0.0.2", '"h1" stands twice'],
    ["h1=10.0.0.1:99999", "HOSTS: "],
  ] as const) {
    const [problem = ""] = refused({ ...trio, HOSTS });
    assert.ok(problem.startsWith("HOSTS: ") && problem.includes(said), problem);
  }
});
