// Crash, somebody's wish, or the engine's business: told apart by the order of the engine's events.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after } from "../../../proto/units.ts";
import { Script } from "./intent-script.ts";
import { container } from "./recovery-specs.ts";

describe("one that still runs", () => {
  const running = { state: "running" } as const;

  it("is ours at once, unless somebody told it to end: then it is held or respected as if it had", () => {
    const script = new Script();
    assert.equal(script.judge("w1", running).kind, "crash");
    script.kill("w1", 15);
    const told = script.now;
    script.pass(500);
    const judgement = script.judge("w1", running);
    assert.ok(judgement.kind === "held" && judgement.until === after(told, 3_000));
    assert.equal(script.judge("w1", running, "respect").kind, "respected");
  });

  it("is ours after a signal that ends nothing, and when it still runs a minute later", () => {
    const script = new Script();
    script.kill("w1", 1);
    assert.equal(script.judge("w1", running).kind, "crash");
    script.kill("w1", 15);
    script.pass(60_001);
    assert.equal(script.judge("w1", running).kind, "crash");
  });
});

describe("a crash", () => {
  it("is a die without a kill, and is ours at once, whatever the exit code", () => {
    for (const exitCode of [137, 1, 0]) {
      const script = new Script();
      script.die("w1", exitCode);
      const judgement = script.judge("w1", { exitCode });
      assert.deepEqual(judgement, { kind: "crash", notBefore: script.now, waitReason: "" });
    }
  });

  it("is a crash also under the policy that respects stops", () => {
    const script = new Script();
    script.die("w1");
    assert.equal(script.judge("w1", {}, "respect").kind, "crash");
  });

  it("is a die after a signal that does not end a process", () => {
    for (const signal of [1, 10, 12, 28]) {
      const script = new Script();
      script.kill("w1", signal);
      script.pass(10_000);
      script.die("w1");
      assert.equal(script.kind("w1"), "crash", `signal ${signal}`);
    }
  });

  it("is a die more than a minute after a kill, or after a start that followed the kill", () => {
    const late = new Script();
    late.kill("w1", 15);
    late.pass(60_001);
    late.die("w1");
    assert.equal(late.kind("w1"), "crash");
    const restarted = new Script();
    restarted.stop("w1");
    restarted.event("w1", "start");
    restarted.event("w1", "restart");
    restarted.pass(5_000);
    restarted.die("w1");
    assert.equal(restarted.kind("w1"), "crash");
  });

  it("is a die after a kill of our own, marked by the event or told afterwards", () => {
    const script = new Script();
    script.kill("w1", 9, { ours: true });
    script.die("w1");
    assert.equal(script.kind("w1"), "crash");
    const told = new Script();
    told.kill("w1", 9);
    told.die("w1");
    assert.equal(told.kind("w1"), "held");
    const span = { from: after(told.now, -1_000), until: after(told.now, 1_000) };
    told.intent.onOwnAction(["id-w1"], span);
    assert.equal(told.kind("w1"), "crash");
  });

  it("is not taken for ours after the start that our action made", () => {
    const script = new Script();
    script.die("w1");
    const span = { from: script.now, until: after(script.now, 5_000) };
    script.intent.onOwnAction(["id-w1"], span);
    script.pass(300);
    script.event("w1", "start");
    script.pass(10);
    script.stop("w1");
    assert.equal(script.kind("w1"), "held");
  });

  it("is somebody's where our runner found nothing to do", () => {
    const script = new Script();
    script.running("w1");
    script.intent.onOwnAction(["id-w1"], { from: script.now, until: after(script.now, 5_000) });
    script.pass(10);
    script.stop("w1");
    assert.equal(script.kind("w1"), "crash");
    script.intent.onOwnAction(["id-w1"], undefined);
    assert.equal(script.kind("w1"), "held");
  });

  it("is remembered when an inspection shows the start before it only now", () => {
    const script = new Script();
    script.running("w1");
    script.die("w1");
    script.event("w1", "start");
    script.kill("w1", 15);
    const started = container("w1", { state: "running", startedAt: "2026-01-01T00:05:00Z" });
    script.intent.onContainer(started, script.now);
    script.die("w1", 0);
    assert.equal(script.kind("w1"), "held");
  });

  it("is not what an engine finds dead when it starts, also where stops are respected", () => {
    const script = new Script();
    const found = script.judge("w1", { state: "exited", exitCode: 255 }, "respect");
    assert.equal(found.kind, "held");
    const unseen = new Script().judge("w1", { state: "exited", exitCode: 0 }, "respect");
    assert.equal(unseen.kind, "respected");
  });

  it("does not prolong the hold of a neighbour, for a crash loop is nobody's wish", () => {
    const script = new Script();
    script.stop("w1");
    for (let i = 0; i < 4; i++) {
      script.pass(900);
      script.die("w2");
      script.event("w2", "start");
    }
    assert.equal(script.kind("w1"), "crash");
  });
});

