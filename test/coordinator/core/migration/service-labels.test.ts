// Labels of a service: each says one thing; one that cannot be read is a finding, and what is safe holds instead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMoveLabels } from "../../../../coordinator/core/migration/service-labels.ts";
import { service } from "./swarm-script.ts";

const own = (labels: Record<string, string>, containerLabels: Record<string, string> = {}) =>
  parseMoveLabels(service("web", { labels, containerLabels }));
const textsOf = (labels: Record<string, string>): string[] =>
  own(labels).findings.map(({ text }) => text);

test("without labels it may move by priority, and stays with local volumes", () => {
  assert.deepEqual(own({ "com.docker.stack.namespace": "shop" }), {
    staysBecause: "",
    to: [],
    strategy: "priority",
    volumes: "default",
    isFenced: false,
    isFenceSeen: false,
    findings: [],
  });
});

test("each label says its thing", () => {
  const labels = own({
    "heartmesh.migrate": "yes",
    "heartmesh.migrate.to": "secondary,zone=b",
    "heartmesh.migrate.strategy": "Least-Loaded",
    "heartmesh.volumes": "shared",
    "heartmesh.fence": "",
    "heartmesh.moved": "anything",
  });
  assert.deepEqual(labels, {
    staysBecause: "",
    to: [
      { key: "type", value: "secondary" },
      { key: "zone", value: "b" },
    ],
    strategy: "least-loaded",
    volumes: "shared",
    isFenced: true,
    isFenceSeen: false,
    findings: [],
  });
  assert.equal(own({ "heartmesh.fence": "false" }).isFenced, false);
  assert.match(own({ "heartmesh.migrate": "false" }).staysBecause, /heartmesh\.migrate says so/);
});

test("labels of the containers hold too, after those of the service", () => {
  const inside = { "heartmesh.fence": "true", "heartmesh.volumes": "empty" };
  assert.equal(own({}, inside).isFenced, true);
  assert.equal(own({}, inside).isFenceSeen, true);
  const denied = { "heartmesh.fence": "false" };
  assert.equal(own({ "heartmesh.fence": "true" }, denied).isFenceSeen, false);
  const both = own({ "heartmesh.volumes": "shared" }, inside);
  assert.deepEqual([both.volumes, both.isFenced], ["shared", true]);
});

test("what cannot be read keeps a service where it is, or on the safe side", () => {
  const migrate = own({ "heartmesh.migrate": "maybe" });
  assert.match(migrate.staysBecause, /heartmesh\.migrate cannot be read/);
  assert.match(migrate.findings[0]?.text ?? "", /"maybe" is neither yes nor no.*it stays until/);
  const to = own({ "heartmesh.migrate.to": "secondary,a b" });
  assert.match(to.staysBecause, /heartmesh\.migrate\.to cannot be read/);
  assert.deepEqual(to.to, []);
  const fence = own({ "heartmesh.fence": "maybe" });
  assert.equal(fence.isFenced, true);
  assert.match(fence.findings[0]?.text ?? "", /it counts as fenced/);
  const rest = own({ "heartmesh.migrate.strategy": "best", "heartmesh.volumes": "copy" });
  assert.deepEqual([rest.strategy, rest.volumes, rest.staysBecause], ["priority", "default", ""]);
  assert.deepEqual(
    rest.findings.map(({ text }) => text),
    [
      'heartmesh.migrate.strategy: "best" is none of priority, spread, least-loaded, most-free; the default holds',
      'heartmesh.volumes: "copy" is none of shared, empty, stay; the default holds',
    ],
  );
});

test("a label that nobody knows, or that belongs elsewhere, is a finding", () => {
  assert.deepEqual(textsOf({ "heartmesh.volums": "shared" }), [
    "heartmesh.volums is no label of heartmesh; did you mean heartmesh.volumes?",
  ]);
  assert.deepEqual(textsOf({ "heartmesh.frobnicate": "1" }), [
    "heartmesh.frobnicate is no label of heartmesh; it has no effect",
  ]);
  assert.deepEqual(textsOf({ "heartmesh.port": "9000" }), [
    "heartmesh.port belongs to the containers (labels, not deploy.labels); on the service it has no effect",
  ]);
  assert.deepEqual(own({}, { "heartmesh.port": "9000" }).findings, []);
});
