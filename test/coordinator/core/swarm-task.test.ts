// A Swarm's tasks as workers: what lasts is the slot, whichever container stands for it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Census } from "../../../coordinator/core/census.ts";
import { slotNames, workerIdOf } from "../../../coordinator/core/swarm-task.ts";
import type { ContainerView } from "../../../coordinator/core/worker.ts";
import { instant } from "../../../proto/units.ts";
import { container, settings } from "./recovery-specs.ts";

const minute = 60_000;

/** The container of a task, as Swarm names and labels it. */
const task = (
  slot: string,
  id: string,
  { labels, ...over }: Partial<ContainerView> = {},
): ContainerView =>
  container(`${slot}.${id}`, {
    state: "running",
    labels: {
      role: "node",
      "com.docker.swarm.node.id": "node1",
      "com.docker.swarm.service.id": `id-${slot.slice(0, slot.lastIndexOf("."))}`,
      "com.docker.swarm.task.id": id,
      "com.docker.swarm.task.name": `${slot}.${id}`,
      ...labels,
    },
    ...over,
  });

function census(views: readonly ContainerView[] = []): Census {
  const config = {
    workerLabels: ["role=node"],
    statics: [],
    defaults: settings,
    meshPort: 7700,
    hostname: "me",
  };
  const made = new Census(config, instant(0));
  made.onSnapshot("h1", views, instant(0));
  return made;
}

/** Each worker with the container that stands for it. */
const standing = (made: Census): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries([...made.workers.values()].map(({ id, container: view }) => [id, view?.name]));

describe("a task's worker", () => {
  test("is called by its service and slot, whatever its container and host", () => {
    const first = task("shop_web.2", "abc");
    const second = task("shop_web.2", "def", { host: "h2" });
    assert.equal(workerIdOf(first), "swarm/shop_web.2");
    assert.equal(workerIdOf(second), "swarm/shop_web.2");
  });

  test("of a global service is called by its host, which it never leaves", () => {
    const view = task("agent.node1", "abc", { host: "h3" });
    assert.equal(workerIdOf(view), "swarm/agent.h3");
    assert.deepEqual(slotNames(view), ["agent.h3", "agent.node1"]);
  });

  test("is called by what there is where labels are missing", () => {
    const view = task("web.1", "abc");
    const { "com.docker.swarm.task.name": _, ...labels } = view.labels;
    assert.equal(workerIdOf({ ...view, labels }), "swarm/web.1");
    assert.equal(workerIdOf({ ...view, name: "odd", labels }), "swarm/odd");
  });

  test("of any other container is called as ever", () => {
    assert.equal(workerIdOf(container("web")), "h1/web");
    assert.deepEqual(slotNames(container("web")), []);
  });
});

