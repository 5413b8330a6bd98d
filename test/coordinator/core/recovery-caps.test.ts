// The caps, exactly: also across leaders, restarts and a Redis that forgot.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Move } from "../../../coordinator/core/migration/order.ts";
import { asksToMove } from "../../../coordinator/core/recovery-operator.ts";
import { crashLoop, RecoveryLab } from "./recovery-lab.ts";

const worker = "h1/w1";

const moveOf = (kind: "away" | "back"): Move => ({ service: "s1", name: "web", kind, out: [] });

/** The way back to its host fails, three times. */
function failingBack(leader = 0): RecoveryLab {
  const lab = new RecoveryLab(3, 3, { quarantineRelease: 600_000 });
  lab.tryResult = () => "dies";
  lab.lead(leader);
  lab.fail(worker, { verdict: "away", action: "move", move: moveOf("back") });
  lab.pass(60_000);
  assert.equal(lab.events("try-started").length > 0, true);
  assert.equal(lab.events("exhausted").length, 1);
  return lab;
}

describe("a way back that fails", () => {
  it("is no quarantine, told once with what follows, and tried again later", () => {
    const lab = failingBack();
    assert.equal(lab.events("quarantined").length, 0);
    const [told] = lab.events("exhausted");
    assert.ok(told!.notify);
    assert.match(told!.text, /stays where it is; the next attempt follows in 600 s/);
    for (const machine of lab.machines)
      assert.equal(machine.summaryOf(worker, lab.now).quarantinedFor, -1);
    lab.pass(500_000);
    assert.equal(lab.orders().length, 1);
    lab.pass(100_000);
    assert.equal(lab.orders().length, 2);
  });

  it("holds up no move for its life", () => {
    const lab = failingBack();
    lab.tryResult = () => "ok";
    lab.fail(worker, { verdict: "stranded", action: "move", move: moveOf("away") });
    lab.pass(10_000);
    assert.equal(lab.orders().length, 2);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("holds up no move for its life that the next leader orders", () => {
    const lab = failingBack();
    lab.kill(0);
    lab.lead(1);
    lab.tryResult = () => "ok";
    lab.fail(worker, { verdict: "stranded", action: "move", move: moveOf("away") });
    lab.pass(10_000);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("is tried again at once by a person's word", () => {
    const lab = failingBack();
    lab.tryResult = () => "ok";
    const word = asksToMove({ kind: "failback", service: "web", by: "ann" });
    lab.each((machine) => machine.onOperator({ ...word, worker }, lab.now));
    lab.pass(10_000);
    assert.equal(lab.orders().length, 2);
    assert.equal(lab.events("recovered").length, 1);
  });
});

describe("the caps", () => {
  it("quarantine a worker after exactly MAX_TRIES failed tries, and tell it once", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = () => "dies";
    lab.lead();
    lab.fail(worker);
    lab.pass(120_000);
    assert.equal(lab.events("try-started").length, 3);
    assert.equal(lab.events("exhausted").length, 1);
    assert.equal(lab.events("quarantined").length, 1);
    assert.deepEqual(
      lab
        .events()
        .filter(({ notify }) => notify)
        .map(({ kind }) => kind),
      ["recovery-enqueued", "exhausted"],
    );
    lab.fail(worker);
    lab.pass(120_000);
    assert.equal(lab.orders().length, 1);
    assert.ok(lab.machine().summaryOf(worker, lab.now).quarantinedFor > 0);
  });

  it("quarantine a worker after exactly MAX_REVIVALS recoveries, though each succeeded", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    crashLoop(lab, 5);
    assert.equal(lab.events("recovered").length, 5);
    assert.equal(lab.events("quarantined").length, 0);
    crashLoop(lab, 3);
    assert.equal(lab.orders().length, 5);
    assert.equal(lab.events("quarantined").length, 1);
    assert.ok(lab.events("quarantined")[0]!.notify);
  });

  it("are not reached by recoveries that lie further apart than the window", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    for (let i = 0; i < 12; i++) {
      lab.fail(worker);
      lab.pass(130_000);
    }
    assert.equal(lab.orders().length, 12);
  });

  it("hold across a change of leader: two of three recoveries by one, the rest by the next", () => {
    const lab = new RecoveryLab(3, 3);
    lab.lead(0);
    crashLoop(lab, 3);
    lab.kill(0);
    lab.lead(1);
    crashLoop(lab, 5);
    assert.equal(lab.orders().length, 5);
    assert.equal(lab.events("quarantined").length, 1);
    lab.lead(2);
    crashLoop(lab, 2);
    assert.equal(lab.orders().length, 5, "the quarantine survives the second change");
  });

  it("hold across a leader that dies right after it enqueued, before any gossip", () => {
    const lab = new RecoveryLab(3, 3);
    lab.gossips = false;
    lab.lead(0);
    crashLoop(lab, 2);
    lab.fail(worker);
    lab.pass(50);
    lab.kill(0);
    lab.lead(1);
    lab.pass(8_000);
    crashLoop(lab, 4);
    assert.equal(lab.orders().length, 5);
    assert.equal(lab.events("quarantined").length, 1);
  });

  it("count the tries of one recovery across a change of leader", () => {
    const lab = new RecoveryLab(3, 3);
    lab.tryResult = () => "dies";
    lab.lead(0);
    lab.fail(worker);
    lab.pass(1_500);
    lab.kill(0);
    lab.lead(1);
    lab.pass(120_000);
    lab.fail(worker);
    lab.pass(120_000);
    assert.equal(lab.events("quarantined").length, 1);
    assert.equal(lab.jobs.get(worker)!.tries, 3);
    assert.equal(lab.orders().length, 1);
  });

  it("count the tries of a job that Redis lost together with its leader", () => {
    const lab = new RecoveryLab(3, 3);
    lab.tryResult = () => "dies";
    lab.lead(0);
    lab.fail(worker);
    lab.pass(900);
    lab.kill(0);
    lab.jobs.delete(worker);
    lab.restart(1);
    lab.gossip();
    lab.lead(1);
    lab.fail(worker);
    lab.pass(120_000);
    assert.equal(lab.orders().at(-1)!.maxTries, 2);
    assert.match(lab.events("exhausted")[0]!.text, /^3 tries failed/);
  });

  it("count the engine's own restarts", () => {
    const lab = new RecoveryLab(3, 2);
    lab.lead(0);
    crashLoop(lab, 2);
    for (let i = 0; i < 3; i++) {
      lab.each((machine) => machine.onEngineRestart(worker, lab.now));
      lab.pass(2_000);
    }
    assert.equal(lab.machine(1).summaryOf(worker, lab.now).revivalsInWindow, 5);
    assert.equal(lab.events("quarantined").length, 0);
    lab.each((machine) => machine.onEngineRestart(worker, lab.now));
    assert.equal(lab.events("quarantined").length, 1);
    assert.match(lab.events("quarantined")[0]!.text, /the engine's own restarts included/);
    crashLoop(lab, 1);
    assert.equal(lab.orders().length, 2);
  });

  it("survive a restart of all coordinators by what Redis kept", () => {
    const lab = new RecoveryLab(3, 1);
    lab.lead();
    crashLoop(lab, 6);
    const record = lab.saved().findLast(({ record }) => record.worker === worker)!.record;
    assert.ok(record.quarantinedAgo >= 0);
    lab.restart(0);
    lab.only(0, lab.machine().onRecordsLoaded([record], lab.now));
    lab.lead();
    crashLoop(lab, 2);
    assert.equal(lab.orders().length, 5);
  });
});
