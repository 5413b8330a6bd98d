// What ends a move and what undoes it is read off the service alone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { progressOf } from "../../../../coordinator/core/migration/progress.ts";
import {
  awayFrom,
  backChange,
  isUnsettled,
  readJournal,
  settleChange,
  staysWhenBack,
} from "../../../../coordinator/core/migration/undo.ts";
import { movedAway, out, settled, updated } from "./moved.ts";
import { host, service, task, tasksOn, typed, view } from "./swarm-script.ts";

const hosts = [typed("h1", "primary"), typed("h2", "secondary"), host("h3")];
const own = { Parallelism: 2, Delay: 5e9, Order: "stop-first" };
const web = service("web", {
  constraints: ["node.labels.type==primary"],
  updateConfig: own,
  labels: { team: "a" },
  replicas: 2,
});
const during = movedAway(view(hosts, [web], tasksOn(web, "h1", "h1")), "web", out("h1"));

/** What a person gave it, and nothing else. */
const givenOf = ({ constraints, updateConfig, labels }: typeof web) => [
  constraints,
  updateConfig,
  labels,
];

describe("a move", () => {
  test("there and back leaves nothing behind", () => {
    assert.ok(isUnsettled(during));
    const there = settled(during);
    assert.deepEqual(
      [there.updateConfig, there.constraints],
      [own, ["node.labels.type==secondary"]],
    );
    const change = backChange(there, false);
    assert.ok(change !== undefined);
    const returning = updated(there, change);
    assert.deepEqual(
      [returning.constraints, returning.updateConfig?.["Order"]],
      [web.constraints, "start-first"],
    );
    assert.deepEqual(givenOf(settled(returning)), givenOf(web));
  });

  test("that nothing has to move for is undone in one step", () => {
    const change = backChange(settled(during), true);
    assert.deepEqual(change && givenOf(updated(during, change)), givenOf(web));
  });

  test("that no host took is rolled back in one step, from the middle of it", () => {
    const change = backChange(during, true);
    assert.deepEqual(change && givenOf(updated(during, change)), givenOf(web));
  });

  test("of a service that a person has placed anew since is only settled, and forgotten with that", () => {
    const theirs = { ...during, constraints: ["node.role==worker"] };
    assert.equal(backChange(theirs, false), undefined);
    assert.equal(backChange(theirs, true), undefined);
    const after = settled(theirs);
    assert.deepEqual(givenOf(after), [["node.role==worker"], own, { team: "a" }]);
    assert.equal(settleChange(after), undefined);
  });

  test("keeps every host in mind that it leaves", () => {
    const free = service("free", { replicas: 2, constraints: ["node.id!=id-h9"] });
    const picture = view(hosts, [free], tasksOn(free, "h1", "h2"));
    const journal = readJournal(movedAway(picture, "free", out("h1"), out("h2")));
    assert.ok(journal !== undefined);
    assert.deepEqual(awayFrom(journal).toSorted(), ["id-h1", "id-h2"]);
  });

  test("needs nothing to move for its end where all that runs may stay", () => {
    const there = settled(during);
    assert.equal(staysWhenBack(there, ["id-h2"], hosts), false);
    assert.equal(staysWhenBack(there, ["id-h1"], hosts), true);
    assert.equal(staysWhenBack(web, ["id-h1"], hosts), false, "it was not moved");
  });
});

describe("how far a move has come", () => {
  const progress = (...tasks: readonly Parameters<typeof task>[]) =>
    progressOf(
      during,
      view(
        hosts,
        [during],
        tasks.map((one) => task(...one)),
      ),
      [out("h1")],
    );

  test("counts what runs where its placement allows it, each replica once", () => {
    const some = progress([during, 1, "h2"], [during, 1, "h2"], [during, 2, "h1"]);
    assert.deepEqual([some.running, some.isRunning, some.isSettled], [1, false, false]);
    const starting = progress([during, 1, "h2"], [during, 2, "h2", { state: "starting" }]);
    assert.equal(starting.running, 1);
    const elsewhere = progress([during, 1, "h2"], [during, 2, "h3"]);
    assert.equal(elsewhere.running, 1, "h3 is not where it belongs");
  });

  test("is settled when Swarm wants nothing on the host any more", () => {
    const running: Parameters<typeof task>[] = [
      [during, 1, "h2"],
      [during, 2, "h2"],
    ];
    const still = progress(...running, [during, 1, "h1"]);
    assert.deepEqual([still.isRunning, still.isSettled], [true, false]);
    const ended = progress(...running, [during, 1, "h1", { desired: "shutdown" }]);
    assert.deepEqual([ended.isRunning, ended.isSettled], [true, true]);
  });

  test("has Swarm's own words for what finds no host", () => {
    const error = "no suitable node (1 node not available)";
    const waiting = progress([during, 1, "", { error }], [during, 2, "", { error }]);
    assert.equal(waiting.waiting, error);
  });
});
