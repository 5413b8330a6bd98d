// Tries made by the leader itself while Redis is away: the same stages and the same caps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../agent/io/clock.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { runDirectly, type DirectMemory } from "../../../coordinator/jobs/direct.ts";
import type { LifeResult } from "../../../coordinator/core/vigil.ts";
import type { ActionResult, Actor, LifeWatch } from "../../../coordinator/jobs/ports.ts";
import { DirectHands } from "../../../coordinator/direct-hands.ts";
import { Random } from "../../../proto/random.ts";
import { revivalJob } from "./scripted-world.ts";

const never = new Promise<void>(() => undefined);

interface Script {
  readonly result?: ActionResult;
  readonly life?: LifeResult;
  /** Before a further try. */
  readonly seen?: LifeResult;
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
    awaitLife: (_job, _acted, _timeout, isSecondLook) =>
      Promise.resolve((isSecondLook ? script.seen : script.life) ?? "alive"),
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
  const second = await direct({ tryNumber: 2, memory: first.memory, seen: "timeout" });
  assert.deepEqual(second.actions, ["restart start-1"]);
});

test("a start that came to itself before the next try is not touched by it", async () => {
  const { memory } = await direct({ life: "timeout" });
  const { kinds, actions } = await direct({ tryNumber: 2, memory, seen: "alive" });
  assert.deepEqual(actions, []);
  assert.deepEqual(kinds, ["try-started", "verified", "recovered"]);
});

test("whoever cannot see what came of its action has used its try, and touches nothing while that lasts", async () => {
  const first = await direct({ life: "blind" });
  const failed = first.news.at(-1);
  assert.ok(failed?.kind === "try-failed" && failed.counts);
  const next = await direct({ tryNumber: 2, memory: first.memory, seen: "blind" });
  assert.deepEqual(next.actions, []);
  const waits = next.news.at(-1);
  assert.ok(waits?.kind === "try-failed" && !waits.counts);
  assert.deepEqual(next.memory, first.memory);
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

/** Hands whose actions and looks end when they are told to. */
function hands(): {
  readonly hands: DirectHands;
  readonly kinds: string[];
  readonly abandoned: JobNews[];
  readonly act: (result: ActionResult) => Promise<void>;
} {
  const kinds: string[] = [];
  const abandoned: JobNews[] = [];
  let perform: (result: ActionResult) => void = () => undefined;
  const made = new DirectHands({
    actor: { perform: () => new Promise((resolve) => (perform = resolve)) },
    lifeWatch: {
      awaitLife: () => Promise.resolve("alive"),
      watchWindow: () => new Promise(() => undefined),
    },
    clock: systemClock,
    random: new Random(1),
    owner: "c1.direct",
    holdsLease: () => true,
    onNews: (news) => kinds.push(news.kind),
    onAbandoned: (news) => abandoned.push(news),
  });
  const act = async (result: ActionResult): Promise<void> => {
    perform(result);
    await new Promise(setImmediate);
  };
  return { hands: made, kinds, abandoned, act };
}
const acted = { kind: "acted", containerId: "c0ffee", startedAt: "start-1" } as const;

test("what a leader has begun when it gives up leading ends on record: in its watch, in its action, between two tries", async () => {
  const job = revivalJob({});
  const watching = hands();
  watching.hands.act(job, 1);
  await watching.act(acted);
  watching.hands.interrupt();
  await new Promise(setImmediate);
  assert.deepEqual(watching.kinds, ["try-started", "acted", "verified"]);

  const acting = hands();
  acting.hands.act(job, 1);
  acting.hands.interrupt();
  assert.deepEqual(acting.abandoned, []);
  await acting.act({ kind: "lease-lost", reason: "too late" });
  assert.deepEqual(acting.kinds, ["try-started", "try-failed"]);

  const between = hands();
  between.hands.act(job, 1);
  await between.act({ kind: "failed", reason: "no" });
  between.hands.interrupt();
  between.hands.interrupt();

  for (const { abandoned } of [watching, acting, between]) {
    assert.deepEqual(
      abandoned.map((news) => [news.kind, "recovery" in news && news.recovery]),
      [["superseded", job.recovery]],
    );
  }
});

test("what has ended is not ended again when its leader gives up leading", async () => {
  const { hands: made, kinds, abandoned, act } = hands();
  made.act(revivalJob({}), 1);
  await act({ kind: "superseded", reason: "somebody started it" });
  made.interrupt();
  assert.deepEqual(kinds, ["try-started", "superseded"]);
  assert.deepEqual(abandoned, []);
});
