// What follows from a call to a cluster: placement by remaining capacity and load, all or nothing, no circles, and the same whoever decides.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { instant } from "../../../../proto/units.ts";
import { carriesOf } from "../../../../coordinator/core/clusters/carrying.ts";
import type { Cluster, ClusterCall } from "../../../../coordinator/core/clusters/cluster.ts";
import { splitCommand } from "../../../../coordinator/core/clusters/command-line.ts";
import { compare, type FoundContainer } from "../../../../coordinator/core/clusters/compare.ts";
import { decide, settled, upkeepOf } from "../../../../coordinator/core/clusters/decide.ts";
import { nodeGrace, NodeWatch } from "../../../../coordinator/core/clusters/node-watch.ts";
import { capacityOf, waitingOf } from "../../../../coordinator/core/clusters/placement.ts";
import {
  adding,
  after,
  clusterOf,
  factsOf,
  refusalOf,
  spreadOf,
  standing,
  wish,
} from "./small-clusters.ts";

describe("replicas go", () => {
  test("where most is left for its capacity", () => {
    const all = after(clusterOf("web", 2, 4, 6), [adding(6)]);
    assert.deepEqual(spreadOf(all), { n1: 1, n2: 2, n3: 3 });
  });

  test("rather to a node with less load, and to a silent one only where there is no other room", () => {
    const cluster = clusterOf("web", 4, 4);
    const loaded = factsOf([cluster], { loadOf: (_cluster, node) => (node === "n1" ? 0.6 : 0) });
    assert.deepEqual(spreadOf(after(cluster, [adding(4)], { facts: loaded })), { n1: 1, n2: 3 });
    const silent = factsOf([cluster], { isSilent: (_cluster, node) => node === "n1" });
    assert.deepEqual(spreadOf(after(cluster, [adding(4)], { facts: silent })), { n2: 4 });
    assert.deepEqual(spreadOf(after(cluster, [adding(5)], { facts: silent })), { n1: 1, n2: 4 });
  });

  test("all, or none where there is no room for all", () => {
    const cluster = after(clusterOf("web", 2, 2), [adding(3)]);
    assert.match(refusalOf(cluster, adding(2)), /room for 1 of 2/);
    assert.equal(waitingOf(after(cluster, [adding(1)], { from: 2 })), 0);
  });

  test("nowhere else when a node joins, and evenly when that is asked for", () => {
    const before = after(clusterOf("web", 8), [adding(6)]);
    const node = { id: "n2", place: { kind: "engine" }, host: "h2", port: 1, capacity: 8 } as const;
    const joined = after(before, [{ kind: "add-node", node }], { from: 2 });
    assert.deepEqual(spreadOf(joined), { n1: 6 });
    const even = after(joined, [{ kind: "rebalance" }], { from: 3 });
    assert.deepEqual(spreadOf(even), { n1: 3, n2: 3 });
    assert.deepEqual(after(even, [{ kind: "rebalance" }], { from: 4 }), even, "once is enough");
  });
});

