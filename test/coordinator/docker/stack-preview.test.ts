// What a stack file would do: each service by its image and replicas, with docker's own variables, beside what runs.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SwarmServiceRow } from "../../../proto/swarm-rest.ts";
import { previewStack } from "../../../coordinator/docker/stack-preview.ts";
import { fillTemplate, TemplateRefused } from "../../../coordinator/docker/stack-template.ts";

const row = (name: string, image: string, desired: number): SwarmServiceRow => ({
  ...{
    id: name,
    name: `shop_${name}`,
    image: `${image}@sha256:${"0".repeat(64)}`,
    mode: "replicated",
  },
  ...{ desired, running: desired, labels: {}, stack: "shop", constraints: [], ports: [] },
  ...{ updateState: "", updateMessage: "", createdAt: "", updatedAt: "" },
});

const told = (
  stack: string,
  running: readonly SwarmServiceRow[],
  prune = false,
): readonly string[] =>
  previewStack({ name: "shop", stack, prune }, running).services.map(
    ({ service, outcome, image, imageBefore, replicas, replicasBefore }) =>
      `${service} ${outcome} ${imageBefore ?? "-"}→${image} ${replicasBefore ?? "-"}→${replicas}`,
  );

const file = `services:
  web: { image: "nginx:1.27", deploy: { replicas: 3 } }
  db: { image: postgres }
  each: { image: agent, deploy: { mode: global } }
`;

test("what is new, other, the same, and not in the file", () => {
  const running = [row("web", "nginx:1.26", 2), row("db", "postgres", 1), row("old", "cron", 1)];
  assert.deepEqual(told(file, running), [
    "shop_db unchanged postgres→postgres 1→1",
    "shop_each created -→agent -→global",
    "shop_old kept cron→cron 1→1",
    "shop_web changed nginx:1.26→nginx:1.27 2→3",
  ]);
  assert.ok(told(file, running, true).includes("shop_old removed cron→cron 1→1"));
});

test("services of other stacks are none of it, and the file's own name of an image counts", () => {
  const other = { ...row("web", "nginx", 1), stack: "else" };
  const named = {
    ...row("db", "registry:5000/pg", 1),
    labels: { "com.docker.stack.image": "postgres" },
  };
  const lines = told(file, [other, named]);
  assert.ok(lines.includes("shop_web created -→nginx:1.27 -→3"));
  assert.ok(lines.includes("shop_db unchanged postgres→postgres 1→1"));
});

test("variables stand for what they are given, or for their defaults; anchors are followed", () => {
  const stack = `x-base: &base { image: "app:\${TAG:-1}" }
services:
  a: { <<: *base, deploy: { replicas: "\${N}" } }
  b: { image: "$NAME-$$x" }
`;
  const wish = { name: "s", stack, prune: false, variables: { N: "4", NAME: "it" } };
  assert.deepEqual(
    previewStack(wish, []).services.map(({ image, replicas }) => [image, replicas]),
    [
      ["app:1", "4"],
      ["it-$x", "1"],
    ],
  );
});

test("a filled template is previewed with what it was filled with", () => {
  const text = 'services: { web: { image: "nginx:${TAG:-1.27}", deploy: { replicas: "${N}" } } }';
  const parameter = { description: "", default: null, required: true };
  const parameters = [
    { ...parameter, name: "N" },
    { ...parameter, name: "TAG", default: "1.27", required: false },
  ];
  const filled = fillTemplate(text, parameters, { N: "2" });
  const [web] = previewStack({ name: "shop", prune: false, ...filled }, []).services;
  assert.deepEqual([web?.image, web?.replicas], ["nginx:1.27", "2"]);
});

test("what cannot be deployed is said, all at once", () => {
  const refused = (stack: string): string => {
    try {
      told(stack, []);
    } catch (error) {
      assert.ok(error instanceof TemplateRefused);
      return error.problems.join(" | ");
    }
    return "";
  };
  assert.equal(refused("a: 1"), "it has no services; expected a stack file");
  assert.match(refused("services: [1"), /^Flow sequence/);
  assert.equal(
    refused('services: { a: { build: . }, b: { image: x, deploy: { replicas: "many" } } }'),
    'a has no image; a Swarm builds none | b has "many" replicas; expected a number',
  );
  assert.match(refused("services:\n  a: *none"), /[Aa]lias/);
});
