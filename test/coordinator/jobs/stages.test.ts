// What a runner does with a try that another one had begun: completes it, and judges it only then.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActionResult } from "../../../coordinator/jobs/ports.ts";
import { queueActor } from "../../../coordinator/jobs/queue-actor.ts";
import { performOnce } from "../../../coordinator/jobs/stages.ts";
import { revivalJob } from "./scripted-world.ts";

const found = { containerId: revivalJob().target.containerId, startedAt: "later", running: true };
const startedBefore: ActionResult = { kind: "superseded", reason: "it was started again", found };

async function goesOn(followed: ActionResult): Promise<{ kind: string; actions: string[] }> {
  const actions: string[] = [];
  const actor = {
    perform: (job: { readonly action: string }): Promise<ActionResult> => {
      actions.push(job.action);
      return Promise.resolve(job.action === "restart-dependants" ? followed : startedBefore);
    },
  };
  const { kind } = await performOnce(revivalJob(), { actor }, () => true, true);
  return { kind, actions };
}

test("what a predecessor has started is taken for its work once agent and dependants have followed", async () => {
  for (const followed of [
    { kind: "acted", containerId: found.containerId, startedAt: found.startedAt },
    { kind: "superseded", reason: "nothing needs a restart" },
  ] as const) {
    assert.deepEqual(await goesOn(followed), {
      kind: "acted",
      actions: ["start", "restart-dependants"],
    });
  }
});

test("it is not judged while an engine, or a lease that has ended, keeps them from following", async () => {
  for (const kind of ["engine-unavailable", "lease-lost"] as const) {
    assert.equal((await goesOn({ kind, reason: "not now" })).kind, "postponed");
  }
});

test("what a predecessor has killed is taken for its work, and not killed again", async () => {
  const { containerId, startedAt } = revivalJob().target;
  const perform = (running: boolean, takenBefore: boolean): Promise<unknown> => {
    const dead = { containerId, startedAt, running };
    const answer: ActionResult = { kind: "superseded", reason: "it is exited", found: dead };
    const actor = { perform: () => Promise.resolve(answer) };
    return performOnce(revivalJob({ action: "kill" }), { actor }, () => true, takenBefore);
  };
  const acted = { kind: "acted", acted: { containerId, startedAt: "" } };
  assert.deepEqual(await perform(false, true), acted);
  assert.deepEqual(await perform(false, false), { kind: "superseded", reason: "it is exited" });
  assert.deepEqual(await perform(true, true), { kind: "superseded", reason: "it is exited" });
});

test("the queue's hands rest from the call on before which a quorum has lost Redis", async () => {
  let isInForce = true;
  const allowed: boolean[] = [];
  const actor = queueActor(
    {
      perform: (_job, mayAct) => {
        allowed.push(mayAct());
        isInForce = false;
        allowed.push(mayAct());
        return Promise.resolve({ kind: "lease-lost", reason: "not any more" });
      },
    },
    () => isInForce,
  );
  assert.equal((await performOnce(revivalJob(), { actor }, () => true, false)).kind, "postponed");
  assert.equal(
    (await performOnce(revivalJob(), { actor: queueActor(actor, () => true) }, () => false, false))
      .kind,
    "postponed",
  );
  assert.deepEqual(allowed, [true, false, false, false]);
});
