// The checker itself: a run in which all is right, and each thing that may be wrong with it planted, one at a time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EventView, RecoveryView } from "../../../proto/rest.ts";
import { bounds, type EngineEntry, type Evidence, type PlantedFault } from "./evidence.ts";
import { judge, lostDeeds } from "./laws.ts";
import { brokenStories } from "./record-laws.ts";
import { reportOf } from "./report.ts";
import { troublesOf } from "./troubles.ts";

const second = 1_000;
const begin = 100 * second;
const at = (seconds: number): number => begin + seconds * second;

const fault = (
  kind: PlantedFault["kind"],
  target: string,
  from: number,
  to = from,
): PlantedFault => ({
  ...{ number: 1, kind, target, skipped: "" },
  ...{ atMs: at(from), plantedMs: at(from), untilMs: at(to) },
});

const told = (seconds: number, container: string, action: string, signal = 0): EngineEntry => ({
  ...{ atMs: at(seconds), container, action, signal },
});

const recovery = (changes: Partial<RecoveryView> = {}): RecoveryView => ({
  ...{ id: "1.1.w1", worker: "lab/w1", verdict: "stopped", action: "start" },
  ...{ reason: "its container has exited", term: 1, epoch: 1 },
  evidence: [{ kind: "engine-event", by: "lab", text: "exited with code 137" }],
  ...{ outcome: "recovered", outcomeReason: "", runner: "c2.1", maxTries: 3 },
  ...{ detectedAtMs: at(10.05), decidedAtMs: at(10.06), enqueuedAtMs: at(10.07) },
  ...{ actingAtMs: at(10.1), verifyingAtMs: at(11), verifiedAtMs: at(11.5) },
  ...{ recoveredAtMs: at(13.5), endedAtMs: at(13.5) },
  tries: [
    {
      ...{ number: 1, runner: "c2.1", startedAtMs: at(10.1), actedAtMs: at(11) },
      ...{ verifiedAtMs: at(11.5), failedAtMs: null, reason: "", counts: true },
    },
  ],
  ...changes,
});

const said = (kind: string, seconds: number, changes: Partial<EventView> = {}): EventView => ({
  ...{ id: `${kind}-${seconds}`, kind, atMs: at(seconds), by: "c1", text: kind, evidence: [] },
  ...{ worker: "lab/w1", recovery: "1.1.w1", ...changes },
});

/** A worker is killed at second 10 and started by one recovery; its agent, which joins it, follows. */
const good: Evidence = {
  workers: [
    { name: "w1", agent: "w1-agent", arrangement: "joins-worker" },
    { name: "w2", agent: "w2-agent", arrangement: "joins-agent" },
  ],
  ...{ beganMs: at(0), healedMs: at(30), endedMs: at(40) },
  faults: [fault("worker-killed", "w1", 10)],
  engine: [
    ...[told(-20, "w1", "start"), told(-19, "w1-agent", "start")],
    ...[told(-20, "w2-agent", "start"), told(-19, "w2", "start")],
    ...[told(10.01, "w1", "die"), told(10.4, "w1", "start")],
    ...[told(10.5, "w1-agent", "kill", 9), told(10.6, "w1-agent", "die")],
    told(10.8, "w1-agent", "start"),
  ],
  events: [
    said("leader-changed", -25, { worker: "", recovery: "", text: "c1 leads term 1" }),
    said("recovery-enqueued", 10.07),
    said("recovered", 13.5),
  ],
  recoveries: [recovery()],
  jobs: [
    {
      ...{ id: "1.1.w1", worker: "lab/w1", action: "start", agent: "w1-agent" },
      ...{ state: "completed", outcome: "recovered", failedReason: "" },
    },
  ],
  ...{ unwell: [], surprises: [] },
};

/** Names of the laws, in alphabetical order. */
const violated = (changes: Partial<Evidence>): readonly string[] =>
  [...new Set(judge({ ...good, ...changes }).map(({ law }) => law))].sort();
const laws = {
  overlap: "no two actions overlap on a worker",
  verdict: "no action without its verdict",
  healthy: "no healthy worker restarted",
  healed: "every failure healed",
  record: "every recovery on record with all its stages",
  leader: "one leader a term",
  end: "all is well in the end",
  surprise: "no coordinator ends by itself",
} as const;

const theRecovery = recovery();
const firstTry = theRecovery.tries[0]!;

