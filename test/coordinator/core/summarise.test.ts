// What the picture of a coordinator says of a service: left to a person only where the decision is.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decision, Verdict } from "../../../coordinator/core/decision.ts";
import { summariseService } from "../../../coordinator/core/summarise.ts";

const worker = "swarm:web";
const verdict: Verdict = { worker, kind: "stranded", reason: "h4 is dead", evidence: [] };
const leave = { kind: "leave", worker, verdict, reason: "it is fenced" } as const;
const shown = (decision: Decision): readonly [string, boolean] => {
  const { id, verdict: kind, reason, left, awaitsWord } = summariseService(decision);
  assert.deepEqual([id, kind, reason], [worker, "stranded", "h4 is dead"]);
  return [left, awaitsWord];
};

test("a service that waits for a person says why, and whether a word lets it move", () => {
  assert.deepEqual(shown({ ...leave, isTheirs: true, awaitsWord: true }), ["it is fenced", true]);
  assert.deepEqual(shown({ ...leave, isTheirs: true }), ["it is fenced", false]);
  assert.deepEqual(shown(leave), ["", false]);
});
