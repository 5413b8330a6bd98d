// A service that heartmesh has moved before: what a person gave it is in its journal, also through a second death.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServiceMove } from "../../../../coordinator/core/migration/plan.ts";
import type { SwarmService } from "../../../../coordinator/core/migration/swarm-view.ts";
import { host, service, tasksOn, typed, view } from "./swarm-script.ts";
import { moveOf, planFor, planOf, targetsOf, warningOf } from "./planned.ts";

/** As Swarm has it once the move is made; its update settings restored or not yet. */
const moved = (
  { service: before, change }: ServiceMove,
  settings: "restored" | "during",
): SwarmService => ({
  ...before,
  constraints: change.constraints,
  labels: { ...before.labels, ...change.labels },
  updateConfig: settings === "during" ? change.updateConfig : (change.journal.update ?? undefined),
});

const tied = ["node.labels.type==primary"];
const ownSettings = { Parallelism: 2, Order: "stop-first" };
const hosts = [typed("h1", "primary"), typed("h2", "secondary"), typed("h3", "secondary")];
const down = (name: string, type: string) => typed(name, type, { state: "down" });

describe("the host that it was moved to dies too", () => {
  const web = service("web", { constraints: tied, updateConfig: ownSettings });
  const first = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));

  for (const settings of ["restored", "during"] as const) {
    test(`it goes on to the next, and still knows where it came from (settings ${settings})`, () => {
      const now = moved(first, settings);
      const without = [down("h1", "primary"), hosts[1]!, hosts[2]!];
      const move = moveOf(planFor(view(without, [now], tasksOn(now, "h2")), "h2"));
      assert.equal(targetsOf(move), "h3");
      assert.deepEqual(move.change.constraints, ["node.labels.type==secondary", "node.id!=id-h2"]);
      assert.deepEqual(move.change.journal.before, tied);
      assert.deepEqual(move.change.journal.update, ownSettings);
      assert.match(warningOf(move, "moved-before"), /away from h1/);
    });
  }

  test("it goes home where its first host is back", () => {
    const now = moved(first, "restored");
    const move = moveOf(planFor(view(hosts, [now], tasksOn(now, "h2")), "h2"));
    assert.deepEqual(move.change.constraints, [...tied, "node.id!=id-h2"]);
    assert.equal(targetsOf(move), "h1");
  });
});

test("a host that was excluded stays so while it is away, and no longer", () => {
  const web = service("web");
  const plain = [host("h1"), host("h2"), host("h3")];
  const now = moved(moveOf(planFor(view(plain, [web], tasksOn(web, "h1")))), "restored");
  const away = [host("h1", { state: "down" }), plain[1]!, plain[2]!];
  const second = moveOf(planFor(view(away, [now], tasksOn(now, "h2")), "h2"));
  assert.deepEqual(second.change.constraints, ["node.id!=id-h2", "node.id!=id-h1"]);
  assert.deepEqual(second.change.journal.before, []);
  const back = moveOf(planFor(view(plain, [now], tasksOn(now, "h2")), "h2"));
  assert.deepEqual(back.change.constraints, ["node.id!=id-h2"]);
});

test("planned again while it moves, the update is the same", () => {
  const web = service("web", { constraints: tied, updateConfig: ownSettings });
  const first = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
  const now = moved(first, "during");
  const again = moveOf(planFor(view(hosts, [now], tasksOn(now, "h1"))));
  assert.deepEqual(again.change, first.change);
});

test("a placement that a person has changed since counts as the service's own", () => {
  const web = service("web", { constraints: tied });
  const now = moved(moveOf(planFor(view(hosts, [web], tasksOn(web, "h1")))), "restored");
  const changed = { ...now, constraints: ["node.hostname==h2"] };
  const plan = planFor(view(hosts, [changed], tasksOn(changed, "h2")), "h2");
  assert.deepEqual(moveOf(plan).change.journal.before, ["node.hostname==h2"]);
  assert.match(plan.findings[0]?.text ?? "", /changed by a person since heartmesh moved it/);
});

test("a journal that cannot be read is a finding, and the service is taken as it is", () => {
  for (const text of ["", "{", "[]", "null", '{"v":2}', '{"v":1,"from":"a","before":[1]}']) {
    const web = service("web", { labels: { "heartmesh.moved": text } });
    const plan = planFor(view(hosts, [web], tasksOn(web, "h1")));
    assert.deepEqual(moveOf(plan).change.journal.before, []);
    assert.match(plan.findings[0]?.text ?? "", /no journal that this version wrote/, text);
  }
});

test("where it was moved to, it is not touched by the old host's fate", () => {
  const web = service("web", { constraints: tied });
  const now = moved(moveOf(planFor(view(hosts, [web], tasksOn(web, "h1")))), "restored");
  const plan = planFor(view(hosts, [now], tasksOn(now, "h2")));
  assert.equal(planOf(plan, "web").reason, "its replicas run on h2 only");
});
