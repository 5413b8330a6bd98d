// Recoveries under the brake, and without Redis.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after } from "../../../proto/units.ts";
import { crashLoop, RecoveryLab } from "./recovery-lab.ts";
import { spec } from "./recovery-specs.ts";

const worker = "h1/w1";

describe("a try that a second runner takes over", () => {
  it("goes on, and what the first one has done is not told again, whoever leads", () => {
    const lab = new RecoveryLab(2, 2);
    lab.lead(0);
    lab.fail(worker);
    for (let ms = 0; ms < 1_000 && lab.events("acted").length === 0; ms++) lab.pass(1);
    const [order] = lab.orders(worker);
    const startedAt = / since (.*)$/.exec(lab.events("acted")[0]!.text)![1]!;
    lab.kill(0);
    lab.lead(1);
    const base = { token: order!.token, recovery: order!.recovery, at: 0 };
    lab.news({ kind: "try-started", ...base, tryNumber: 1, runner: "r2" });
    lab.news({ kind: "acted", ...base, newContainerId: "id-w1", newStartedAt: startedAt });
    assert.deepEqual(
      lab.events("try-started").map(({ text }) => text),
      ["try 1 begins on r1", "try 1 goes on, run by r2"],
    );
    assert.equal(lab.events("acted").length, 1);
    lab.news({ kind: "acted", ...base, newContainerId: "id-w1", newStartedAt: "still later" });
    assert.equal(lab.events("acted").length, 2);
  });
});

describe("the brake", () => {
  it("trips when ten of twenty are killed one by one, heals all one at a time, and releases itself", () => {
    const lab = new RecoveryLab(20, 3);
    lab.lead();
    for (let i = 1; i <= 10; i++) {
      lab.at(i * 200, () => {
        lab.fail(`h1/w${i}`);
      });
    }
    lab.pass(2_500);
    assert.equal(lab.events("brake-tripped").length, 1);
    assert.ok(lab.events("brake-tripped")[0]!.notify);
    const before = lab.orders().length;
    assert.equal(before, 6, "more than 0.3 of twenty is seven: the seventh has to wait");
    assert.ok(lab.machine(0).brake(lab.now).tripped);
    assert.ok(lab.machine(2).brake(lab.now).tripped, "every coordinator's brake is on");
    lab.pass(5_000);
    lab.mostAtOnce = 0;
    lab.pass(30_000);
    assert.equal(lab.mostAtOnce, 1, "one at a time");
    assert.equal(lab.events("recovered").length, 10);
    assert.equal(lab.events("brake-released").length, 1);
    assert.ok(!lab.machine(0).brake(lab.now).tripped);
  });

  it("does not wait for ever for a recovery that an engine prevents", () => {
    const lab = new RecoveryLab(20);
    lab.lead();
    lab.tryResult = (id) => (id === worker ? "engine-away" : "ok");
    for (let i = 1; i <= 9; i++) lab.fail(`h1/w${i}`);
    lab.pass(15_000);
    assert.equal(lab.orders("h1/w9").length, 0, "it waits for its turn");
    lab.pass(30_000);
    assert.equal(lab.orders("h1/w9").length, 1);
    assert.equal(lab.events("recovered").length, 8);
    assert.equal(lab.events("brake-released").length, 1);
    assert.equal(lab.orders(worker).length, 1, "it goes on trying");
  });

  it("is not tripped by one of three, nor by a restarted engine or a rebooted machine", () => {
    const small = new RecoveryLab(3);
    small.lead();
    small.fail(worker);
    small.pass(10_000);
    assert.equal(small.events("brake-tripped").length, 0);
    const lab = new RecoveryLab(20);
    lab.lead();
    for (let i = 1; i <= 15; i++)
      lab.fail(`h1/w${i}`, { commonCause: "the engine of h1 restarted" });
    lab.pass(10_000);
    assert.equal(lab.events("brake-tripped").length, 0);
    assert.equal(lab.events("recovered").length, 15);
  });

  it("is not tripped by stops that are held and taken back, and lets a person's order pass", () => {
    const lab = new RecoveryLab(20);
    lab.lead();
    const notBefore = after(lab.now, 3_000);
    for (let i = 1; i <= 12; i++) lab.fail(`h1/w${i}`, { notBefore, waitReason: "held" });
    lab.pass(2_000);
    for (let i = 1; i <= 12; i++) lab.leave(`h1/w${i}`, "healthy");
    lab.pass(10_000);
    assert.equal(lab.events("brake-tripped").length, 0);
    for (let i = 1; i <= 12; i++) lab.fail(`h1/w${i}`);
    lab.pass(100);
    const before = lab.orders().length;
    const command = { kind: "revive", worker: "h1/w20", by: "ann", reason: "now" } as const;
    lab.only(0, lab.machine().onOperator(command, lab.now));
    assert.equal(lab.orders().length, before + 1);
  });

  it("heals the healer's own parts first", () => {
    const lab = new RecoveryLab(20);
    lab.specs.set("h1/w15", spec("h1/w15", { role: "redis" }));
    lab.lead();
    for (let i = 1; i <= 15; i++) lab.fail(`h1/w${i}`);
    const before = lab.orders().length;
    lab.pass(6_000);
    assert.equal(lab.orders()[before]!.token.worker, "h1/w15");
  });

  it("does not stay on for healed workers that nobody can ask how they are, and counts their next failures", () => {
    const lab = new RecoveryLab(20);
    lab.healedVerdict = "unwatched";
    lab.lead();
    for (let wave = 1; wave <= 2; wave++) {
      for (let i = 1; i <= 10; i++) lab.fail(`h1/w${i}`);
      lab.pass(120_000);
      assert.equal(lab.events("recovered").length, wave * 10);
      assert.equal(lab.events("brake-tripped").length, wave);
      assert.equal(lab.events("brake-released").length, wave);
    }
  });

  it("does not stay on for workers that were given up", () => {
    const lab = new RecoveryLab(20);
    lab.tryResult = () => "dies";
    lab.lead();
    for (let i = 1; i <= 10; i++) lab.fail(`h1/w${i}`);
    lab.pass(120_000);
    assert.equal(lab.events("exhausted").length, 10);
    assert.equal(lab.events("brake-released").length, 1);
  });
});

