// Which containers matter, by label, role, name and shared namespace.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isMarked,
  nameBeside,
  parseLabelSelector,
  relevantContainers,
  summaryOf,
  type Summary,
} from "../../../coordinator/docker/relevance.ts";

const relevance = {
  labels: [parseLabelSelector("role=node"), parseLabelSelector("autoheal")],
  names: ["static"],
};
const one = (
  name: string,
  labels: Record<string, string> = {},
  networkMode = "bridge",
): Summary => ({
  id: `id-${name}`,
  name,
  labels,
  networkMode,
});
const names = (...all: Summary[]): string[] =>
  relevantContainers(all, relevance).map((summary) => summary.name);

test("any of the selectors, with or without a value, agents, the healer's own parts, and named ones", () => {
  assert.deepEqual(
    names(
      one("a", { role: "node" }),
      one("b", { role: "other" }),
      one("c", { autoheal: "whatever" }),
      one("d", { "heartmesh.agent": "true" }),
      one("e", { "heartmesh.agent": "false" }),
      one("f", { "heartmesh.role": "haproxy" }),
      one("g", { "heartmesh.role": "cook" }),
      one("static"),
    ),
    ["a", "c", "d", "f", "static"],
  );
});

test("a value may hold an equals sign", () => {
  assert.deepEqual(parseLabelSelector("k=a=b"), { key: "k", value: "a=b" });
});

test("a shared namespace counts in both directions, through others, by id or name, also of a removed owner", () => {
  assert.deepEqual(
    names(
      one("worker", { role: "node" }),
      one("joins", {}, "container:id-worker"),
      one("owner"),
      one("joined", { role: "node" }, "container:id-owner"),
      one("sibling", {}, "container:owner"),
      one("orphan", { role: "node" }, "container:removed"),
      one("orphan-too", {}, "container:removed"),
      one("stranger"),
      one("strangers-guest", {}, "container:id-stranger"),
    ),
    ["worker", "joins", "owner", "joined", "sibling", "orphan", "orphan-too"],
  );
});

test("a loop of references, which no engine makes, does not hang", () => {
  assert.deepEqual(
    names(one("a", {}, "container:b"), one("b", { role: "node" }, "container:a")).length,
    1,
  );
});

test("the passing name of a recreation does not matter yet", () => {
  const name = nameBeside("w", "0123456789ab");
  assert.equal(isMarked({ name, labels: { role: "node" } }, relevance), false);
});

test("a summary's own name is found beside those of legacy links", () => {
  const summary = summaryOf({
    Id: "i",
    Names: ["/other/link", "/own"],
    HostConfig: { NetworkMode: "default" },
  });
  assert.deepEqual(summary, { id: "i", name: "own", labels: {}, networkMode: "bridge" });
});
