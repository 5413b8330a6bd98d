// The life of one recovery: from the decision to its end, and what keeps it from beginning.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after, term } from "../../../proto/units.ts";
import { compareTokens } from "../../../coordinator/core/job.ts";
import { RecoveryLab } from "./recovery-lab.ts";
import { container, spec } from "./recovery-specs.ts";

const worker = "h1/w1";

describe("a recovery", () => {
  it("is enqueued at once by a leader with a lease, and its life is told to the end", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker);
    assert.equal(lab.orders().length, 1);
    const order = lab.orders()[0]!;
    assert.equal(order.action, "start");
    assert.deepEqual(order.token, { worker, epoch: 1, term: 1 });
    assert.equal(order.target.containerId, "id-w1");
    assert.match(order.recovery, /^1\.1\.[0-9a-f]{16}$/);
    lab.pass(10_000);
    assert.deepEqual(lab.kinds(), [
      "recovery-enqueued",
      "try-started",
      "acted",
      "verified",
      "recovered",
    ]);
    assert.deepEqual(
      lab
        .events()
        .filter(({ notify }) => notify)
        .map(({ kind }) => kind),
      ["recovery-enqueued", "recovered"],
    );
    assert.ok(lab.events().every(({ recovery }) => recovery === order.recovery));
    assert.equal(lab.orders().length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery, undefined);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("is not begun by a follower, nor by a leader without a lease, and begins when the lease comes", () => {
    const lab = new RecoveryLab(3);
    lab.fail(worker);
    lab.pass(5_000);
    assert.equal(lab.outputs.length, 0);
    lab.only(0, lab.machine().becomeLeader(term(1), lab.now));
    lab.pass(1_000);
    assert.equal(lab.orders().length, 0);
    lab.lease(0, 500);
    assert.equal(lab.orders().length, 1);
  });

  it("carries the lease's end, and does not begin after it", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.machine().onLease(after(lab.now, 500));
    lab.fail(worker);
    const first = lab.outputs.find(({ output }) => output.kind === "enqueue")?.output;
    assert.equal(first?.kind === "enqueue" && first.validUntil, 1_500);
    lab.pass(600);
    lab.fail("h1/w2");
    lab.pass(100);
    assert.equal(lab.orders("h1/w2").length, 0);
    lab.lease();
    assert.equal(lab.orders("h1/w2").length, 1);
  });

  it("waits for the decision's own instant and says so once, however often the decision is repeated", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    for (let i = 0; i < 5; i++) {
      lab.fail(worker, { notBefore: after(lab.now, 3_000), waitReason: `held for ${9 - i} s` });
      lab.pass(100);
    }
    assert.equal(lab.events("held").length, 1);
    lab.pass(2_000);
    assert.equal(lab.orders().length, 0);
    lab.pass(1_000);
    assert.equal(lab.orders().length, 1);
    assert.equal(lab.orders()[0]!.detectedAgo, 3_400);
  });

  it("is cancelled by health before anything was enqueued", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker, { notBefore: after(lab.now, 3_000), waitReason: "held" });
    lab.pass(1_000);
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery?.stage, "waiting");
    lab.leave(worker, "healthy");
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery, undefined);
    lab.pass(10_000);
    assert.equal(lab.orders().length, 0);
    assert.deepEqual(lab.kinds(), ["held", "left-alone"]);
    assert.match(lab.events("left-alone")[0]!.text, /no action is needed any more/);
  });

  it("is not disturbed by verdicts while its job is on its way", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker);
    lab.pass(100);
    lab.fail(worker, { verdict: "silent", action: "kill-start" });
    lab.leave(worker, "starting");
    lab.fail(worker, { verdict: "silent", action: "kill-start" });
    lab.pass(10_000);
    assert.equal(lab.orders().length, 1);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("that was superseded is decided again with the decision of now, and not forgotten", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = () => (lab.orders().length < 4 ? "superseded" : "ok");
    lab.lead();
    lab.fail(worker);
    lab.pass(100);
    assert.equal(lab.orders().length, 1, "the same decision is old news for a moment");
    lab.fail(worker, { verdict: "silent", action: "kill-start" });
    lab.pass(30_000);
    assert.deepEqual(
      lab.orders().map(({ action }) => action),
      ["start", "kill-start", "kill-start", "kill-start"],
    );
    assert.equal(lab.events("superseded").length, 3);
    assert.equal(lab.events("recovered").length, 1);
    const epochs = lab.orders().map(({ token }) => token.epoch);
    assert.equal(new Set(epochs).size, epochs.length, "no epoch twice");
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("that was superseded ends where nothing asks for it any more, uncounted", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = () => "superseded";
    lab.lead();
    lab.fail(worker);
    lab.pass(5);
    lab.leave(worker, "healthy");
    lab.pass(60_000);
    assert.equal(lab.orders().length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).recovery, undefined);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 0);
  });

  it("is asked for again under the same epoch where no echo comes, then under a raised one", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.isRedisUp = false;
    lab.fail(worker);
    lab.pass(8_000);
    assert.deepEqual(
      lab.orders().map(({ token }) => token.epoch),
      [1, 1, 1],
    );
    lab.pass(1_500);
    assert.equal(lab.orders().at(-1)!.token.epoch, 2);
    lab.isRedisUp = true;
    lab.pass(30_000);
    assert.equal(lab.events("recovered").length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("that the main thread refused is asked for again after a moment", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.isRedisUp = false;
    lab.fail(worker);
    const { token } = lab.orders()[0]!;
    lab.news({ kind: "job-refused", token, reason: "Redis is not connected" });
    lab.pass(900);
    lab.isRedisUp = true;
    assert.equal(lab.orders().length, 1);
    lab.pass(20_000);
    assert.equal(lab.orders().length, 2);
    assert.equal(lab.events("recovered").length, 1);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("whose job Redis lost is enqueued again under a raised epoch, with what is left of its tries", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = () => "dies";
    lab.lead();
    lab.fail(worker);
    lab.pass(900);
    assert.equal(lab.events("try-failed").length, 1);
    lab.jobs.delete(worker);
    lab.fail(worker, { verdict: "stopped" });
    lab.pass(17_000);
    assert.equal(lab.orders().length, 2);
    const [first, second] = lab.orders();
    assert.ok(compareTokens(second!.token, first!.token) > 0);
    assert.equal(second!.maxTries, 2);
    lab.pass(20_000);
    assert.equal(lab.events("exhausted").length, 1);
    assert.match(lab.events("exhausted")[0]!.text, /^3 tries failed/);
    assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 1);
  });

  it("whose job Redis lost ends as recovered where its worker is healthy and stays so", () => {
    const lab = new RecoveryLab(3);
    lab.lead();
    lab.fail(worker);
    lab.pass(1_000);
    lab.jobs.delete(worker);
    lab.pass(60_000);
    assert.equal(lab.orders().length, 1);
    assert.match(lab.events("recovered")[0]!.text, /nothing more was heard of its job/);
  });

  it("follows an older job that the queue still holds, with its epoch and its tries", () => {
    const lab = new RecoveryLab(3);
    lab.tryResult = (_, n) => (n < 3 ? "dies" : "ok");
    lab.lead();
    lab.fail(worker);
    lab.pass(1_000);
    lab.restart(0);
    lab.lead();
    lab.fail(worker);
    lab.pass(5);
    assert.equal(lab.events("recovery-adopted").length, 1);
    const summary = lab.machine().summaryOf(worker, lab.now).recovery;
    assert.equal(summary?.id, lab.orders()[0]!.recovery);
    assert.equal(summary.tries, 1);
    lab.pass(30_000);
    assert.equal(lab.jobs.get(worker)!.order.recovery, lab.orders()[0]!.recovery);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("asks for nothing where only a follower would, though it follows every job", () => {
    const lab = new RecoveryLab(3, 3);
    lab.lead(0);
    lab.fail(worker);
    lab.pass(500);
    for (const i of [1, 2]) {
      const { recovery } = lab.machine(i).summaryOf(worker, lab.now);
      assert.equal(recovery?.stage, "verifying");
      assert.equal(recovery.id, lab.orders()[0]!.recovery);
    }
    lab.pass(10_000);
    assert.ok(lab.outputs.every(({ by }) => by === 0));
    assert.equal(lab.orders().length, 1);
  });

  it("is carried on by a new leader, which neither asks again nor tells twice that it acts", () => {
    const lab = new RecoveryLab(3, 3);
    lab.lead(0);
    lab.fail(worker);
    lab.pass(500);
    lab.kill(0);
    lab.lead(1);
    lab.pass(20_000);
    assert.equal(lab.orders().length, 1);
    assert.equal(lab.events("recovery-enqueued").length, 1);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("that ended while nobody led is told by the next leader", () => {
    const lab = new RecoveryLab(3, 3);
    lab.lead(0);
    lab.fail(worker);
    lab.pass(5_000);
    lab.kill(0);
    lab.pass(1_000);
    assert.equal(lab.events("recovered").length, 0);
    lab.lead(2);
    assert.equal(lab.events("recovered").length, 1);
  });

  it("goes to the worker at once where its agent has had its turn, or there is but one try", () => {
    const lab = new RecoveryLab(2);
    lab.specs.set("h1/w2", spec("h1/w2", { settings: { maxTries: 1 } }));
    lab.lead();
    lab.fail(worker, { verdict: "silent", action: "agent-then-worker" });
    lab.fail("h1/w2", { verdict: "silent", action: "agent-then-worker" });
    assert.equal(lab.orders(worker)[0]!.action, "agent-then-worker");
    assert.equal(lab.orders("h1/w2")[0]!.action, "kill-start");
  });

  it("gives the agent its turn after a try for another reason, once, and never the last try", () => {
    const lab = new RecoveryLab(1);
    // Each job makes one try that fails; the next finds that the world has changed.
    lab.tryResult = (_worker, tryNumber) => (tryNumber === 1 ? "dies" : "superseded");
    lab.lead();
    lab.fail(worker);
    lab.pass(100);
    lab.fail(worker, { verdict: "silent", action: "agent-then-worker" });
    lab.pass(60_000);
    const actions = lab.orders(worker).map(({ action }) => action);
    assert.deepEqual(actions.slice(0, 3), ["start", "agent-then-worker", "kill-start"]);
    assert.ok(!actions.slice(3).includes("agent-then-worker"));
  });

  it("acts on the last known container of a worker that is gone, and says so where none is known", () => {
    const lab = new RecoveryLab(2);
    lab.lead();
    lab.leave(worker, "healthy");
    lab.specs.set(worker, { ...spec(worker), container: undefined });
    lab.specs.set("h1/w2", { ...spec("h1/w2"), container: undefined });
    lab.fail(worker, { verdict: "gone", action: "recreate" });
    lab.fail("h1/w2", { verdict: "gone", action: "recreate" });
    assert.deepEqual(
      lab.orders().map(({ target }) => target.containerId),
      ["id-w1"],
    );
    assert.match(lab.events("left-alone")[0]!.text, /no container of it is known/);
  });
});

it("An order names the agent and those that share the worker's network", () => {
  const lab = new RecoveryLab(1);
  lab.specs.set(
    worker,
    spec(worker, {
      agent: container("w1-agent"),
      dependants: [container("w1-helper")],
      settings: { stopTimeout: 2_000, startPeriod: 500 },
    }),
  );
  lab.lead();
  lab.fail(worker);
  const order = lab.orders()[0]!;
  assert.equal(order.agent?.containerId, "id-w1-agent");
  assert.deepEqual(
    order.dependants.map(({ name }) => name),
    ["w1-helper"],
  );
  assert.equal(order.stopTimeout, 2_000);
  assert.equal(order.verifyTimeout, 2_000);
});

it("An order that was never heard of, for a worker that is healthy meanwhile, is neither told as recovered nor counted", () => {
  const lab = new RecoveryLab(1);
  lab.lead();
  lab.isRedisUp = false;
  lab.fail(worker);
  lab.leave(worker, "healthy");
  lab.pass(60_000);
  assert.equal(lab.orders().length, 1);
  assert.equal(lab.events("recovered").length, 0);
  assert.equal(lab.machine().summaryOf(worker, lab.now).revivalsInWindow, 0);
});