describe("a node that goes", () => {
  const three = after(clusterOf("web", 4, 4, 4), [adding(6)]);
  const leave = (id: string, force = false): ClusterCall => {
    return { kind: "remove-node", id, host: "", port: 0, force };
  };

  test("leaves its replicas to the others, whose own stay where they are", () => {
    const lost = after(three, [{ kind: "node-lost", node: "n1", reason: "silent" }], { from: 2 });
    assert.deepEqual(spreadOf(lost), { n2: 3, n3: 3 });
    const stayed = (one: Cluster): readonly string[] =>
      one.services[0]?.replicas.map(({ node }) => node) ?? [];
    for (const [at, node] of stayed(three).entries()) {
      if (node !== "n1") assert.equal(stayed(lost)[at], node);
    }
    assert.deepEqual(spreadOf(after(three, [leave("n2")], { from: 2 })), { n1: 3, n3: 3 });
  });

  test("lets those wait for which there is no room, and they go where room comes", () => {
    const full = after(clusterOf("web", 2, 2), [adding(4)]);
    assert.match(refusalOf(full, leave("n1")), /room for 0 of its 2/);
    const forced = after(full, [leave("n1", true)], { from: 2 });
    assert.deepEqual(spreadOf(forced), { "": 2, n2: 2 });
    assert.equal(upkeepOf(forced, factsOf([forced])), undefined);
    const node = { id: "n3", place: { kind: "engine" }, host: "h3", port: 1, capacity: 1 } as const;
    const joined = after(forced, [{ kind: "add-node", node }], { from: 3 });
    assert.deepEqual(upkeepOf(joined, factsOf([joined])), { kind: "spread" });
    const spread = after(joined, [{ kind: "spread" }], { from: 4 });
    assert.deepEqual(spreadOf(spread), { "": 1, n2: 2, n3: 1 });
    const lost = after(full, [{ kind: "node-lost", node: "n1", reason: "x" }], { from: 2 });
    const back = after(lost, [{ kind: "node-back", node: "n1" }], { from: 3 });
    assert.deepEqual(spreadOf(back), { n1: 2, n2: 2 });
  });

  test("is dead only after a time, and when it was asked often enough meanwhile", () => {
    const watch = new NodeWatch();
    const silent = (at: number): void => {
      watch.onUnanswered("n1", instant(at));
    };
    silent(0);
    assert.equal(watch.isSilent("n1"), true);
    assert.equal(watch.isDead("n1", instant(10 * nodeGrace)), false, "a pause of our own");
    for (const at of [2_000, 4_000, 6_000]) silent(at);
    assert.equal(watch.isDead("n1", instant(nodeGrace - 1)), false);
    assert.equal(watch.isDead("n1", instant(nodeGrace)), true);
    watch.onAnswered("n1");
    assert.equal(watch.isDead("n1", instant(nodeGrace)), false);
  });
});

describe("clusters as nodes", () => {
  const child = clusterOf("down", 3, 2);

  test("bear what their nodes bear together, and less while others use them", () => {
    const top = after(clusterOf("top"), [standing("d", "down")], {
      facts: factsOf([clusterOf("top"), child]),
    });
    const [node] = top.nodes;
    assert.ok(node !== undefined);
    assert.equal(capacityOf(node, factsOf([top, child]).clusters), 5);
    assert.match(refusalOf(top, adding(6), factsOf([top, child])), /room for 5 of 6/);
    const used = after(child, [adding(2)]);
    assert.match(refusalOf(top, adding(4), factsOf([top, used])), /room for 3 of 4/);
  });

  test("form no circle, however long", () => {
    const a = clusterOf("a");
    const b = after(clusterOf("b"), [standing("n", "a")], { facts: factsOf([clusterOf("b"), a]) });
    const c = after(clusterOf("c"), [standing("n", "b")], { facts: factsOf([clusterOf("c"), b]) });
    const facts = factsOf([a, b, c]);
    assert.match(refusalOf(a, standing("x", "a"), facts), /circle/);
    assert.match(refusalOf(a, standing("x", "c"), facts), /circle/);
    assert.match(refusalOf(a, standing("x", "none"), facts), /no cluster none/);
    assert.equal(refusalOf(c, standing("x", "a"), facts), "");
  });

  test("are told what to run, and told again only where that changes; their loss is a node's", () => {
    const both = factsOf([clusterOf("top", 1), child]);
    const top = after(clusterOf("top", 1), [standing("d", "down"), adding(4)], { facts: both });
    const [carried, ...rest] = carriesOf(top, factsOf([top, child]).clusters);
    assert.ok(carried !== undefined);
    assert.deepEqual([rest, carried.cluster, carried.call.origin], [[], "down", "top/2"]);
    const count = carried.call.replicas.length;
    assert.equal(count, spreadOf(top)["d"]);
    const told = after(child, [carried.call], { from: 7 });
    assert.deepEqual(carriesOf(top, factsOf([top, told]).clusters), []);
    assert.match(refusalOf(told, { kind: "remove-service", number: 7 }), /belongs to top\/2/);
    const gone = after(top, [{ kind: "remove-service", number: 2 }], { from: 3 });
    const [removing] = carriesOf(gone, factsOf([gone, told]).clusters);
    assert.deepEqual(removing?.call.replicas, []);
    const dead = {
      ...told,
      nodes: told.nodes.map((node) => ({ ...node, state: "lost" as const })),
    };
    assert.equal(upkeepOf(top, factsOf([top, dead]))?.kind, "node-lost");
    assert.equal(upkeepOf(top, factsOf([top]))?.kind, "node-lost");
  });
});

