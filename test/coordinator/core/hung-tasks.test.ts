// Hung tasks of a Swarm, in virtual time: the coordinators kill, Swarm replaces, and the caps count by slot.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MeshHarness, MeshOptions } from "./mesh-harness.ts";
import { mesh, recovers } from "./mesh-scenes.ts";

const names = ["web.1", "web.2"];
const swarm = (options: MeshOptions = {}): MeshHarness =>
  mesh({ arrangement: "task", names, ...options });
const actions = (m: MeshHarness): readonly string[] =>
  m.deeds.map(({ order }) => `${order.action} ${order.target.name}`);
/** Who started anything. */
const starters = (m: MeshHarness): readonly string[] => [
  ...new Set(m.engine.starts.map(({ by }) => by)),
];
const hang = (m: MeshHarness, slot: string): void => {
  m.engine.workers.get(slot)!.isHungSince = m.now;
};

describe("a hung task", () => {
  test("is killed, and has recovered when Swarm's other container answers", () => {
    const m = swarm();
    const before = m.engine.view("web.1")!;
    hang(m, "web.1");
    recovers(m, "web.1");
    assert.deepEqual(actions(m), [`kill ${before.name}`]);
    assert.deepEqual(starters(m), ["swarm"]);
    const now = m.engine.view("web.1")!;
    assert.notEqual(now.id, before.id);
    assert.equal(m.worker("web.1").containerId, now.id);
    assert.match(
      m.told("acted", "web.1")[0]!.text,
      /container .* is killed, and Swarm starts another/,
    );
    m.pass(60_000);
    assert.equal(m.deeds.length, 1);
    assert.equal(m.engine.startsOf("web.2"), 0);
  });

  test("that is silent is killed as well: there is no agent beside it to be restarted first", () => {
    const m = swarm();
    const { name } = m.engine.view("web.1")!;
    m.engine.workers.get("web.1")!.isMute = true;
    recovers(m, "web.1");
    assert.deepEqual(actions(m), [`kill ${name}`]);
    assert.deepEqual(starters(m), ["swarm"]);
  });

  test("that hangs again and again ends in quarantine, whatever its containers are called", () => {
    const m = swarm({ settings: { maxRevivals: 3 } });
    for (let round = 1; round <= 3; round++) {
      hang(m, "web.1");
      recovers(m, "web.1", round);
      m.pass(10_000);
    }
    hang(m, "web.1");
    m.until(() => m.told("quarantined", "web.1").length > 0, 10_000);
    m.pass(60_000);
    assert.equal(m.deeds.length, 3);
    assert.equal(new Set(m.deeds.map(({ order }) => order.target.containerId)).size, 3);
    assert.ok(m.worker("web.1").quarantinedFor > 0);
    assert.equal(m.worker("web.2").quarantinedFor, -1);
  });

  test("whose successors hang from the start is given up after MAX_TRIES", () => {
    const m = swarm({ settings: { startPeriod: 2_000 } });
    m.engine.workers.get("web.1")!.healsBy = "agent";
    m.engine.workers.get("web.1")!.isMute = true;
    m.until(() => m.told("quarantined", "web.1").length > 0, 180_000);
    assert.deepEqual(new Set(m.deeds.map(({ order }) => order.action)), new Set(["kill"]));
    assert.equal(m.deeds.length, 3);
    assert.equal(new Set(m.deeds.map(({ order }) => order.target.containerId)).size, 3);
    assert.deepEqual(starters(m), ["swarm"]);
  });

  test("that Swarm does not replace is left then, and said so", () => {
    const m = swarm({ settings: { startPeriod: 2_000 } });
    m.engine.hasSwarm = false;
    hang(m, "web.1");
    m.until(() => m.told("try-failed", "web.1").length > 0, 40_000);
    m.pass(60_000);
    assert.equal(m.deeds.length, 1);
    assert.deepEqual(m.engine.starts, []);
    assert.equal(m.worker("web.1").verdict, "stopped");
    assert.ok(m.told("left-alone", "web.1").some(({ text }) => text.includes("Swarm itself")));
  });

  test("is killed directly while Redis is away", () => {
    const m = swarm();
    m.redis("unreachable");
    m.pass(5_000);
    hang(m, "web.1");
    recovers(m, "web.1");
    assert.deepEqual(
      m.deeds.map(({ way, order }) => [way, order.action]),
      [["act-directly", "kill"]],
    );
    assert.deepEqual(starters(m), ["swarm"]);
  });

  test("whose leader dies after the kill is followed by the next one, and killed once", () => {
    const m = swarm();
    hang(m, "web.1");
    m.until(() => m.told("acted", "web.1").length > 0, 10_000);
    m.kill(m.leader());
    m.until(() => m.engine.startsOf("web.1") > 0, 10_000);
    m.pass(20_000);
    for (const { id } of m.alive()) assert.equal(m.worker("web.1", id).verdict, "healthy");
    assert.equal(m.deeds.length, 1);
    assert.deepEqual(starters(m), ["swarm"]);
  });
});

describe("a task that does not hang", () => {
  test("and dies is Swarm's own business", () => {
    const m = swarm();
    m.engine.crash("web.1");
    m.pass(3_000);
    assert.equal(m.worker("web.1").verdict, "stopped");
    assert.match(m.told("left-alone", "web.1")[0]!.text, /Swarm itself starts another container/);
    m.pass(10_000);
    assert.equal(m.worker("web.1").verdict, "healthy");
    assert.deepEqual(m.deeds, []);
    assert.deepEqual(starters(m), ["swarm"]);
  });

  test("is killed where a person asks for its revival, and not started by hand either", () => {
    const m = swarm();
    const { name } = m.engine.view("web.1")!;
    const command = { kind: "revive", worker: "swarm/web.1", by: "ann", reason: "odd" } as const;
    m.input(m.leader(), { kind: "operator-asked", command });
    recovers(m, "web.1");
    assert.deepEqual(actions(m), [`kill ${name}`]);
    assert.deepEqual(starters(m), ["swarm"]);
  });
});