describe("of the containers of one slot", () => {
  const dead = { state: "exited" } as const;
  const later = { startedAt: "2026-01-01T00:00:09Z" };

  test("the one that runs counts, in whatever order they are seen, on whatever host", () => {
    const old = task("web.1", "a", dead);
    const now = task("web.1", "b", later);
    assert.deepEqual(standing(census([old, now])), { "swarm/web.1": "web.1.b" });
    assert.deepEqual(standing(census([now, old])), { "swarm/web.1": "web.1.b" });
    const made = census([{ ...old, ...later }]);
    made.onSnapshot("h2", [{ ...task("web.1", "b"), host: "h2" }], instant(1));
    assert.deepEqual(standing(made), { "swarm/web.1": "web.1.b" });
    assert.equal(made.workers.get("swarm/web.1")?.container?.host, "h2");
  });

  test("of two that run, as in an update, the later start counts", () => {
    const both = [task("web.1", "b", later), task("web.1", "a")];
    assert.deepEqual(standing(census(both)), { "swarm/web.1": "web.1.b" });
    assert.deepEqual(standing(census(both.toReversed())), { "swarm/web.1": "web.1.b" });
  });

  test("the last one that died stands for it until its successor runs, five minutes at most", () => {
    const made = census([task("web.1", "a"), task("web.2", "c")]);
    made.onChanged(task("web.1", "a", dead), instant(1_000));
    assert.deepEqual(standing(made), { "swarm/web.1": "web.1.a", "swarm/web.2": "web.2.c" });
    assert.equal(made.workers.get("swarm/web.1")?.container?.state, "exited");
    made.onChanged(task("web.1", "b", later), instant(6_000));
    assert.equal(standing(made)["swarm/web.1"], "web.1.b");
    made.onChanged(task("web.1", "b", { ...later, ...dead }), instant(10_000));
    made.tidy(instant(10_000 + 5 * minute - 1));
    assert.equal(standing(made)["swarm/web.1"], "web.1.b");
    made.tidy(instant(10_000 + 5 * minute));
    assert.deepEqual(standing(made), { "swarm/web.2": "web.2.c" });
    // It comes back whenever Swarm starts it.
    made.onChanged(task("web.1", "d", later), instant(20 * minute));
    assert.equal(standing(made)["swarm/web.1"], "web.1.d");
  });

  test("those that were dead before anybody looked are history", () => {
    assert.deepEqual(standing(census([task("web.1", "a", dead)])), {});
  });

  test("one that is removed with its service is shown as gone, one of a service that is scaled down is not", () => {
    const scaled = census([task("web.1", "a"), task("web.2", "c")]);
    scaled.onGone("h1", "id-web.1.a", instant(1_000));
    assert.deepEqual(standing(scaled), { "swarm/web.2": "web.2.c" });
    const made = census([task("web.1", "a"), task("db.1", "c")]);
    made.onGone("h1", "id-web.1.a", instant(1_000));
    assert.equal(made.lastSeen("swarm/web.1")?.name, "web.1.a");
    assert.equal(made.workers.get("swarm/web.1")?.container, undefined);
    made.onChanged(task("web.1", "b", later), instant(6_000));
    assert.equal(made.lastSeen("swarm/web.1"), undefined);
    assert.equal(standing(made)["swarm/web.1"], "web.1.b");
  });
});

describe("an agent inside a task", () => {
  const announced = (made: Census, name: string, address: string, at = 1): void => {
    made.onSighting({ name, address, port: 8888, at: instant(at) }, instant(at));
  };
  const probeOf = (made: Census): unknown => made.workers.get("swarm/web.1")?.probe;

  test("is found by its slot, its container's name or its host name", () => {
    const view = task("web.1", "a", { hostname: "c0ffee" });
    for (const name of ["web.1", "web.1.a", "c0ffee"]) {
      const made = census([view]);
      announced(made, name, "10.9.9.9");
      assert.equal(made.workerCalled(name), "swarm/web.1", name);
      assert.deepEqual(probeOf(made), { kind: "agent", address: "10.9.9.9", port: 8888 });
      assert.deepEqual(made.findings, []);
    }
  });

  test("of a global service by its host or its node's id", () => {
    for (const name of ["web.h1", "web.node1"]) {
      const made = census([task("web.node1", "a")]);
      announced(made, name, "10.9.9.9");
      assert.equal(made.workerCalled(name), "swarm/web.h1");
    }
  });

  test("is asked where its slot's agent of the moment announces itself from", () => {
    const made = census([task("web.1", "a")]);
    announced(made, "web.1", "10.0.0.1");
    made.onChanged(task("web.1", "a", { state: "exited" }), instant(2));
    made.onSnapshot("h2", [{ ...task("web.1", "b"), host: "h2" }], instant(3));
    announced(made, "web.1", "10.0.0.2", 4);
    assert.deepEqual(probeOf(made), { kind: "agent", address: "10.0.0.2", port: 8888 });
  });

  test("that died with its container is no stranger, and is forgotten", () => {
    const made = census([task("web.1", "a", { hostname: "c0ffee" })]);
    announced(made, "c0ffee", "10.0.0.1");
    made.onChanged(task("web.1", "a", { hostname: "c0ffee", state: "exited" }), instant(2));
    made.onChanged(task("web.1", "b", { hostname: "decade" }), instant(3));
    assert.deepEqual(Object.keys(standing(made)), ["swarm/web.1"]);
    assert.deepEqual(made.findings, []);
    made.tidy(instant(2 * minute));
    made.onGone("h1", "id-web.1.a", instant(2 * minute));
    assert.deepEqual(Object.keys(standing(made)), ["swarm/web.1"]);
  });
});
