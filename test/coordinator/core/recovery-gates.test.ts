// What a recovery waits for, and how a new leader begins.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecoveryLab } from "./recovery-lab.ts";
import { spec } from "./recovery-specs.ts";

const worker = "h1/w1";

describe("a recovery waits", () => {
  it("for the engine, with one notification, and its tries are not counted meanwhile", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.tryResult = () => "engine-away";
    lab.fail(worker);
    lab.pass(500);
    lab.each((machine) => machine.onEngine("h1", false, lab.now));
    lab.each((machine) => machine.onEngine("h1", false, lab.now));
    lab.fail("h1/w2");
    lab.fail("h1/w3");
    lab.pass(120_000);
    assert.equal(lab.orders("h1/w2").length + lab.orders("h1/w3").length, 0);
    assert.equal(lab.orders(worker).length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery?.tries, 0);
    assert.equal(lab.events("quarantined").length, 0);
    lab.tryResult = () => "ok";
    lab.each((machine) => machine.onEngine("h1", true, lab.now));
    lab.pass(10_000);
    assert.equal(lab.events("recovered").length, 3);
    assert.equal(lab.events("engine-lost").length, 1);
    assert.equal(lab.events("engine-back").length, 1);
    assert.ok(lab.events("engine-lost")[0]!.notify);
  });

  it("for its host while that is dead, and goes when it is back", () => {
    const lab = new RecoveryLab(2);
    lab.lead();
    lab.deadHosts.add("h1");
    lab.fail(worker);
    lab.pass(60_000);
    assert.equal(lab.orders(worker).length, 0);
    assert.match(lab.events("held")[0]!.text, /waits for host h1, which is dead/);
    lab.deadHosts.clear();
    lab.pass(1_000);
    assert.equal(lab.orders(worker).length, 1);
  });

  it("for a dependency that is being recovered, and goes once that is healthy", () => {
    const lab = new RecoveryLab(2);
    lab.specs.set(worker, spec(worker, { settings: { dependsOn: ["w2"] } }));
    lab.lead();
    lab.fail("h1/w2");
    lab.fail(worker);
    assert.equal(lab.orders(worker).length, 0);
    lab.pass(250);
    assert.equal(lab.orders(worker).length, 0);
    lab.pass(100);
    assert.equal(lab.orders(worker).length, 1, "the dependency is healthy, though still watched");
    assert.match(lab.events("held")[0]!.text, /waits for h1\/w2/);
  });

  it("for news of a dependency that has died in the same moment", () => {
    const lab = new RecoveryLab(2);
    lab.specs.set(worker, spec(worker, { settings: { dependsOn: ["w2"] } }));
    lab.lead();
    lab.fail(worker);
    lab.pass(200);
    assert.equal(lab.orders(worker).length, 0);
    lab.fail("h1/w2");
    assert.equal(lab.orders("h1/w2").length, 1);
    lab.pass(100);
    assert.equal(lab.orders(worker).length, 0, "it waits for the dependency now");
    lab.pass(250);
    assert.equal(lab.orders(worker).length, 1);
    const other = new RecoveryLab(2);
    other.specs.set(worker, spec(worker, { settings: { dependsOn: ["w2"] } }));
    other.lead();
    other.fail(worker);
    other.pass(300);
    assert.equal(other.orders(worker).length, 1, "its dependency lives");
  });

  it("for a dependency no longer than a minute, and says that it goes without it", () => {
    const lab = new RecoveryLab(2);
    lab.specs.set(worker, spec(worker, { settings: { dependsOn: ["w2"] } }));
    lab.lead();
    lab.leave("h1/w2", "starting");
    lab.fail(worker);
    lab.pass(59_000);
    assert.equal(lab.orders(worker).length, 0);
    lab.pass(1_500);
    assert.equal(lab.orders(worker).length, 1);
    assert.match(lab.events("held").at(-1)!.text, /waits no longer for h1\/w2/);
  });

  it("for no dependency that nobody recovers, and for none that waits for it", () => {
    const lab = new RecoveryLab(3);
    lab.specs.set(worker, spec(worker, { settings: { dependsOn: ["w2"] } }));
    lab.specs.set("h1/w2", spec("h1/w2", { settings: { dependsOn: ["w1"] } }));
    lab.specs.set("h1/w3", spec("h1/w3", { settings: { dependsOn: ["w4", "w2"] } }));
    lab.lead();
    lab.leave("h1/w2", "stopped", "its stop policy is respect");
    lab.fail("h1/w3");
    lab.pass(300);
    assert.equal(lab.orders("h1/w3").length, 1);
    lab.machine().onLease(undefined);
    lab.fail(worker);
    lab.fail("h1/w2");
    lab.pass(300);
    lab.lease();
    assert.equal(lab.orders(worker).length, 1, "in a circle the first goes first");
    assert.equal(lab.orders("h1/w2").length, 0);
    lab.pass(1_000);
    assert.equal(lab.orders("h1/w2").length, 1);
  });
});

describe("a new leader", () => {
  it("acts at once on one worker, and listens for a moment before it acts on many", () => {
    const lab = new RecoveryLab(20, 2);
    for (let i = 1; i <= 5; i++) lab.fail(`h1/w${i}`, { commonCause: "engine h1 restarted" });
    lab.lead(0);
    lab.pass(200);
    assert.equal(lab.orders().length, 0);
    lab.leave("h1/w5", "healthy");
    lab.pass(99);
    assert.equal(lab.orders().length, 0);
    lab.pass(2);
    assert.equal(lab.orders().length, 4);

    const other = new RecoveryLab(20);
    other.fail(worker);
    other.lead();
    assert.equal(other.orders().length, 1);
  });

  it("tells anew why a worker is left as it is, also of one that its engine showed only later", () => {
    const lab = new RecoveryLab(2, 2);
    lab.lead(0);
    const why = "it was stopped by somebody";
    const leftAlone = (): number => lab.events("left-alone").length;
    lab.leave(worker, "stopped", why);
    lab.leave(worker, "unknown");
    lab.leave(worker, "stopped", why);
    assert.equal(leftAlone(), 1);
    lab.leave(worker, "unknown");
    lab.lead(1);
    lab.leave(worker, "stopped", why);
    assert.equal(leftAlone(), 2);
  });

  it("never gives an epoch out again, whatever it hears of older ones", () => {
    const lab = new RecoveryLab(2, 2);
    lab.gossips = false;
    lab.lead(0);
    for (let i = 0; i < 3; i++) {
      lab.fail(worker);
      lab.pass(10_000);
    }
    const record = lab
      .machine(0)
      .recordsPage(8, lab.now)
      .find((r) => r.worker === worker)!;
    assert.equal(record.epoch, 3);
    lab.restart(1);
    lab.lead(1);
    lab.only(1, lab.machine(1).onRecords([record], lab.now));
    lab.only(1, lab.machine(1).onRecords([{ ...record, epoch: 1 }], lab.now));
    lab.fail(worker);
    assert.deepEqual(lab.orders(worker).at(-1)!.token, { worker, epoch: 4, term: 2 });
  });
});