describe("the checker", () => {
  test("finds nothing where all is right, and tells how long healing took", () => {
    assert.deepEqual(judge(good), []);
    const { failures, healed, healMs, faults } = reportOf(
      { evidence: good, violations: [] },
      { seed: 1, minutes: 1 },
    );
    assert.deepEqual({ failures, healed, faults }, { failures: 1, healed: 1, faults: 1 });
    assert.equal(Math.round(healMs?.worst ?? 0), 1_490);
  });

  test("sees two tries of two recoveries that overlap", () => {
    const twin = recovery({ id: "1.2.w1", tries: [{ ...firstTry, startedAtMs: at(10.5) }] });
    const events = [...good.events, said("recovery-enqueued", 10, { recovery: "1.2.w1" })];
    const told2 = [...events, said("recovered", 14, { recovery: "1.2.w1" })];
    const jobs = [...good.jobs, { ...good.jobs[0]!, id: "1.2.w1" }];
    assert.deepEqual(violated({ recoveries: [theRecovery, twin], events: told2, jobs }), [
      laws.overlap,
    ]);
  });

  test("lets another follow where Redis was away, once the lease of the first has run out", () => {
    const long = { ...firstTry, actedAtMs: at(19), verifiedAtMs: at(20) };
    const ends = { verifyingAtMs: at(19), verifiedAtMs: at(20) };
    const first = recovery({ ...ends, recoveredAtMs: at(22), endedAtMs: at(22), tries: [long] });
    const second = recovery({
      ...{ id: "2.1.w1", outcome: "superseded", outcomeReason: "somebody else did it" },
      tries: [{ ...firstTry, startedAtMs: at(14), actedAtMs: at(15) }],
    });
    const recoveries = [first, second];
    const jobs = [...good.jobs, { ...good.jobs[0]!, id: "2.1.w1", outcome: "superseded" }];
    assert.deepEqual(violated({ recoveries, jobs }), [laws.overlap]);
    const away = [...good.faults, fault("redis-killed", "redis", 10.5, 18)];
    assert.deepEqual(violated({ recoveries, jobs, faults: away }), []);
    const tooSoon = [...good.faults, fault("redis-killed", "redis", 12.5, 18)];
    assert.deepEqual(violated({ recoveries, jobs, faults: tooSoon }), [laws.overlap]);
  });

  test("takes a try for begun when an event says so, where the record knows its second runner alone", () => {
    const late = [recovery({ tries: [{ ...firstTry, startedAtMs: at(10.7) }] })];
    const event = said("try-started", 10.1, { text: "try 1 begins on c1.1" });
    assert.deepEqual(violated({ recoveries: late }), [laws.verdict]);
    assert.deepEqual(violated({ recoveries: late, events: [...good.events, event] }), []);
  });

  test("sees a try that starts its worker twice", () => {
    const engine = [...good.engine, told(10.9, "w1", "die"), told(10.95, "w1", "start")];
    // The agent holds the namespace of the run before.
    const healed = [...engine, told(10.97, "w1-agent", "die"), told(10.99, "w1-agent", "start")];
    assert.deepEqual(violated({ engine: healed }), [laws.overlap]);
  });

  test("sees a start that belongs to no try, and one whose recovery has no evidence", () => {
    const late = { ...firstTry, startedAtMs: at(10.6) };
    assert.deepEqual(violated({ recoveries: [recovery({ tries: [late] })] }), [laws.verdict]);
    assert.deepEqual(violated({ recoveries: [recovery({ evidence: [] })] }), [laws.verdict]);
    assert.deepEqual(violated({ recoveries: [recovery({ reason: "" })] }), [laws.verdict]);
    assert.deepEqual(violated({ recoveries: [recovery({ detectedAtMs: at(10.3) })] }), [
      laws.record,
      laws.verdict,
    ]);
  });

  test("takes a person's stop for what it is, and no other", () => {
    const stop = [told(20, "w2", "kill", 15), told(20.2, "w2", "die"), told(20.3, "w2", "stop")];
    const engine = [...good.engine, ...stop];
    assert.ok(violated({ engine }).includes(laws.verdict));
    const byHand = [...good.faults, fault("worker-stopped", "w2", 20, 20.3)].map((one) => ({
      ...one,
      plantedMs: one.untilMs,
    }));
    assert.deepEqual(violated({ engine, faults: byHand }), [laws.healed]);
  });

  test("lets an action be on no record only where its leader was killed while Redis was away", () => {
    const unrecorded = { recoveries: [], jobs: [], events: [] };
    assert.deepEqual(violated(unrecorded), [laws.verdict]);
    const away = fault("redis-killed", "redis", 9, 13);
    assert.deepEqual(violated({ ...unrecorded, faults: [...good.faults, away] }), [laws.verdict]);
    const killed = fault("coordinator-killed", "c1", 12, 14);
    const both = { ...unrecorded, faults: [...good.faults, away, killed] };
    assert.deepEqual(violated(both), []);
    assert.equal(lostDeeds({ ...good, ...both }), 3);
  });

  test("sees a kill of a worker that nothing was wrong with", () => {
    for (const nothing of [[], [fault("worker-paused", "w1", 10, 10.5)]]) {
      const engine = [
        ...good.engine.slice(0, 4),
        ...[told(10.2, "w1", "kill", 15), told(10.3, "w1", "die")],
        ...good.engine.slice(5),
      ];
      assert.deepEqual(violated({ faults: nothing, engine }), [laws.healthy]);
    }
  });

  test("sees a recovery that was decided on while nothing was wrong, or long after it was", () => {
    assert.deepEqual(violated({ faults: [], engine: good.engine.slice(0, 4) }), [laws.healthy]);
    const cut = fault("worker-cut", "w1", 1, 3);
    const engine = good.engine.slice(0, 4);
    assert.deepEqual(violated({ faults: [cut], engine }), [laws.healthy]);
    const left = { ...firstTry, actedAtMs: null, verifiedAtMs: null };
    const superseded = { outcome: "superseded", outcomeReason: "it runs", tries: [left] } as const;
    const jobs = [{ ...good.jobs[0]!, outcome: "superseded" }];
    assert.deepEqual(
      violated({ faults: [], engine, jobs, recoveries: [recovery(superseded)] }),
      [],
    );
    const still = fault("worker-cut", "w1", 5, 10 - bounds.lateVerdict / second + 1);
    assert.deepEqual(violated({ faults: [still], engine }), []);
  });

  test("sees a worker that is killed for its agent's sake, where the agent joins it", () => {
    const engine = [
      ...good.engine.slice(0, 4),
      ...[told(10, "w1-agent", "die"), told(10.2, "w1", "kill", 9), told(10.3, "w1", "die")],
      ...[told(10.4, "w1", "start"), told(10.8, "w1-agent", "start")],
    ];
    const faults = [fault("agent-killed", "w1", 10)];
    assert.deepEqual(violated({ engine, faults }), [laws.healthy]);
    const arrangement = "joins-agent" as const;
    const workers = [{ name: "w1", agent: "w1-agent", arrangement }];
    const after = [...engine, told(10.85, "w1", "die"), told(10.9, "w1", "start")];
    // Started twice, but not without need.
    assert.ok(!violated({ workers, faults, engine: after }).includes(laws.healthy));
  });

  test("sees what is never healed, or too late, and what is given up", () => {
    const engine = good.engine.slice(0, 5);
    const never = { engine, recoveries: [], jobs: [], events: [] };
    assert.deepEqual(violated(never), [laws.healed]);
    const hung = fault("worker-hung", "w2", 20);
    assert.deepEqual(violated({ faults: [...good.faults, hung] }), [laws.healed]);
    const late = 10 + bounds.healed / second + 1;
    const slow = [...good.engine.slice(0, 5), told(late, "w1", "start")];
    const seen = judge({ ...good, engine: slow, endedMs: at(late + 10) });
    assert.ok(seen.some(({ law, text }) => law === laws.healed && text.includes("bound")));
    assert.deepEqual(violated({ events: [...good.events, said("quarantined", 20)] }), [
      laws.healed,
    ]);
  });

  test("sees an engine that ends everything, as the end of all, told or not", () => {
    const faults = [...good.faults, fault("engine-lost-power", "engine", 20, 22)];
    const down = troublesOf({ ...good, faults }).filter(({ toMs }) => toMs === Infinity);
    assert.deepEqual(
      down.map(({ worker, of }) => `${worker} ${of}`),
      ["w1 worker", "w1 agent", "w2 worker", "w2 agent"],
    );
    assert.ok(violated({ faults }).includes(laws.healed));
  });

  test("sees a guest that is left in a dead network namespace", () => {
    const engine = good.engine.filter(({ atMs, container }) => atMs < begin || container === "w1");
    assert.deepEqual(violated({ engine }), [laws.healed]);
  });

  test("sees a recovery without one of its stages, in the wrong order, or without an end", () => {
    for (const changes of [
      ...[{ enqueuedAtMs: null }, { actingAtMs: null }, { verifyingAtMs: null }],
      ...[{ verifiedAtMs: null }, { recoveredAtMs: null }, { endedAtMs: null }],
      ...[{ outcome: "running" as const }, { outcome: "exhausted" as const }],
      ...[{ outcome: "superseded" as const }, { verifiedAtMs: at(15) }],
      { tries: [{ ...firstTry, verifiedAtMs: null }] },
      { tries: [{ ...firstTry, actedAtMs: null }] },
      { tries: [{ ...firstTry, number: 0, startedAtMs: at(9.9), actedAtMs: null }, firstTry] },
    ]) {
      const found = violated({ recoveries: [recovery(changes)] });
      assert.ok(found.includes(laws.record), JSON.stringify(changes));
    }
  });

  test("lets a recovery be without its first healthy answer only where Redis was away meanwhile", () => {
    const unheard = { verifiedAtMs: null, tries: [{ ...firstTry, verifiedAtMs: null }] };
    const recoveries = [recovery(unheard)];
    assert.deepEqual(violated({ recoveries }), [laws.record]);
    const away = fault("redis-killed", "redis", 11.2, 12);
    assert.deepEqual(violated({ recoveries, faults: [...good.faults, away] }), []);
    const before = fault("redis-killed", "redis", 1, 2);
    assert.deepEqual(violated({ recoveries, faults: [...good.faults, before] }), [laws.record]);
  });

  test("lets a last try only see what an earlier one has done", () => {
    const { number, startedAtMs, verifiedAtMs } = firstTry;
    const [acted, seen] = [firstTry.actedAtMs ?? 0, verifiedAtMs ?? 0];
    const tries = [
      { ...firstTry, verifiedAtMs: null, failedAtMs: acted + 1, reason: "no healthy answer" },
      { ...firstTry, number: number + 1, startedAtMs: seen - 1, actedAtMs: null },
    ];
    assert.ok(startedAtMs < seen);
    assert.deepEqual(violated({ recoveries: [recovery({ tries })] }), []);
  });

  test("sees a record that BullMQ or the events contradict", () => {
    const [job] = good.jobs;
    assert.ok(job !== undefined);
    for (const jobs of [
      [],
      [{ ...job, state: "active" }],
      [{ ...job, outcome: "superseded" }],
      [job, { ...job, id: "1.9.w2" }],
    ]) {
      assert.deepEqual(violated({ jobs }), [laws.record], JSON.stringify(jobs));
    }
    for (const kind of ["recovery-enqueued", "recovered"]) {
      const events = good.events.filter((one) => one.kind !== kind);
      assert.deepEqual(violated({ events }), [laws.record], kind);
    }
    const twice = [...good.events, said("recovered", 14)];
    assert.deepEqual(violated({ events: twice }), [laws.record]);
  });

  test("lets a story be told twice, or not at all, only where the leader changed meanwhile", () => {
    const text = "c2 leads term 2";
    const change = said("leader-changed", 12, { worker: "", recovery: "", text });
    const events = [...good.events, said("recovered", 14), change];
    assert.deepEqual(violated({ events }), []);
    assert.equal(brokenStories({ ...good, events }), 1);
    assert.equal(brokenStories(good), 0);
    const later = { ...change, atMs: at(40) };
    assert.deepEqual(violated({ events: [...events.slice(0, -1), later] }), [laws.record]);
  });

  test("expects no queue where Redis was away", () => {
    const direct = { recoveries: [recovery({ enqueuedAtMs: null })], jobs: [] };
    assert.deepEqual(violated(direct), [laws.record]);
    const away = fault("redis-frozen", "redis", 8, 12);
    assert.deepEqual(violated({ ...direct, faults: [...good.faults, away] }), []);
  });

  test("lets a direct recovery be without an end only where its own leader was killed", () => {
    const open = { outcome: "running", enqueuedAtMs: null, runner: "c2.1" } as const;
    const away = [...good.faults, fault("redis-killed", "redis", 9, 13)];
    const direct = { recoveries: [recovery(open)], jobs: [] };
    assert.deepEqual(violated({ ...direct, faults: away }), [laws.record]);
    const other = [...away, fault("coordinator-killed", "c1", 12, 14)];
    assert.deepEqual(violated({ ...direct, faults: other }), [laws.record]);
    const its = [...away, fault("quorum-killed", "c2+c3", 12, 14)];
    assert.deepEqual(violated({ ...direct, faults: its }), []);
  });

  test("sees two leaders of a term", () => {
    const other = said("leader-changed", 5, { worker: "", recovery: "", text: "c2 leads term 1" });
    assert.deepEqual(violated({ events: [...good.events, other] }), [laws.leader]);
  });

  test("sees who is not well in the end, and a coordinator that ended by itself", () => {
    assert.deepEqual(violated({ unwell: ["w1 is silent"] }), [laws.end]);
    assert.deepEqual(violated({ surprises: ["c1 ended by itself: 1"] }), [laws.surprise]);
  });
});
