// What has changed between two pictures of the mesh: at once what matters, once a second what merely trembles, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Picture } from "../../../coordinator/api/live/picture.ts";
import { readable } from "../../../coordinator/api/live/rows.ts";
import { statusView } from "../../../coordinator/api/views.ts";
import { applyNews, beginRecord } from "../../../coordinator/core/recovery-record.ts";
import type { RecoveryRecord } from "../../../coordinator/core/recovery-record.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../../coordinator/core/summary.ts";
import type { LiveChange } from "../../../proto/rest.ts";
import { revivalJob } from "../jobs/scripted-world.ts";
import { facts, openRecovery, summaryOf, workerSummary } from "./scripted-plane.ts";

const start = 1_700_000_000_000;

class Looks {
  readonly picture = new Picture();
  readonly records: RecoveryRecord[] = [];
  summary = summaryOf({ workers: [workerSummary()] });

  /** @param at ms after the first look */
  look(at: number, some: Partial<CoordinatorSummary> = {}): LiveChange | undefined {
    this.summary = { ...this.summary, ...some };
    const { summary } = this;
    return this.picture.look({
      nowMs: start + at,
      summary,
      status: statusView(summary, { ready: true, reasons: [] }, facts),
      recordOf: (id) => this.records.find((one) => one.id === id),
    });
  }

  worker(at: number, some: Partial<WorkerSummary>): LiveChange | undefined {
    return this.look(at, { workers: [workerSummary(some)] });
  }
}

test("the first look tells all, and the next one nothing where nothing has changed", () => {
  const looks = new Looks();
  const first = looks.look(0);
  assert.equal(first?.workers?.length, 1);
  assert.equal(first.status?.id, "c1");
  assert.deepEqual(first.workers[0]?.standings, { c1: "up", c2: "up", c3: "doubt" });
  assert.equal(looks.look(100, { leaseFor: 512, strangers: [] }), undefined);
});

test("a verdict is told at once, with all that belongs to it; a figure within a second", () => {
  const looks = new Looks();
  looks.look(0);
  const trembling = { roundTrip: 2.04, load: 0.9, standing: "doubt" } as const;
  assert.equal(looks.worker(100, trembling), undefined);
  const silent = looks.worker(200, { ...trembling, verdict: "silent", reason: "nobody hears it" });
  const row = silent?.workers?.[0];
  assert.equal(row?.verdict, "silent");
  assert.equal(row.reason, "nobody hears it");
  assert.equal(row.roundTripMs, 2);
  assert.equal(row.standings["c1"], "doubt");
  assert.equal(looks.worker(900, { verdict: "silent", roundTrip: 9 }), undefined);
  assert.equal(
    looks.worker(1_000, { verdict: "silent", roundTrip: 9 })?.workers?.[0]?.roundTripMs,
    9,
  );
});

test("a round trip that trembles by a few percent is told once", () => {
  const looks = new Looks();
  looks.look(0);
  for (let second = 1; second < 60; second++) {
    const roundTrip = 0.8 * (1 + 0.15 * Math.sin(second));
    const change = looks.worker(second * 1_000, { roundTrip });
    assert.equal(change?.workers, undefined);
  }
});

test("a figure has two digits, stays until it is off by a fifth, and comes back to nothing", () => {
  assert.equal(readable(-1, 3, 0.2), null);
  assert.equal(readable(12.345, undefined, 0.2), 12);
  assert.equal(readable(14, 12, 0.2), 12);
  assert.equal(readable(14.5, 12, 0.2), 15);
  assert.equal(readable(0.1, 0.05, 0.2), 0.05);
  assert.equal(readable(0, 0.005, 0.01), 0);
});

test("instants stay as they were told while the picture's durations wander", () => {
  const looks = new Looks();
  looks.worker(0, { quarantinedFor: 2_000, silencedFor: 60_000 });
  assert.equal(looks.worker(100, { quarantinedFor: 2_030, silencedFor: 59_960 }), undefined);
  const again = looks.worker(200, { quarantinedFor: 100, silencedFor: 59_800 });
  assert.equal(again?.workers?.[0]?.quarantinedAtMs, start + 100);
  assert.equal(again.workers[0].silencedUntilMs, start + 60_000);
});

test("a worker that is not watched any more is gone, and a new one is there", () => {
  const looks = new Looks();
  looks.look(0, { workers: [workerSummary(), workerSummary({ id: "h1/b" })] });
  const change = looks.look(100, { workers: [workerSummary(), workerSummary({ id: "h1/c" })] });
  assert.deepEqual(change?.gone, ["h1/b"]);
  assert.deepEqual(
    change.workers?.map(({ id }) => id),
    ["h1/c"],
  );
  const view = looks.picture.view(start + 200, []);
  assert.deepEqual(
    view?.workers.map(({ id }) => id),
    ["h1/c", "h1/web-1"],
  );
});

test("the status is told at once where it says something else, else once a second", () => {
  const looks = new Looks();
  looks.look(0);
  assert.equal(looks.look(100, { leaseFor: 300 }), undefined);
  assert.equal(looks.look(200, { leaseFor: 0, role: "follower" })?.status?.role, "follower");
  const peers = [{ id: "c2", heardAgo: 90, fit: true, redis: "reachable" as const }];
  assert.equal(looks.look(300, { peers })?.status?.peers.length, 1);
  assert.equal(looks.look(400, { peers: [{ ...peers[0]!, heardAgo: 190 }] }), undefined);
  const later = looks.look(1_000, { peers: [{ ...peers[0]!, heardAgo: 70 }] });
  assert.equal(later?.status?.peers[0]?.heardAgoMs, 70);
});

