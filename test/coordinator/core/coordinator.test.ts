// The composed core: three whole coordinators in virtual time, from an engine's event to a recovered worker.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mesh, recovers } from "./mesh-scenes.ts";

for (const arrangement of ["inside", "around"] as const) {
  describe(`with the agent ${arrangement} the worker's network namespace`, () => {
    test("a crash is enqueued once, by the leader, as soon as the event says so, and recovers", () => {
      const m = mesh({ arrangement });
      m.engine.crash("web");
      // The event; its inspection follows 8 ms later.
      m.pass(28 + 4);
      assert.deepEqual(
        m.deeds.map(({ by, order }) => [by, order.action, order.target.name]),
        [[m.leader(), "start", "web"]],
      );
      recovers(m, "web");
      m.pass(10_000);
      assert.equal(m.deeds.length, 1);
      assert.equal(m.engine.startsOf("web"), 1);
    });

    test("a hang is restarted as soon as the agent says so", () => {
      const m = mesh({ arrangement });
      const from = m.now;
      m.engine.workers.get("web")!.isHungSince = m.now;
      m.until(() => m.deeds.length > 0, 4_000);
      assert.ok(m.now - from < 2_600, `${m.now - from}`);
      assert.equal(m.deeds[0]!.order.action, "restart");
      recovers(m, "web");
      assert.equal(m.deeds.length, 1);
    });

    test("an agent whose container died is revived alone", () => {
      const m = mesh({ arrangement });
      m.engine.crash("web-agent");
      m.until(() => m.deeds.length > 0, 1_000);
      assert.equal(m.deeds[0]!.order.action, "revive-agent");
      recovers(m, "web");
      assert.equal(m.deeds.length, 1);
      assert.equal(m.engine.startsOf("web"), arrangement === "inside" ? 0 : 1);
    });
  });
}

test("a worker of Compose is shown with its service", () => {
  assert.equal(mesh().worker("web").composeService, "web");
});

describe("a silent worker", () => {
  test("gets a verdict within 2.5 s; its agent is restarted first, and that is enough", () => {
    const m = mesh();
    const worker = m.engine.workers.get("web")!;
    worker.isMute = true;
    worker.healsBy = "agent";
    const took = m.until(() => m.deeds.length > 0, 3_000);
    assert.ok(took <= 2_500, `${took}`);
    assert.equal(m.deeds[0]!.order.action, "agent-then-worker");
    recovers(m, "web");
    assert.equal(m.engine.startsOf("web"), 0);
    assert.equal(m.engine.startsOf("web-agent"), 1);
  });

  test("whose HEALTHCHECK passes all the while is not taken for heard: its agent has its turn", () => {
    const m = mesh({ names: ["db"] });
    const worker = m.engine.add("web", "inside", { health: "healthy" });
    m.pass(11_000);
    worker.isMute = true;
    worker.healsBy = "agent";
    m.until(() => m.deeds.length > 0, 3_000);
    recovers(m, "web");
    assert.equal(m.engine.startsOf("web"), 0);
    assert.equal(m.told("try-failed", "web").length, 0);
  });

  test("is not heard where another worker's agent answers at its address", () => {
    const m = mesh();
    const worker = m.engine.workers.get("web")!;
    m.engine.answersAs.set(worker.address, "db");
    m.until(() => m.deeds.length > 0, 3_000);
    assert.equal(m.deeds[0]!.order.action, "agent-then-worker");
    assert.equal(m.deeds[0]!.order.target.name, "web");
  });

  test("whose silence outlasts its agent's restart is restarted itself", () => {
    const m = mesh({ settings: { startPeriod: 3_000 } });
    m.engine.workers.get("web")!.isMute = true;
    m.until(() => m.deeds.length > 0, 3_000);
    recovers(m, "web");
    assert.equal(m.deeds.length, 1);
    assert.equal(m.engine.startsOf("web"), 1);
    assert.equal(m.told("try-failed", "web").length, 1);
  });

  test("that one coordinator still hears is partial: named, and left alone", () => {
    const m = mesh();
    const { address } = m.engine.workers.get("web")!;
    for (const id of ["c1", "c2"]) m.cuts.add(`${address}>${id}`);
    m.pass(20_000);
    for (const id of ["c1", "c2", "c3"]) assert.equal(m.worker("web", id).verdict, "partial");
    assert.match(m.worker("web").reason, /c3 hears it, c1, c2 does not/);
    assert.deepEqual(m.deeds, []);
  });

  test("that only the leader does not hear is partial, too", () => {
    const m = mesh();
    const leader = m.leader();
    m.cuts.add(`${m.engine.workers.get("web")!.address}>${leader}`);
    m.pass(10_000);
    assert.equal(m.worker("web", leader).verdict, "partial");
    assert.deepEqual(m.deeds, []);
  });
});