describe("engines are brought to it", () => {
  const cluster = after(clusterOf("web", 2, 2), [adding(3)]);
  const found = (ordinal: number, node: string, more: Partial<FoundContainer> = {}) => ({
    ...{ id: `id-${ordinal}-${node}`, name: `hm-web-1-${ordinal}`, state: "running" },
    ...{ birth: cluster.birth, node, number: 1, ordinal, ...more },
  });
  const engine = (name: string, node: string, containers: FoundContainer[] | undefined) => ({
    ...{ engine: name, nodes: [node], containers },
  });

  test("by making what is missing, starting what was only made, and removing the rest", () => {
    const todo = compare(cluster, [
      engine("e1", "n1", [found(1, "n1", { state: "created" }), found(9, "n1")]),
      engine("e2", "n2", []),
    ]);
    assert.deepEqual(
      todo.create.map(({ name, node }) => `${name} ${node}`),
      ["hm-web-1-2 n2", "hm-web-1-3 n1"],
    );
    assert.deepEqual(todo.start, [{ engine: "e1", id: "id-1-n1" }]);
    assert.deepEqual(
      todo.remove.map(({ found: { ordinal } }) => ordinal),
      [9],
    );
  });

  test("without taking anything away before its successor can be made", () => {
    const todo = compare(cluster, [
      engine("e1", "n1", [found(1, "n1"), found(2, "n1"), found(3, "n1")]),
      engine("e2", "n2", undefined),
    ]);
    assert.deepEqual([todo.create, todo.remove], [[], []]);
    assert.deepEqual(
      todo.blocked.map(({ node }) => node),
      ["n2"],
    );
  });

  test("and containers of an earlier cluster of the same name give way", () => {
    const old = found(1, "n1", { birth: "earlier" });
    const todo = compare(cluster, [engine("e1", "n1", [old]), engine("e2", "n2", [])]);
    assert.equal(todo.create.find(({ ordinal }) => ordinal === 1)?.inTheWay, old);
    assert.deepEqual(todo.remove, []);
  });
});

test("whatever is asked, no node bears more than it can, no number is used twice, and what lives stays", () => {
  const call = fc.oneof(
    fc.integer({ min: 1, max: 6 }).map((replicas) => adding(replicas)),
    fc
      .integer({ min: 1, max: 30 })
      .map((number): ClusterCall => ({ kind: "remove-service", number })),
    fc
      .constantFrom("n1", "n2", "n3")
      .map((node): ClusterCall => ({ kind: "node-lost", node, reason: "" })),
    fc.constantFrom("n1", "n2", "n3").map((node): ClusterCall => ({ kind: "node-back", node })),
    fc.constant<ClusterCall>({ kind: "rebalance" }),
    fc.constant<ClusterCall>({ kind: "spread" }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 30 }), (calls) => {
      let now = clusterOf("web", 3, 5, 7);
      for (const [at, one] of calls.entries()) {
        const decided = decide(now, at + 1, one, factsOf([now]));
        assert.deepEqual(decide(now, at + 1, one, factsOf([now])), decided);
        if (decided.kind === "refused") continue;
        const next = settled(decided.cluster, () => true);
        assert.ok(next !== undefined);
        const spread = spreadOf(next);
        for (const { id, capacity, state } of next.nodes) {
          assert.ok((spread[id] ?? 0) <= (state === "joined" ? capacity : 0));
        }
        const numbers = next.services.map(({ number }) => number);
        assert.equal(new Set(numbers).size, numbers.length);
        now = next;
      }
    }),
  );
});

test("a container's own name is its own", () => {
  const cluster = after(clusterOf("web", 9), [adding(1, { uniqId: "db" })]);
  assert.match(refusalOf(cluster, adding(1, { uniqId: "db" })), /called db already/);
  const parts = [{ wish: { ...wish, uniqId: "other" }, replicas: 1 }];
  assert.equal(refusalOf(cluster, { kind: "add-service", parts }), "");
});

test("a command is taken apart as a shell would", () => {
  const words = (text: string): unknown => {
    const split = splitCommand(text);
    return split.ok ? split.value : split.failure;
  };
  assert.deepEqual(words(" sleep  9 "), ["sleep", "9"]);
  assert.deepEqual(words(`sh -c 'echo "a b"; exit 1' ""`), ["sh", "-c", `echo "a b"; exit 1`, ""]);
  assert.deepEqual(words(String.raw`a\ b "c\"d" 'e\'`), ["a b", 'c"d', String.raw`e\ `.trim()]);
  assert.equal(words("echo 'a"), "unclosed");
});