test("an open recovery is told with its record's instants, and when its pause ends", () => {
  const looks = new Looks();
  const job = revivalJob();
  const { token, recovery: id } = job;
  const worker = token.worker;
  const failed = applyNews(
    applyNews(beginRecord(job), {
      ...{ kind: "try-started", token, recovery: id, at: start - 900, tryNumber: 1, runner: "c2" },
    }),
    {
      ...{ kind: "try-failed", token, recovery: id, at: start - 400, tryNumber: 1 },
      ...{ reason: "no", counts: true, nextTryIn: 1_000 },
    },
  );
  looks.records.push(failed);
  const pausing = openRecovery({ id, stage: "backing-off", tries: 1, dueIn: 600 });
  const told = looks.worker(0, { id: worker, verdict: "stopped", recovery: pausing });
  assert.deepEqual(
    told?.recoveries?.map(({ detectedAtMs, stageAtMs, dueAtMs, stage }) => ({
      ...{ detectedAtMs, stageAtMs, dueAtMs, stage },
    })),
    [
      {
        ...{ detectedAtMs: job.detectedAt, stageAtMs: start - 400, dueAtMs: start + 600 },
        stage: "backing-off",
      },
    ],
  );
  const next = { id: worker, verdict: "stopped", recovery: { ...pausing, dueIn: 480 } } as const;
  assert.equal(looks.worker(100, next), undefined);
  const over = looks.worker(200, { id: worker });
  assert.deepEqual(over?.recoveries, []);
});

test("without a record the stage began when it was first seen", () => {
  const looks = new Looks();
  const held = openRecovery({ id: "", stage: "waiting", since: 700, dueIn: 2_300, tries: 0 });
  const [waiting] = looks.worker(0, { recovery: held })?.recoveries ?? [];
  assert.equal(waiting?.detectedAtMs, start - 700);
  assert.equal(waiting.stageAtMs, start - 700);
  assert.equal(waiting.dueAtMs, start + 2_300);
  const acting = openRecovery({ id: "1.1.a", stage: "acting", since: 3_000 });
  const [begun] = looks.worker(2_300, { recovery: acting })?.recoveries ?? [];
  assert.equal(begun?.detectedAtMs, start - 700);
  assert.equal(begun.stageAtMs, start + 2_300);
  assert.equal(begun.dueAtMs, null);
});

test("who waits only because a person or a quarantine keeps it has no open recovery; a move has one", () => {
  const looks = new Looks();
  const waiting = openRecovery({ id: "", stage: "waiting", dueIn: -1 });
  const change = looks.look(0, {
    workers: [workerSummary({ recovery: waiting, quarantinedFor: 5 })],
    services: [
      {
        ...{ id: "swarm:web", verdict: "stranded", reason: "h1 is dead" },
        ...{ left: "", awaitsWord: false },
        recovery: openRecovery({ id: "2.2.b", stage: "verifying", action: "move" }),
        ...{ quarantinedFor: -1, silencedFor: -1, silenceReason: "", revivalsInWindow: 1 },
      },
    ],
  });
  assert.deepEqual(
    change?.recoveries?.map(({ worker, action }) => [worker, action]),
    [["swarm:web", "move"]],
  );
});

test("what is left to people is told once, and again when it is not so any more", () => {
  const looks = new Looks();
  const nothing = { quarantinedFor: -1, silencedFor: -1, silenceReason: "", revivalsInWindow: 0 };
  const web = { id: "swarm:web", verdict: "stranded", reason: "h1 is dead" } as const;
  const service = { ...web, recovery: undefined, ...nothing, left: "", awaitsWord: false };
  const left = { ...service, left: "it is fenced", awaitsWord: true };
  const told = { worker: "swarm:web", verdict: "stranded", reason: "h1 is dead" };
  assert.deepEqual(looks.look(0, { services: [left] })?.left, [
    { ...told, text: "it is fenced", awaitsWord: true },
  ]);
  assert.equal(looks.look(100, { services: [left] })?.left, undefined);
  assert.deepEqual(looks.look(200, { services: [service] })?.left, []);
});

test("a thousand workers that tremble cost little and tell next to nothing", () => {
  const looks = new Looks();
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  // Smoothed as the core smooths: an eighth of each new round trip.
  const smoothed = Array.from({ length: 1_000 }, () => 0.6);
  const crowd = (): WorkerSummary[] =>
    smoothed.map((before, n) => {
      const roundTrip = before + (0.6 * (0.6 + 0.8 * random()) - before) / 8;
      smoothed[n] = roundTrip;
      return workerSummary({ id: `h1/web-${n}`, roundTrip, load: 0.4 + 0.02 * random() });
    });
  looks.look(0, { workers: crowd() });
  let rows = 0;
  for (let second = 1; second <= 60; second++) {
    rows += looks.look(second * 1_000, { workers: crowd() })?.workers?.length ?? 0;
  }
  assert.ok(rows / 60 < 20, `${rows / 60} rows a second`);
});
