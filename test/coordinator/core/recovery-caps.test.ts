// The caps, exactly: also across leaders, restarts and a Redis that forgot.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crashLoop, RecoveryLab } from "./recovery-lab.ts";

const worker = "h1/w1";

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