describe("somebody's wish", () => {
  test("a stop by somebody is undone after STOP_HOLD, and not before", () => {
    const m = mesh();
    const from = m.now;
    m.engine.stop("web");
    const took = m.until(() => m.deeds.length > 0, 4_000);
    assert.ok(took >= 3_000 && took < 3_400, `${m.now - from}`);
    assert.equal(m.told("held", "web").length, 1);
    assert.equal(m.deeds[0]!.order.action, "start");
    recovers(m, "web");
    assert.equal(m.deeds.length, 1);
  });

  test("a stop followed by a start is left to whoever does it", () => {
    const m = mesh();
    m.engine.stop("web");
    m.engine.stop("web-agent");
    m.pass(2_000);
    m.engine.start("web");
    m.at(300, () => {
      m.engine.start("web-agent");
    });
    m.pass(15_000);
    assert.deepEqual(m.deeds, []);
    assert.equal(m.worker("web").verdict, "healthy");
  });

  test("a paused worker is left alone", () => {
    const m = mesh();
    m.engine.pause("web");
    m.pass(20_000);
    assert.equal(m.worker("web").verdict, "paused");
    assert.deepEqual(m.deeds, []);
  });

  test("a project that is taken down stays down, though one container takes its 10 s", () => {
    const m = mesh();
    for (const name of ["web", "db", "web-agent", "db-agent", "job-agent"]) m.engine.stop(name);
    const slow = m.engine.view("job")!;
    const { host, id: containerId, name, labels } = slow;
    const kill = {
      host,
      containerId,
      name,
      labels,
      action: "kill",
      signal: 15,
      exitCode: -1,
    } as const;
    for (const { id } of m.alive()) {
      m.input(id, { kind: "engine-event", event: { ...kill, ours: false } });
    }
    m.pass(10_000);
    m.engine.kill("job");
    m.pass(500);
    for (const view of [...m.engine.views.values()]) m.engine.remove(view.name);
    m.pass(20_000);
    assert.deepEqual(m.deeds, []);
  });
});

describe("an agent that somebody restarts", () => {
  test("beside its worker takes nothing with it", () => {
    const m = mesh();
    m.engine.stop("web-agent");
    m.pass(200);
    m.engine.start("web-agent");
    m.pass(10_000);
    assert.deepEqual(m.deeds, []);
    assert.equal(m.worker("web").verdict, "healthy");
  });

  test("around its worker cuts that one off: it is restarted, once", () => {
    const m = mesh({ arrangement: "around" });
    m.engine.stop("web-agent");
    m.pass(200);
    m.engine.start("web-agent");
    m.until(() => m.deeds.length > 0, 6_000);
    assert.equal(m.deeds[0]!.order.action, "restart");
    recovers(m, "web");
    m.pass(10_000);
    assert.equal(m.deeds.length, 1);
  });
});

describe("a worker that is gone", () => {
  test("is recreated after the hold where it asks for that, the rest of its project being there", () => {
    const m = mesh({ names: ["db"] });
    m.engine.add("web", "none", { labels: { "heartmesh.recreate": "true" }, health: "healthy" });
    m.pass(11_000);
    m.engine.kill("web");
    m.engine.remove("web");
    const took = m.until(() => m.deeds.length > 0, 5_000);
    assert.ok(took >= 3_000 && took < 3_400, `${took}`);
    assert.equal(m.deeds[0]!.order.action, "recreate");
    recovers(m, "web");
    assert.equal(m.deeds.length, 1);
  });

  test("stays away where nothing asks for it", () => {
    const m = mesh();
    m.engine.kill("web");
    m.engine.remove("web");
    m.pass(10_000);
    assert.equal(m.worker("web").verdict, "gone");
    assert.deepEqual(m.deeds, []);
  });
});
