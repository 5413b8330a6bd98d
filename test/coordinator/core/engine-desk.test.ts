// News of engines: an event counts at once, and an inspection that is older than it does not undo it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Census } from "../../../coordinator/core/census.ts";
import { EngineDesk } from "../../../coordinator/core/engine-desk.ts";
import { Hosts } from "../../../coordinator/core/hosts.ts";
import { Intent } from "../../../coordinator/core/intent.ts";
import type { ContainerView, EngineEvent } from "../../../coordinator/core/worker.ts";
import { instant } from "../../../proto/units.ts";
import { container, settings } from "./recovery-specs.ts";

const running = container("web", { state: "running", startedAt: "1", labels: { role: "node" } });

function desk() {
  const census = new Census(
    { workerLabels: ["role=node"], statics: [], defaults: settings, meshPort: 7700, hostname: "" },
    instant(0),
  );
  const hosts = new Hosts();
  const made = new EngineDesk({ census, hosts, intent: new Intent({ stopHold: 3_000 }) });
  made.onNews({ kind: "engine-snapshot", host: "h1", containers: [running] }, instant(0));
  const event = (action: EngineEvent["action"], at: number) =>
    made.onNews(
      {
        kind: "engine-event",
        event: {
          host: "h1",
          containerId: running.id,
          name: "web",
          labels: running.labels,
          action,
          signal: 0,
          exitCode: 3,
          ours: false,
        },
      },
      instant(at),
    );
  const inspect = (over: Partial<ContainerView>, at: number) =>
    made.onNews({ kind: "container-changed", view: { ...running, ...over } }, instant(at));
  const state = () => {
    const view = census.container("h1", running.id);
    return view === undefined ? "none" : `${view.state} ${view.health} ${view.exitCode}`;
  };
  return { census, hosts, made, event, inspect, state };
}

describe("an event", () => {
  test("changes the picture at once: its death, its pause, its health, its end", () => {
    const rows: [EngineEvent["action"], string][] = [
      ["die", "exited none 3"],
      ["pause", "paused none 137"],
      ["unpause", "running none 137"],
      ["health-unhealthy", "running unhealthy 137"],
      ["health-healthy", "running healthy 137"],
      ["health-starting", "running starting 137"],
      ["kill", "running none 137"],
      ["start", "running none 137"],
      ["destroy", "none"],
    ];
    for (const [action, picture] of rows) {
      const { event, state } = desk();
      assert.deepEqual(event(action, 1).touched, { kind: "holds" });
      assert.equal(state(), picture, action);
    }
  });

  test("of a death is not undone by an inspection or a list that was made before it", () => {
    const { event, inspect, made, state } = desk();
    event("die", 1_000);
    inspect({}, 1_010);
    assert.equal(state(), "exited none 3");
    made.onNews({ kind: "engine-snapshot", host: "h1", containers: [running] }, instant(1_020));
    assert.equal(state(), "exited none 3");
  });

  test("of a death is past with the next start, or where the engine goes on saying otherwise", () => {
    const again = desk();
    again.event("die", 1_000);
    again.inspect({ startedAt: "2" }, 1_300);
    assert.equal(again.state(), "running none 137");
    const late = desk();
    late.event("die", 1_000);
    late.event("start", 1_001);
    late.inspect({}, 1_020);
    assert.equal(late.state(), "running none 137", "both were long past when they were told");
    const wrong = desk();
    wrong.event("die", 1_000);
    wrong.inspect({}, 3_001);
    assert.equal(wrong.state(), "running none 137");
  });

  test("of a container that is not known changes nothing", () => {
    const { census, made } = desk();
    const event = { host: "h2", containerId: "x", name: "x", labels: {}, signal: 0, exitCode: 1 };
    made.onNews(
      { kind: "engine-event", event: { ...event, action: "die", ours: false } },
      instant(1),
    );
    assert.equal([...census.containers()].length, 1);
  });
});

describe("an engine", () => {
  test("that was lost is out of reach until it is back, and all its workers are judged anew", () => {
    const { made, hosts } = desk();
    const lost = made.onNews({ kind: "engine-lost", host: "h1", reason: "no answer" }, instant(1));
    assert.deepEqual(lost.touched, { kind: "host", host: "h1" });
    assert.equal(hosts.isReachable("h1"), false);
    assert.deepEqual(hosts.list(), [{ host: "h1", reachable: false, reason: "no answer" }]);
    const back = made.onNews({ kind: "engine-back", host: "h1", restarted: false }, instant(2));
    assert.deepEqual(back.touched, { kind: "host", host: "h1" });
    assert.equal(hosts.isReachable("h1"), true);
    assert.equal(hosts.isReachable("unheard of"), true);
  });

  test("that restarted explains for 30 s what stopped with it; found stopped at first sight counts as one", () => {
    const { made, hosts } = desk();
    const stopped = container("web");
    made.onNews({ kind: "engine-back", host: "h1", restarted: false }, instant(50_000));
    assert.equal(hosts.causeOf(stopped, false, instant(50_001)), "");
    made.onNews({ kind: "engine-back", host: "h1", restarted: true }, instant(60_000));
    assert.equal(hosts.causeOf(stopped, false, instant(90_000)), "engine h1 restarted");
    assert.equal(hosts.causeOf(stopped, true, instant(90_000)), "found stopped on h1");
    assert.equal(hosts.causeOf(stopped, false, instant(90_001)), "");
    assert.equal(hosts.causeOf(running, false, instant(60_001)), "");
  });
});