describe("without Redis", () => {
  it("the leader waits for the longest action lease, then acts directly and tells it", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.redis("unreachable");
    lab.fail(worker);
    lab.pass(2_900);
    assert.equal(lab.orders().length, 0);
    lab.pass(200);
    assert.equal(lab.direct().length, 1);
    lab.pass(10_000);
    assert.equal(lab.direct().length, 1);
    assert.equal(lab.events("recovered").length, 1);
    assert.ok(lab.events("redis-lost")[0]!.notify);
    assert.equal(lab.saved().length, 0);
    lab.redis("reachable");
    const saved = lab.saved().filter(({ record }) => record.worker === worker);
    assert.equal(saved.length, 1);
    assert.equal(saved[0]!.record.revivalsAgo.length, 1);
    assert.ok(lab.events("redis-back")[0]!.notify);
  });

  it("a leader that comes after one that acted directly waits until nothing of that one can act any more", () => {
    const lab = new RecoveryLab(3, 2);
    lab.lead(0);
    lab.redis("unreachable");
    lab.pass(4_000);
    lab.lead(1);
    lab.redis("reachable");
    lab.fail(worker);
    lab.pass(2_900);
    assert.equal(lab.orders().length, 0);
    const told = lab.events("held").filter((event) => event.worker === worker);
    assert.ok(told.some(({ text }) => text.includes("no leader before this one can act")));
    lab.pass(200);
    assert.equal(lab.orders().length, 1);

    const same = new RecoveryLab(3, 2);
    same.lead(0);
    same.redis("unreachable");
    same.pass(4_000);
    same.redis("reachable");
    same.fail(worker);
    same.pass(100);
    assert.equal(same.orders().length, 1, "one that led all the time waits for nobody");
  });

  it("a recovery that ended is over for all, and the next leader counts none of its tries", () => {
    const lab = new RecoveryLab(3, 2);
    lab.tryResult = (_worker, tryNumber) => (tryNumber < 3 ? "dies" : "ok");
    lab.lead(0);
    lab.redis("unreachable");
    lab.fail(worker);
    for (const rounds of [1, 2, 3]) {
      lab.pass(6_000 * rounds);
      if (lab.events("recovered").length === 0) lab.fail(worker);
    }
    lab.pass(30_000);
    assert.equal(lab.events("try-failed").length, 2);
    assert.equal(lab.events("recovered").length, 1);
    for (const machine of lab.machines) {
      const said = machine.recordsPage(8, lab.now).find((record) => record.worker === worker);
      assert.deepEqual([said?.tries, said?.over], [0, true]);
    }
    lab.lead(1);
    lab.pass(4_000);
    lab.fail(worker);
    lab.pass(100);
    assert.equal(lab.orders().at(-1)?.maxTries, 3);
  });

  it("the same caps hold: MAX_TRIES with our own backoff, MAX_REVIVALS", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = () => "dies";
    lab.lead();
    lab.redis("unreachable");
    lab.pass(3_000);
    lab.fail(worker);
    lab.pass(60_000);
    assert.deepEqual(
      lab.direct().map(({ tryNumber }) => tryNumber),
      [1, 2, 3],
    );
    const starts = lab.outputs
      .filter(({ output }) => output.kind === "act-directly")
      .map(({ at }) => at);
    const waits = starts.slice(1).map((at, i) => at - starts[i]! - 801);
    assert.ok(waits[0]! >= 750 && waits[0]! <= 1_250, `first wait ${waits[0]}`);
    assert.ok(waits[1]! >= 1_500 && waits[1]! <= 2_500, `second wait ${waits[1]}`);
    assert.equal(lab.events("exhausted").length, 1);
    assert.equal(lab.events("quarantined").length, 1);

    const other = new RecoveryLab(3);
    other.lead();
    other.redis("unreachable");
    other.pass(3_000);
    crashLoop(other, 8);
    assert.equal(other.direct().length, 5);
    assert.equal(other.events("quarantined").length, 1);
  });

  it("a job whose news stopped is replaced by a direct try, with its tries and a raised epoch", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = (_, n) => (lab.isRedisUp || n < 2 ? "dies" : "ok");
    lab.lead();
    lab.fail(worker);
    lab.pass(900);
    lab.redis("unreachable");
    lab.fail(worker, { verdict: "stopped" });
    lab.pass(2_900);
    assert.equal(lab.direct().length, 0);
    lab.pass(200);
    assert.equal(lab.direct().length, 1);
    assert.equal(lab.direct()[0]!.order.maxTries, 2);
    assert.ok(lab.direct()[0]!.order.token.epoch > lab.orders()[0]!.token.epoch);
    lab.pass(20_000);
    assert.equal(lab.events("recovered").length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("a job that was past its action ends as its worker's health says, without another action", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker);
    lab.pass(400);
    lab.redis("unreachable");
    lab.pass(30_000);
    assert.equal(lab.direct().length, 0);
    assert.equal(lab.events("recovered").length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery, undefined);
  });

  it("a new leader goes on with the tries that the old one used, as gossip told", () => {
    const lab = new RecoveryLab(3, 3);
    lab.tryResult = () => "dies";
    lab.lead(0);
    lab.redis("unreachable");
    lab.pass(3_000);
    lab.fail(worker);
    lab.pass(1_200);
    assert.equal(lab.direct().length, 1);
    lab.kill(0);
    lab.lead(1);
    lab.pass(60_000);
    assert.equal(lab.direct().length, 3);
    assert.equal(lab.events("quarantined").length, 1);
    lab.kill(1);
    lab.redis("reachable");
    lab.lead(2);
    lab.pass(60_000);
    assert.equal(lab.direct().length + 0, lab.orders().length);
    const saved = lab.saved().findLast(({ record }) => record.worker === worker);
    assert.equal(saved?.record.quarantinedAgo === -1, false);
  });
});