describe("a stop", () => {
  it("is a kill that ends and a die, docker kill included; it is held for STOP_HOLD and then ours", () => {
    for (const signal of [9, 15, 2, 3, 6, 0]) {
      const script = new Script();
      script.kill("w1", signal);
      script.die("w1");
      const held = script.judge("w1");
      assert.ok(held.kind === "held", `signal ${signal}`);
      assert.equal(held.until, after(script.now, 3_000));
      assert.equal(script.intent.nextDeadline(), held.until);
      script.pass(2_999);
      assert.equal(script.kind("w1"), "held");
      script.pass(1);
      const judgement = script.judge("w1");
      assert.ok(judgement.kind === "crash");
      assert.equal(judgement.notBefore, held.until);
      assert.match(judgement.waitReason, /nobody started it again within 3 s/);
      assert.equal(script.intent.nextDeadline(), undefined);
    }
  });

  it("is also a kill by the image's own stop signal", () => {
    const script = new Script();
    script.kill("proxy", 10);
    script.die("proxy");
    assert.equal(script.kind("proxy", { stopSignal: 10 }), "held");
    assert.equal(script.kind("proxy"), "crash");
  });

  it("is respected where the policy says so", () => {
    const script = new Script();
    script.stop("w1");
    script.pass(60_000);
    const judgement = script.judge("w1", {}, "respect");
    assert.ok(judgement.kind === "respected");
    assert.match(judgement.reason, /signal 15.*respect/);
  });

  it("is held anew with each kill, die and stop in the same project, not by those of another", () => {
    const script = new Script();
    script.stop("w1");
    script.pass(2_000);
    script.stop("w2");
    script.pass(2_000);
    assert.equal(script.kind("w1"), "held");
    script.pass(1_000);
    assert.equal(script.kind("w1"), "crash");
    const other = new Script();
    other.stop("w1");
    other.pass(2_000);
    const labels = { "com.docker.compose.project": "blog" };
    other.kill("x", 15, { labels });
    other.event("x", "die", { labels });
    other.pass(1_000);
    assert.equal(other.kind("w1"), "crash");
  });

  it("is held while a neighbour that was told to stop takes its ten seconds, and a hold longer", () => {
    const script = new Script();
    script.kill("slow", 15);
    script.stop("w1");
    for (let i = 0; i < 99; i++) {
      script.pass(100);
      assert.equal(script.kind("w1"), "held", `after ${(i + 1) * 100} ms`);
    }
    script.kill("slow", 9);
    script.die("slow");
    script.pass(2_900);
    assert.equal(script.kind("w1"), "held");
    script.pass(100);
    assert.equal(script.kind("w1"), "crash");
  });

  it("is not held for ever by a neighbour that survives its kill", () => {
    const script = new Script();
    script.kill("stubborn", 15);
    script.stop("w1");
    script.pass(59_000);
    assert.equal(script.kind("w1"), "held");
    script.pass(1_000);
    assert.equal(script.kind("w1"), "crash");
  });

  it("is over with a rename, and with a new container for the same Compose service", () => {
    const renamed = new Script();
    renamed.stop("w1");
    renamed.event("w1", "rename");
    renamed.pass(10_000);
    assert.equal(renamed.kind("w1"), "respected");
    renamed.event("w1", "start");
    renamed.pass(1_000);
    renamed.die("w1");
    assert.equal(renamed.kind("w1"), "crash", "a start begins anew");

    const replaced = new Script();
    replaced.stop("w1");
    const { labels } = container("w1");
    replaced.event("w1-new", "create", { labels });
    replaced.pass(10_000);
    assert.equal(replaced.kind("w1"), "respected");

    const unrelated = new Script();
    unrelated.stop("w1");
    unrelated.event("w2", "create");
    unrelated.pass(10_000);
    assert.equal(unrelated.kind("w1"), "crash");
  });

  it("is forgotten with its container", () => {
    const script = new Script();
    script.stop("w1");
    assert.equal(script.kind("w1"), "held");
    script.event("w1", "destroy");
    assert.equal(script.intent.nextDeadline(), undefined);
    script.stop("w2");
    assert.equal(script.kind("w2"), "held");
    script.pass(120_000);
    script.intent.onContainers("h1", [], script.now);
    assert.equal(script.intent.nextDeadline(), undefined);
  });

  it("is suspended where a coordinator of the project is told to stop itself, for a minute at most", () => {
    const script = new Script();
    script.stop("w1");
    script.intent.onSuspendProject("shop", script.now);
    script.pass(30_000);
    assert.equal(script.kind("w1"), "held");
    script.pass(30_000);
    assert.equal(script.kind("w1"), "crash");
    const other = new Script();
    other.stop("w1");
    other.intent.onSuspendProject("blog", other.now);
    other.pass(5_000);
    assert.equal(other.kind("w1"), "crash");
  });

  it("that nobody saw is held from when it is first seen, and longer where an engine that comes up may start it", () => {
    const script = new Script();
    assert.equal(script.kind("w1"), "held");
    assert.equal(script.kind("w2", { restartPolicy: "always" }), "held");
    script.pass(3_000);
    assert.equal(script.kind("w1"), "crash");
    assert.equal(script.kind("w2", { restartPolicy: "always" }), "held");
    script.pass(2_000);
    assert.equal(script.kind("w2", { restartPolicy: "always" }), "crash");
  });

  it("is not believed on for a container that was seen running anew", () => {
    const script = new Script();
    script.intent.onContainer(container("w1", { state: "running", startedAt: "one" }), script.now);
    script.stop("w1");
    script.intent.onContainer(container("w1", { state: "running", startedAt: "one" }), script.now);
    assert.equal(script.kind("w1"), "held", "an inspection older than the event changes nothing");
    script.intent.onContainer(container("w1", { state: "running", startedAt: "two" }), script.now);
    assert.equal(script.kind("w1", { state: "running" }), "crash");
  });

  it("leaves what was never started, is paused or is being removed", () => {
    const script = new Script();
    for (const state of ["created", "paused", "removing", "dead"] as const)
      assert.equal(script.kind("w1", { state }), "respected", state);
  });
});

describe("a project", () => {
  it("that was stopped as a whole stays so, also when one of it is started again", () => {
    const script = new Script();
    for (const name of ["w1", "w2", "bystander"]) script.stop(name);
    assert.equal(script.kind("w1"), "respected");
    assert.equal(script.kind("w2"), "respected");
    script.event("bystander", "start");
    script.pass(60_000);
    assert.equal(script.kind("w1"), "respected");
  });

  it("of which one container crashed was not stopped as a whole", () => {
    const script = new Script();
    script.stop("w1");
    script.stop("w2");
    script.die("bystander");
    script.pass(3_001);
    assert.equal(script.kind("w1"), "crash");
  });

  it("that is being stopped is so also where a list is made while one takes its ten seconds", () => {
    const script = new Script();
    script.running("slow");
    script.kill("slow", 15);
    script.stop("w1");
    script.pass(4_000);
    script.running("slow");
    assert.equal(script.kind("w1"), "held");
    script.die("slow", 137);
    assert.equal(script.kind("slow"), "held", "a stop, however long it took");
  });
});
