// The wait for a first life after an action, and the watch over it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Vigil, type Eyes } from "../../../coordinator/core/vigil.ts";
import type { WorkerSpec } from "../../../coordinator/core/worker.ts";
import type { AgentHealth } from "../../../proto/messages.ts";
import { instant } from "../../../proto/units.ts";
import { container, spec } from "./recovery-specs.ts";

const worker = "h1/web";
const seen = (startedAt: string, over: Partial<WorkerSpec["container"]> = {}): WorkerSpec =>
  spec(worker, {
    container: container("web", { state: "running", startedAt, ...over }),
    agent: container("web-agent", { state: "running" }),
    probe: { kind: "agent", address: "10.0.0.2", port: 8888 },
  });
const old = seen("2026-01-01T00:00:00Z");
const fresh = seen("2026-01-01T00:01:00Z");
const says = (state: AgentHealth["state"], checkedAgo = 10): AgentHealth => ({
  state,
  checkedAgo,
  reason: "",
});
const sees: Eyes = { wonder: () => undefined, isBlindTo: () => false };
const alive = [{ kind: "life-answered", id: 1, result: "alive" }];

/** Waits since 1,000 for the start of `fresh`, until 11,000. */
function waiting(
  startedAt = "2026-01-01T00:01:00Z",
  isAgents = false,
  isSecondLook = false,
): Vigil {
  const vigil = new Vigil();
  const until = vigil.awaitLife(
    { id: 1, worker, startedAt, isAgents, timeout: 10_000, isSecondLook },
    instant(1_000),
  );
  assert.equal(until, 11_000);
  return vigil;
}

describe("a first life", () => {
  test("is a healthy answer while the engine shows the new start", () => {
    assert.deepEqual(waiting().onHealth(fresh, says("healthy"), instant(1_100)), alive);
  });

  test("is not one while the engine still shows the old start, or a stopped container", () => {
    const vigil = waiting();
    const stopped = seen("2026-01-01T00:01:00Z", { state: "exited" });
    assert.deepEqual(vigil.onHealth(old, says("unhealthy"), instant(1_100)), []);
    assert.deepEqual(vigil.onHealth(stopped, says("healthy"), instant(1_200)), []);
  });

  test("that was proven before the engine showed the start counts when it does", () => {
    const vigil = waiting();
    assert.deepEqual(vigil.onHealth(old, says("healthy"), instant(1_100)), []);
    assert.deepEqual(vigil.onSpec(fresh, false), alive);
  });

  test("is not proven by a check that began before the action", () => {
    const vigil = waiting();
    assert.deepEqual(vigil.onHealth(fresh, says("healthy", 600), instant(1_500)), []);
    assert.deepEqual(vigil.onHealth(fresh, says("healthy", 499), instant(1_500)), alive);
  });

  test("is proven by an earlier check too where the action was long ago", () => {
    const vigil = waiting(undefined, false, true);
    assert.deepEqual(vigil.onHealth(old, says("healthy", 600), instant(1_100)), []);
    assert.deepEqual(
      waiting(undefined, false, true).onHealth(fresh, says("healthy", 600), instant(1_100)),
      alive,
    );
    assert.deepEqual(
      waiting(undefined, false, true).onHealth(fresh, says("unhealthy", 600), instant(1_100)),
      [],
    );
  });

  test("that does not come is no timeout for whoever may itself be deaf", () => {
    const blind = [{ kind: "life-answered", id: 1, result: "blind" }];
    const wondered: string[] = [];
    const deaf: Eyes = {
      wonder: (id, now) => wondered.push(`${id} ${now}`),
      isBlindTo: (id) => id === worker,
    };
    const vigil = waiting();
    assert.equal(vigil.nextDeadline(), 10_600);
    assert.deepEqual(vigil.onTick(deaf, instant(10_600)), []);
    assert.deepEqual(vigil.onTick(deaf, instant(11_000)), blind);
    assert.deepEqual(wondered, [`${worker} 10600`]);
  });

  test("is any answer of an agent without a check, and none of one whose check has not passed", () => {
    assert.deepEqual(waiting().onHealth(fresh, says("unchecked", 0), instant(1_001)), alive);
    for (const state of ["starting", "unhealthy"] as const) {
      assert.deepEqual(waiting().onHealth(fresh, says(state), instant(2_000)), []);
    }
  });

  test("of an agent that alone was acted on is any answer at all", () => {
    for (const state of ["starting", "unhealthy", "unchecked", "healthy"] as const) {
      assert.deepEqual(waiting("", true).onHealth(old, says(state), instant(1_100)), alive, state);
    }
  });

  test("is a check of our own that passes", () => {
    assert.deepEqual(waiting().onCheckPassed(fresh), alive);
    assert.deepEqual(waiting().onCheckPassed(old), []);
  });

  test("is another worker's business where that one answers", () => {
    const other = spec("h1/db", { probe: fresh.probe });
    assert.deepEqual(waiting().onHealth(other, says("healthy"), instant(1_100)), []);
    assert.equal(waiting().waitsFor("h1/db"), undefined);
    assert.equal(waiting().waitsFor(worker), 11_000);
  });

  test("that does not come is a timeout, once", () => {
    const vigil = waiting();
    assert.equal(vigil.nextDeadline(), 10_600);
    assert.deepEqual(vigil.onTick(sees, instant(10_999)), []);
    const timeout = [{ kind: "life-answered", id: 1, result: "timeout" }];
    assert.deepEqual(vigil.onTick(sees, instant(11_000)), timeout);
    assert.ok(vigil.isIdle);
    assert.deepEqual(vigil.onTick(sees, instant(12_000)), []);
  });
});

