// What the pages of clusters say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterExamples } from "../../../coordinator/api/clusters/examples.ts";
import { callText, contentText, placesText } from "../../../coordinator/dashboard/cluster-words.ts";

const { added, service } = clusterExamples;

test("a call that has ended says what was done, another that it stands in the log", () => {
  assert.equal(callText(added), "service 4 runs with 2 containers.");
  assert.match(
    callText({ ...added, state: "running" }),
    /^add-service 2 × nginx:1\.27 stands in the log/,
  );
});

test("a service's content, and where it runs", () => {
  assert.equal(contentText(service), "2 × nginx:1.27");
  assert.equal(placesText(service), "n1, n2");
  const on = (node: string) => ({ ordinal: 1, node, container: "", state: "" });
  assert.equal(placesText({ replicas: [on("n1"), on("n1"), on("")] }), "n1 ×2, waiting for room");
});
