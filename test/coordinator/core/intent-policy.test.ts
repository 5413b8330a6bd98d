// A container with a restart policy: when its start is the engine's business, and when it becomes ours.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after } from "../../../proto/units.ts";
import { Script } from "./intent-script.ts";

describe("a restart policy", () => {
  const policies = ["always", "unless-stopped", "on-failure"] as const;

  it("gives the engine a second after a crash, then it is ours", () => {
    for (const restartPolicy of policies) {
      const script = new Script();
      script.die("w1", 1);
      const view = { restartPolicy, exitCode: 1 };
      const first = script.judge("w1", view);
      assert.ok(first.kind === "engine-first", restartPolicy);
      assert.equal(first.until, after(script.now, 1_000));
      script.pass(1_000);
      assert.equal(script.kind("w1", view), "crash");
    }
  });

  it("is waited for while the engine is too busy to show what it does", () => {
    const script = new Script();
    script.die("w1", 1);
    const diedAt = script.now;
    const foretold = { restartPolicy: "always", exitCode: 1, isForetold: true } as const;
    script.pass(1_000);
    const judgement = script.judge("w1", foretold);
    assert.ok(judgement.kind === "engine-first");
    assert.equal(judgement.until, after(diedAt, 5_000));
    const shown = { restartPolicy: "always", exitCode: 1 } as const;
    assert.equal(script.kind("w1", shown), "crash", "it was shown to stay as it is");
    script.pass(4_000);
    assert.equal(script.kind("w1", foretold), "crash");
    script.die("w2", 1);
    assert.equal(script.kind("w2", { isForetold: true }), "crash", "it has no policy");
  });

  it("on-failure means nothing after an exit with 0 or the last of its retries", () => {
    const script = new Script();
    script.die("w1", 0);
    assert.equal(script.kind("w1", { restartPolicy: "on-failure", exitCode: 0 }), "crash");
    const spent = { restartPolicy: "on-failure", exitCode: 1, maximumRetries: 3 } as const;
    assert.equal(script.kind("w1", { ...spent, restartCount: 3 }), "crash");
    assert.equal(script.kind("w1", { ...spent, restartCount: 2 }), "engine-first");
    assert.equal(
      script.kind("w1", { ...spent, restartCount: 3, state: "restarting" }),
      "engine-first",
      "it is at its last retry",
    );
  });

  it("is waited for while the engine restarts sooner than we would", () => {
    const script = new Script();
    script.die("w1", 1);
    const view = { restartPolicy: "always", state: "restarting", restartCount: 4 } as const;
    script.pass(1_000);
    const judgement = script.judge("w1", view);
    assert.ok(judgement.kind === "engine-first");
    assert.equal(judgement.until, after(script.now, 800));
    script.pass(800);
    assert.equal(script.kind("w1", view), "crash", "800 ms and a second have passed");
  });

  it("is overtaken where the engine's wait exceeds ours, never right before its restart", () => {
    const script = new Script();
    script.die("w1", 1);
    const view = { restartPolicy: "always", state: "restarting", restartCount: 6 } as const;
    assert.equal(script.kind("w1", view), "engine-first");
    script.pass(1_000);
    assert.equal(script.kind("w1", view), "crash", "3.2 s are longer than our second");
    script.pass(1_800);
    assert.equal(script.kind("w1", view), "engine-first", "it restarts in 400 ms");
    script.pass(1_500);
    assert.equal(script.kind("w1", view), "crash", "it should have");
  });

  it("knows that the engine begins anew after a long run", () => {
    const script = new Script();
    script.event("w1", "start");
    script.pass(20_000);
    script.die("w1", 1);
    script.pass(1_000);
    const view = { restartPolicy: "always", state: "restarting", restartCount: 9 } as const;
    assert.equal(script.kind("w1", view), "engine-first");
    script.pass(100);
    assert.equal(script.kind("w1", view), "crash");
  });

  it("does nothing after somebody's stop, so that is ours after the hold", () => {
    const script = new Script();
    script.stop("w1");
    assert.equal(script.kind("w1", { restartPolicy: "always" }), "held");
    script.pass(3_000);
    assert.equal(script.kind("w1", { restartPolicy: "always" }), "crash");
  });

  it("is the engine's business for a while after it has come back; containers without one are ours", () => {
    const script = new Script();
    script.kill("w1", 15);
    script.die("w1");
    script.kill("w2", 15);
    script.die("w2");
    script.pass(20_000);
    script.intent.onEngineBack("h1", script.now);
    assert.equal(script.kind("w1", { restartPolicy: "always" }), "engine-first");
    assert.equal(script.kind("w2"), "crash");
    script.pass(5_000);
    assert.equal(script.kind("w1", { restartPolicy: "always" }), "crash");
  });

  it("gives the engine its second after a death, however long before that it came back", () => {
    const script = new Script();
    script.running("w1");
    script.intent.onEngineBack("h1", script.now);
    script.pass(4_500);
    script.die("w1", 1);
    const judgement = script.judge("w1", { restartPolicy: "always", exitCode: 1 });
    assert.ok(judgement.kind === "engine-first");
    assert.equal(judgement.until, after(script.now, 1_000));
  });

  it("counts the engine's restarts, not ours, not a person's, not those of an engine that came up", () => {
    const script = new Script();
    const judge = (): unknown => script.judge("w1", { restartPolicy: "always" });
    script.die("w1");
    judge();
    script.pass(120);
    assert.equal(script.event("w1", "start"), "engine-restarted");
    script.die("w1");
    assert.equal(script.event("w1", "start", { ours: true }), undefined);
    script.stop("w1");
    assert.equal(script.event("w1", "start"), undefined);
    assert.equal(script.intent.engineRestarts("id-w1", 600_000, script.now), 1);
    script.die("w1");
    script.intent.onEngineBack("h1", script.now);
    script.pass(300);
    assert.equal(script.event("w1", "start"), undefined);
    script.die("w2");
    assert.equal(script.event("w2", "start"), undefined, "it has no policy");
    script.pass(600_000);
    assert.equal(script.intent.engineRestarts("id-w1", 600_000, script.now), 0);
  });
});
