// Tries made by the leader itself while Redis is away: the same stages and the same caps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../agent/io/clock.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { runDirectly, type DirectMemory } from "../../../coordinator/jobs/direct.ts";
import type { ActionResult, Actor, LifeWatch } from "../../../coordinator/jobs/ports.ts";
import { revivalJob } from "./scripted-world.ts";

const never = new Promise<void>(() => undefined);

interface Script {
  readonly result?: ActionResult;
  readonly life?: "alive" | "timeout";
  readonly watched?: "steady" | "died";
  readonly tryNumber?: number;
  readonly memory?: DirectMemory;
  readonly interruption?: Promise<void>;
}

async function direct(script: Script): Promise<{
  readonly news: readonly JobNews[];
  readonly kinds: readonly string[];
  readonly memory: DirectMemory;
  readonly actions: readonly string[];
}> {
  const news: JobNews[] = [];
  const actions: string[] = [];
  const actor: Actor = {
    perform: (job, mayAct) => {
      assert.equal(mayAct(), true);
      actions.push(`${job.action} ${job.target.startedAt}`);
      return Promise.resolve(
        script.result ?? { kind: "acted", containerId: "c0ffee", startedAt: "start-1" },
      );
    },
  };
  const lifeWatch: LifeWatch = {
    awaitLife: () => Promise.resolve(script.life ?? "alive"),
    watchWindow: () =>
      script.interruption === undefined
        ? Promise.resolve(script.watched ?? "steady")
        : new Promise(() => undefined),
  };
  const memory = await runDirectly(
    {
      job: revivalJob({ maxTries: 3 }),
      tryNumber: script.tryNumber ?? 1,
      memory: script.memory,
      runner: "c1.direct",
      mayAct: () => true,
      interruption: script.interruption ?? never,
      nextTryIn: 700,
    },
    { actor, lifeWatch, clock: systemClock, onNews: (one) => news.push(one) },
  );
  return { news, kinds: news.map(({ kind }) => kind), memory, actions };
}

test("a direct revival goes through every stage and tells each", async () => {
  const { kinds, memory } = await direct({});
  assert.deepEqual(kinds, ["try-started", "acted", "verified", "recovered"]);
  assert.equal(memory, undefined);
});

test("a try that sees no life fails, and the next one acts on the start that it made", async () => {
  const first = await direct({ life: "timeout" });
  assert.deepEqual(first.kinds, ["try-started", "acted", "try-failed"]);
  const failed = first.news.at(-1);
  assert.ok(failed?.kind === "try-failed");
  assert.equal(failed.nextTryIn, 700);
  assert.equal(failed.counts, true);
  const second = await direct({ tryNumber: 2, memory: first.memory });
  assert.deepEqual(second.actions, ["restart start-1"]);
});

test("the last try's failure is the end, with no further wait", async () => {
  const { kinds, news } = await direct({ tryNumber: 3, watched: "died" });
  assert.deepEqual(kinds, ["try-started", "acted", "verified", "try-failed", "exhausted"]);
  assert.ok(news[3]?.kind === "try-failed" && news[3].nextTryIn === 0);
});

test("an engine that does not answer costs no try, not even the last", async () => {
  const result = { kind: "engine-unavailable", reason: "no answer" } as const;
  const { kinds, news } = await direct({ tryNumber: 3, result });
  assert.deepEqual(kinds, ["try-started", "try-failed"]);
  assert.ok(news[1]?.kind === "try-failed" && !news[1].counts);
});

test("a container that somebody else started is superseded, whatever it is found to be", async () => {
  const found = { containerId: "c0ffee", startedAt: "start-7", running: true };
  const { kinds } = await direct({ result: { kind: "superseded", reason: "started", found } });
  assert.deepEqual(kinds, ["try-started", "superseded"]);
});

test("a leader that stops ends its watch without a verdict, and remembers what it started", async () => {
  const { kinds, memory } = await direct({ interruption: Promise.resolve() });
  assert.ok(!kinds.includes("recovered") && !kinds.includes("try-failed"));
  assert.deepEqual(memory, { containerId: "c0ffee", startedAt: "start-1", isRunning: true });
});