describe("the first life of another container in the place of one that was killed", () => {
  const wait = { id: 1, worker, startedAt: "2026-01-01T00:00:00Z", timeout: 10_000 };
  const successor = (): Vigil => {
    const vigil = new Vigil();
    const asked = { ...wait, isAgents: false, isSecondLook: false, isSuccessor: true } as const;
    vigil.awaitLife(asked, instant(1_000));
    return vigil;
  };

  test("is not that of the killed one, which may still be thought to run", () => {
    const vigil = successor();
    assert.deepEqual(vigil.onCheckPassed(old), []);
    assert.deepEqual(vigil.onSpec(seen(wait.startedAt, { health: "healthy" }), false), []);
    assert.deepEqual(vigil.onCheckPassed(spec(worker)), []);
    assert.deepEqual(vigil.onCheckPassed(fresh), alive);
  });

  test("is awaited while that one has ended, and while others end", () => {
    const vigil = successor();
    const ended = seen(wait.startedAt, { state: "exited" });
    assert.deepEqual(vigil.onVerdict(ended, "stopped", "died", instant(1_100)), []);
    const second = seen("2026-01-01T00:00:30Z", { state: "exited" });
    assert.deepEqual(vigil.onVerdict(second, "stopped", "died", instant(1_200)), []);
    assert.deepEqual(vigil.onHealth(fresh, says("healthy"), instant(2_000)), alive);
  });
});

describe("the engine's HEALTHCHECK", () => {
  const healthy = seen("2026-01-01T00:01:00Z", { health: "healthy" });

  test("proves the start that it speaks of", () => {
    assert.deepEqual(waiting().onSpec(healthy, false), alive);
  });

  test("proves nothing of a start by what it said of the one before", () => {
    const vigil = waiting();
    assert.deepEqual(vigil.onSpec(seen("2026-01-01T00:00:00Z", { health: "healthy" }), false), []);
    const starting = seen("2026-01-01T00:01:00Z", { health: "starting" });
    assert.deepEqual(vigil.onSpec(starting, false), []);
    assert.deepEqual(vigil.onSpec(healthy, false), alive);
  });

  test("of the worker proves nothing of its agent", () => {
    assert.deepEqual(waiting("", true).onSpec(healthy, false), []);
    assert.deepEqual(waiting("2026-01-01T00:01:00Z", true).onSpec(healthy, false), []);
  });

  test("is not asked where there is none and nobody can ask: then it is enough that it runs", () => {
    const mute: WorkerSpec = { ...fresh, agent: undefined, probe: { kind: "engine-only" } };
    assert.deepEqual(waiting().onSpec(mute, false), alive);
    assert.deepEqual(waiting().onSpec(fresh, true), alive);
    assert.deepEqual(waiting().onSpec(fresh, false), []);
  });
});

