// Quarantine, silence and what persons order.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after, type WorkerId } from "../../../proto/units.ts";
import { crashLoop, RecoveryLab } from "./recovery-lab.ts";

const worker = "h1/w1";

describe("a quarantine", () => {
  const quarantined = (machines = 1): RecoveryLab => {
    const lab = new RecoveryLab(3, machines);
    lab.lead();
    crashLoop(lab, 6);
    assert.equal(lab.events("quarantined").length, 1);
    return lab;
  };

  it("ends after QUARANTINE_RELEASE of health without a break", () => {
    const lab = quarantined();
    lab.leave(worker, "healthy");
    lab.pass(1_700_000);
    lab.fail(worker);
    lab.leave(worker, "healthy");
    lab.pass(1_700_000);
    assert.equal(lab.events("quarantine-ended").length, 0);
    lab.leave(worker, "partial", "c2 does not hear it");
    lab.pass(101_000);
    assert.equal(lab.events("quarantine-ended").length, 1);
    assert.ok(lab.events("quarantine-ended")[0]!.notify);
    crashLoop(lab, 1);
    assert.equal(lab.orders().length, 6);
  });

  it("is ended by a person, on every coordinator, and earlier recoveries are forgotten", () => {
    const lab = quarantined(2);
    const command = { kind: "release-quarantine", worker, by: "ann", reason: "fixed" } as const;
    lab.only(0, lab.machine(0).onOperator(command, lab.now));
    assert.equal(lab.orders().length, 6, "it is down, so it is recovered at once");
    lab.pass(500);
    assert.equal(lab.machine(1).summaryOf(worker, lab.now).quarantinedFor, -1);
    assert.equal(lab.machine(1).summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("is explained once, not at every decision", () => {
    const lab = quarantined();
    for (let i = 0; i < 5; i++) {
      lab.fail(worker, { waitReason: `${i} s` });
      lab.pass(1_000);
    }
    assert.equal(lab.events("left-alone").length, 0, "the quarantine itself was told");
    lab.leave(worker, "healthy");
    for (let i = 0; i < 5; i++) lab.fail(worker);
    assert.equal(lab.events("left-alone").length, 1);
  });
});

describe("what a backup brings back", () => {
  const restore = (lab: RecoveryLab, kind: "restore-quarantine" | "restore-silence"): void => {
    const command = { kind, worker, by: "ann", reason: "by bob: a new disk" } as const;
    const lasts = kind === "restore-silence" ? { for: 60_000 } : { ago: 50_000 };
    lab.only(0, lab.machine(0).onOperator({ ...command, ...lasts }, lab.now));
  };

  it("holds as if it had begun here: a quarantine, on every coordinator, until a person ends it", () => {
    const lab = new RecoveryLab(3, 2);
    lab.lead();
    restore(lab, "restore-quarantine");
    restore(lab, "restore-quarantine");
    assert.equal(lab.events("quarantined").length, 1);
    lab.fail(worker);
    lab.pass(10_000);
    assert.equal(lab.orders().length, 0);
    const { quarantinedFor } = lab.machine(1).summaryOf(worker, lab.now);
    assert.ok(quarantinedFor >= 60_000 && quarantinedFor < 61_000, String(quarantinedFor));
    const command = { kind: "release-quarantine", worker, by: "ann", reason: "fixed" } as const;
    lab.only(0, lab.machine(0).onOperator(command, lab.now));
    assert.equal(lab.orders().length, 1);
  });

  it("a silence keeps the words that it had", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    restore(lab, "restore-silence");
    lab.fail(worker);
    lab.pass(59_000);
    assert.equal(lab.orders().length, 0);
    assert.equal(lab.machine().summaryOf(worker, lab.now).silenceReason, "by bob: a new disk");
    lab.pass(1_500);
    assert.equal(lab.orders().length, 1);
  });
});

describe("a silence", () => {
  it("leaves a worker alone until its time has passed, and is told", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    const command = { kind: "silence", worker, by: "ann", reason: "upgrade", for: 60_000 } as const;
    lab.only(0, lab.machine().onOperator(command, lab.now));
    lab.fail(worker);
    lab.fail(worker);
    lab.pass(59_000);
    assert.equal(lab.orders().length, 0);
    assert.deepEqual(lab.kinds(), ["silenced", "left-alone"]);
    assert.match(lab.machine().summaryOf(worker, lab.now).silenceReason, /ann: upgrade/);
    lab.pass(1_500);
    assert.deepEqual(lab.kinds().slice(2, 4), ["silence-ended", "recovery-enqueued"]);
    assert.equal(lab.machine().summaryOf(worker, lab.now).silencedFor, -1);
  });

  it("is lifted by a person, also for a leader that only heard of it", () => {
    const lab = new RecoveryLab(3, 2);
    lab.lead(0);
    const ask = { worker, by: "ann", reason: "upgrade" };
    lab.only(0, lab.machine(0).onOperator({ kind: "silence", ...ask }, lab.now));
    lab.pass(200);
    lab.kill(0);
    lab.lead(1);
    lab.fail(worker);
    lab.pass(10_000);
    assert.equal(lab.orders().length, 0);
    lab.only(1, lab.machine(1).onOperator({ kind: "unsilence", ...ask }, lab.now));
    assert.equal(lab.orders().length, 1);
  });
});

describe("a person's revive", () => {
  const revive = (lab: RecoveryLab, target: WorkerId = worker): void => {
    const command = { kind: "revive", worker: target, by: "ann", reason: "stuck" } as const;
    lab.only(0, lab.machine().onOperator(command, lab.now));
  };

  it("restarts a healthy worker", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.leave(worker, "healthy");
    revive(lab);
    assert.equal(lab.orders()[0]!.action, "restart");
    assert.match(lab.orders()[0]!.reason, /ann asked for it: stuck/);
    lab.pass(10_000);
    assert.equal(lab.events("recovered").length, 1);
    assert.equal(lab.orders().length, 1);
  });

  it("is asked for again where its echo stays away", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.leave(worker, "healthy");
    lab.isRedisUp = false;
    revive(lab);
    lab.pass(4_000);
    assert.equal(lab.orders().length, 2);
    lab.isRedisUp = true;
    lab.pass(10_000);
    assert.equal(lab.events("acted").length, 1);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("acts on a worker in quarantine, which ends by it", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    crashLoop(lab, 6);
    revive(lab);
    assert.equal(lab.orders().length, 6);
    assert.equal(lab.events("quarantine-ended").length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("acts once on a silenced worker, and on one whose stop is respected or held", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    const silence = { kind: "silence", worker, by: "bob", reason: "x" } as const;
    lab.only(0, lab.machine().onOperator(silence, lab.now));
    lab.fail(worker);
    lab.leave("h1/w2", "stopped", "its stop policy is respect");
    lab.fail("h1/w3", { notBefore: after(lab.now, 3_000), waitReason: "held" });
    for (const target of lab.specs.keys()) revive(lab, target);
    assert.deepEqual(
      lab.orders().map(({ action }) => action),
      ["start", "start", "start"],
    );
    lab.pass(10_000);
    lab.fail(worker);
    lab.pass(10_000);
    assert.equal(lab.orders(worker).length, 1);
  });

  it("does nothing more to a worker that is being recovered, and nothing to a paused one", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker);
    lab.pass(100);
    revive(lab);
    lab.leave("h1/w2", "paused", "it is paused");
    revive(lab, "h1/w2");
    lab.pass(10_000);
    assert.equal(lab.orders().length, 1);
    assert.match(lab.events("revive-requested")[0]!.text, /being recovered already/);
    assert.match(lab.events("left-alone").at(-1)!.text, /unpause it first/);
  });

  it("lapses where it could not be carried out within a minute", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.leave(worker, "healthy");
    lab.each((machine) => machine.onEngine("h1", false, lab.now));
    revive(lab);
    lab.pass(61_000);
    lab.each((machine) => machine.onEngine("h1", true, lab.now));
    lab.pass(1_000);
    assert.equal(lab.orders().length, 0);
    assert.match(lab.events("left-alone").at(-1)!.text, /lapsed/);
  });
});
