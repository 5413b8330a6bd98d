// Placement constraints: what is understood, and which hosts satisfy it, as Swarm judges.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseConstraint,
  parseConstraints,
  satisfies,
} from "../../../../coordinator/core/migration/constraints.ts";
import {
  parseHostLabel,
  parseHostLabels,
} from "../../../../coordinator/core/migration/host-label.ts";
import { host } from "./swarm-script.ts";

const h1 = host("h1", {
  role: "manager",
  labels: { type: "Primary", "com.x/y": "1", empty: "" },
  engineLabels: { disk: "ssd" },
});

const holds = (text: string): boolean => {
  const parsed = parseConstraint(text);
  assert.ok(parsed.ok, text);
  return satisfies(h1, parsed.value);
};

for (const [text, expected] of [
  ["node.id==id-h1", true],
  ["node.id!=id-h1", false],
  ["node.hostname == h1", true],
  ["node.hostname==h2", false],
  ["node.hostname!=h2", true],
  ["node.role==manager", true],
  ["node.role == worker", false],
  ["node.platform.os==linux", true],
  ["node.platform.arch==x86_64", true],
  ["node.platform.arch!=x86_64", false],
  ["node.labels.type==primary", true],
  ["node.labels.type==PRIMARY", true],
  ["node.labels.type!=primary", false],
  // The label's name keeps its case, the rest of the key does not.
  ["NODE.Labels.type==primary", true],
  ["node.labels.Type==primary", false],
  ["node.labels.zone==a", false],
  ["node.labels.zone!=a", true],
  // No name of a property of every object is a label.
  ["node.labels.constructor!=a", true],
  ["engine.labels.disk==ssd", true],
  ["engine.labels.disk!=ssd", false],
  ["node.ip==10.0.0.1", true],
  ["node.ip==10.0.0.0/24", true],
  ["node.ip!=10.0.0.0/24", false],
  ["node.ip==10.0.1.0/24", false],
  ["node.ip==0.0.0.0/0", true],
] as const) {
  test(`${text} is ${expected} of h1`, () => {
    assert.equal(holds(text), expected);
  });
}

test("what is not understood is told, and never guessed", () => {
  const texts = [
    ...["node.labels.==a", "node.labels==a", "type==primary", "node.memory==8", "node.id=h1"],
    ...[
      "node.id==",
      "==a",
      "",
      "node.ip==fe80::/10",
      "node.ip==10.0.0.256",
      "node.ip==10.0.0.0/33",
    ],
  ];
  for (const text of texts) assert.equal(parseConstraint(text).ok, false, text);
  const { known, unknown } = parseConstraints(["node.id==a", "node.size==big"]);
  assert.deepEqual(
    known.map((one) => one.text),
    ["node.id==a"],
  );
  assert.deepEqual(unknown, ['"node.size==big" is not understood']);
});

test("a label of hosts is a value of the label type, or key=value", () => {
  assert.deepEqual(parseHostLabel("primary"), {
    ok: true,
    value: { key: "type", value: "primary" },
  });
  assert.deepEqual(parseHostLabel(" zone = a "), { ok: true, value: { key: "zone", value: "a" } });
  for (const wrong of ["", " ", "=a", "a=", "a b", "a=b=c", "a=b\nc", "-a=b"]) {
    const label = parseHostLabel(wrong);
    const said = label.ok ? "" : (label.detail ?? "");
    assert.match(said, /is no label; expected a value of the node label type/, wrong);
  }
});

test("a list of labels keeps its order, and names none twice", () => {
  const list = parseHostLabels("secondary, zone=b");
  assert.deepEqual(list, {
    ok: true,
    value: [
      { key: "type", value: "secondary" },
      { key: "zone", value: "b" },
    ],
  });
  assert.equal(parseHostLabels("secondary,").ok, false);
  const twice = parseHostLabels("secondary,type=Secondary");
  assert.match(twice.ok ? "" : (twice.detail ?? ""), /stands twice/);
});