describe("a window", () => {
  const opened = (): Vigil => {
    const vigil = new Vigil();
    vigil.openWindow(7, worker, 5_000, instant(1_000));
    return vigil;
  };

  test("is steady when its time has passed", () => {
    const vigil = opened();
    assert.equal(vigil.nextDeadline(), 6_000);
    assert.deepEqual(vigil.onTick(sees, instant(5_999)), []);
    const steady = [{ kind: "window-closed", id: 7, result: "steady" }];
    assert.deepEqual(vigil.onTick(sees, instant(6_000)), steady);
    assert.ok(vigil.isIdle);
  });

  test("ends at once by a verdict that it has failed again, and by no other", () => {
    for (const verdict of ["healthy", "starting", "partial", "agent-lost", "unknown"] as const) {
      assert.deepEqual(opened().onVerdict(fresh, verdict, "stopped", instant(2_000)), [], verdict);
    }
    for (const verdict of ["stopped", "unhealthy", "silent", "gone"] as const) {
      const died = [{ kind: "window-closed", id: 7, result: "died" }];
      assert.deepEqual(opened().onVerdict(fresh, verdict, "died", instant(2_000)), died, verdict);
      assert.deepEqual(
        opened().onVerdict({ ...fresh, id: "h1/db" }, verdict, "died", instant(2_000)),
        [],
        verdict,
      );
    }
  });

  test("whose worker is unwell ends as the engine tells, or soon as a death", () => {
    const exited = (vigil: Vigil): unknown =>
      vigil.onVerdict(fresh, "unhealthy", "unwell", instant(2_000));
    const told = opened();
    assert.deepEqual(exited(told), []);
    const stopped = [{ kind: "window-closed", id: 7, result: "stopped" }];
    assert.deepEqual(told.onVerdict(fresh, "stopped", "stopped", instant(2_040)), stopped);
    const untold = opened();
    assert.deepEqual(exited(untold), []);
    assert.equal(untold.nextDeadline(), 3_000);
    const died = [{ kind: "window-closed", id: 7, result: "died" }];
    assert.deepEqual(untold.onTick(sees, instant(3_000)), died);
  });

  test("tells a stop that somebody wished for from a death", () => {
    const stopped = [{ kind: "window-closed", id: 7, result: "stopped" }];
    assert.deepEqual(opened().onVerdict(fresh, "stopped", "stopped", instant(2_000)), stopped);
  });
});

describe("a wait", () => {
  const waiting = (): Vigil => {
    const vigil = new Vigil();
    const wait = { id: 7, worker, startedAt: "2", isAgents: false, timeout: 5_000 };
    vigil.awaitLife({ ...wait, isSecondLook: false }, instant(1_000));
    return vigil;
  };

  test("ends at once when the very start that it waits for has ended", () => {
    const ended = seen("2", { state: "exited" });
    const died = [{ kind: "life-answered", id: 7, result: "died" }];
    assert.deepEqual(waiting().onVerdict(ended, "stopped", "died", instant(2_000)), died);
    const stopped = [{ kind: "life-answered", id: 7, result: "stopped" }];
    assert.deepEqual(waiting().onVerdict(ended, "stopped", "stopped", instant(2_000)), stopped);
  });

  test("goes on where an older start is seen ended, or where it is silent", () => {
    const older = seen("1", { state: "exited" });
    assert.deepEqual(waiting().onVerdict(older, "stopped", "died", instant(2_000)), []);
    const silent = seen("2");
    assert.deepEqual(waiting().onVerdict(silent, "silent", "died", instant(2_000)), []);
    // A verdict that is of the start before.
    assert.deepEqual(waiting().onVerdict(silent, "stopped", "died", instant(2_000)), []);
  });
});
