// A set of coordinators that changes: by a quorum of the old set and of the new one, durable, and never two quorums.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Election, type ElectionOutput } from "../../../coordinator/core/election.ts";
import { Lease } from "../../../coordinator/core/lease.ts";
import { changed, seedOf } from "../../../coordinator/core/member-set.ts";
import { limits } from "../../../proto/limits.ts";
import { Random } from "../../../proto/random.ts";
import { instant, term, type CoordinatorId } from "../../../proto/units.ts";
import { Cluster } from "./election-cluster.ts";
import { memberNamed, membersNamed } from "./members-named.ts";

const change = (cluster: Cluster, at: CoordinatorId, kind: "add" | "remove", id: string): void => {
  const wish = kind === "add" ? { kind, member: memberNamed(id) } : { kind, id };
  cluster.step(at, (election, now) => election.change(wish, now));
};

const idsAt = (cluster: Cluster, id: CoordinatorId): string =>
  cluster.election(id).members.ids.join();

const endingsAt = (cluster: Cluster, id: CoordinatorId): string[] =>
  cluster.changesOf(id).flatMap((one) => (one.kind === "change-ended" ? [one.how] : []));

const lastText = (cluster: Cluster, id: CoordinatorId): string => {
  const ended = cluster.changesOf(id).findLast((one) => one.kind === "change-ended");
  return ended?.kind === "change-ended" ? ended.text : "";
};

/** Settled, and newcomers heard for long enough. */
function settled(newcomers: number, seed = 1, members = 3): { cluster: Cluster; leader: string } {
  const cluster = new Cluster({ seed, members, newcomers });
  const leader = cluster.settleAll();
  cluster.run(2000);
  return { cluster, leader };
}

describe("a newcomer", () => {
  test("is added, learns the set, makes it durable and counts", () => {
    const { cluster, leader } = settled(1);
    change(cluster, leader, "add", "c4");
    cluster.run(500);
    assert.deepEqual(endingsAt(cluster, leader), ["made"]);
    for (const { id, durable } of cluster.members) {
      assert.equal(idsAt(cluster, id), "c1,c2,c3,c4");
      assert.ok(durable !== "lost" && durable.set?.members.length === 4, `${id} has it on disk`);
    }
    assert.equal(cluster.acting(), leader, "the lead did not change");
  });

  test("that is not heard is refused, with what to do", () => {
    const { cluster, leader } = settled(1);
    cluster.crash("c4");
    cluster.run(2000);
    change(cluster, leader, "add", "c4");
    assert.deepEqual(endingsAt(cluster, leader), ["refused"]);
    assert.match(lastText(cluster, leader), /c4 is not heard. Start it at c4:7700 first/);
    assert.equal(idsAt(cluster, leader), "c1,c2,c3");
  });

  test("that is not added leads nothing, votes in nothing and disturbs nobody", () => {
    const { cluster, leader } = settled(3);
    const { term: before } = cluster.election(leader);
    cluster.run(20_000);
    assert.equal(cluster.acting(), leader);
    assert.equal(cluster.election(leader).term, before);
  });
});

describe("a removed coordinator", () => {
  test("is told, leads nothing any more and may be added again", () => {
    const { cluster, leader } = settled(0);
    const [gone, stays] = cluster.others(leader);
    change(cluster, leader, "remove", gone);
    cluster.run(500);
    assert.equal(idsAt(cluster, gone), idsAt(cluster, stays));
    assert.equal(cluster.election(gone).members.hasSelf, false);
    cluster.crash(leader);
    cluster.run(5000);
    assert.equal(cluster.acting(), undefined, "one of two is no quorum, whoever was removed");
    cluster.start(leader);
    const next = cluster.settle();
    cluster.run(2000);
    change(cluster, next, "add", gone);
    cluster.run(500);
    assert.equal(idsAt(cluster, gone), "c1,c2,c3");
  });

  test("that slept through it gathers no votes with its old set", () => {
    const { cluster, leader } = settled(1);
    const [asleep, other] = cluster.others(leader);
    cluster.isolate(asleep);
    cluster.run(1500);
    change(cluster, leader, "add", "c4");
    cluster.run(500);
    change(cluster, leader, "remove", asleep);
    cluster.run(500);
    assert.deepEqual(endingsAt(cluster, leader), ["made", "made"]);
    // Of its old set one other is enough; of the new one two are needed, and one lives.
    cluster.crash(leader);
    cluster.crash("c4");
    cluster.heal();
    cluster.run(5000);
    assert.equal(cluster.acting(), undefined);
    assert.equal(idsAt(cluster, asleep), idsAt(cluster, other), "it was told the set");
  });
});

describe("the old quorum", () => {
  test("confirms its set before the next is made: a leader that is cut off makes none", () => {
    const { cluster, leader } = settled(0);
    cluster.isolate(leader);
    const [a] = cluster.others(leader);
    change(cluster, leader, "remove", a);
    assert.equal(cluster.acting(), leader, "its lease still lasts");
    cluster.run(10_000);
    assert.equal(idsAt(cluster, leader), "c1,c2,c3");
    assert.equal(endingsAt(cluster, leader).includes("made"), false);
  });

  test("is asked again for the second of two changes, which waits for the first", () => {
    const { cluster, leader } = settled(2);
    change(cluster, leader, "add", "c4");
    change(cluster, leader, "add", "c5");
    assert.match(lastText(cluster, leader), /another change is under way: c4 \(c4:7700\) is added/);
    cluster.run(500);
    change(cluster, leader, "add", "c5");
    cluster.run(500);
    assert.equal(idsAt(cluster, leader), "c1,c2,c3,c4,c5");
  });

  test("what a deposed leader made alone gives way to the set of its successor", () => {
    const { cluster, leader } = settled(1);
    const [a, b] = cluster.others(leader);
    // The old leader's first step is heard by nobody: it has confirmed nothing, so it makes nothing.
    change(cluster, leader, "add", "c4");
    cluster.isolate(leader);
    const next = ((): string => {
      cluster.runUntil(() => [a, b].includes(cluster.acting() ?? ""), 5000);
      return cluster.acting() ?? "";
    })();
    const other = next === a ? b : a;
    change(cluster, next, "remove", leader);
    cluster.run(500);
    cluster.heal();
    cluster.run(3000);
    assert.equal(idsAt(cluster, leader), idsAt(cluster, other));
    assert.equal(cluster.election(leader).members.hasSelf, false);
  });

  test("a removal that would leave too few who are heard is refused", () => {
    const { cluster, leader } = settled(0);
    const [a, b] = cluster.others(leader);
    cluster.crash(a);
    cluster.run(1500);
    change(cluster, leader, "remove", b);
    assert.match(lastText(cluster, leader), /without c\d only 1 of the 2 coordinators needed/);
    change(cluster, leader, "remove", a);
    cluster.run(500);
    assert.deepEqual(endingsAt(cluster, leader), ["refused", "made"]);
  });
});

describe("the leader", () => {
  test("hands over before it is removed", () => {
    const { cluster, leader } = settled(0);
    change(cluster, leader, "remove", leader);
    assert.deepEqual(endingsAt(cluster, leader), ["later"]);
    const next = cluster.settle();
    assert.notEqual(next, leader);
    cluster.run(100);
    change(cluster, next, "remove", leader);
    cluster.run(500);
    assert.equal(cluster.election(next).members.has(leader), false);
    assert.equal(cluster.acting(), next);
  });

  test("replaces the whole trio one by one, and somebody leads with one failover each at most", () => {
    const { cluster } = settled(3);
    for (const [old, young] of [
      ["c1", "c4"],
      ["c2", "c5"],
      ["c3", "c6"],
    ] as const) {
      change(cluster, cluster.settle(), "add", young);
      cluster.run(500);
      for (let i = 0; i < 2; i++) {
        const leader = cluster.settle();
        if (cluster.election(leader).members.has(old)) change(cluster, leader, "remove", old);
        cluster.run(500);
      }
      cluster.crash(old);
    }
    assert.equal(idsAt(cluster, cluster.settle()), "c4,c5,c6");
    const terms = cluster.changes.filter(
      ({ output }) => output.kind === "role-changed" && output.role === "leader",
    );
    assert.ok(terms.length <= 4, `${terms.length} leaders`);
  });

  test("tells an older release, which knows no sets, from one that does", () => {
    const { cluster, leader } = settled(1);
    const [old] = cluster.others(leader);
    const plain = {
      kind: "heartbeat",
      term: cluster.election(leader).term,
      leading: false,
    } as const;
    const rest = { round: 2 ** 40, promise: 0, leader, fit: true, redis: "reachable" } as const;
    cluster.step(leader, (election, now) =>
      election.onMessage(old, { ...plain, ...rest, records: [] }, now),
    );
    change(cluster, leader, "add", "c4");
    assert.match(lastText(cluster, leader), /runs an older release.*upgrade it first/);
  });
});

test("a rolling upgrade: old and new release elect and follow each other, and then the set can change", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = new Cluster({ seed, newcomers: 1, loss: 0.05 });
    for (const id of ["c1", "c2", "c3"]) cluster.older.add(id);
    cluster.settleAll();
    cluster.run(2000);
    for (const id of ["c1", "c2", "c3"]) {
      change(cluster, cluster.settle(), "add", "c4");
      const isChanged = cluster.members.some(
        ({ durable }) => durable !== "lost" && durable.set !== undefined,
      );
      assert.ok(!isChanged, "nobody changes the set while one of them runs the old release");
      cluster.crash(id);
      cluster.settle();
      cluster.older.delete(id);
      cluster.start(id);
      cluster.settleAll();
      cluster.run(2000);
    }
    change(cluster, cluster.settle(), "add", "c4");
    cluster.run(1000);
    assert.equal(idsAt(cluster, cluster.settle()), "c1,c2,c3,c4", `seed ${seed}`);
  }
});

describe("a voter", () => {
  const newer = { stamp: { term: term(3), version: 2 }, members: membersNamed("c1", "c2", "c3") };
  const durable = { term: term(3), votedFor: "", longestPromise: 0, set: newer };
  const config = {
    id: "c2",
    members: membersNamed("c1", "c2", "c3"),
    heartbeatInterval: 100,
    leaderTimeout: 750,
    tick: 5,
  };
  const grants = (outputs: readonly ElectionOutput[]): boolean =>
    outputs.some(
      (one) => one.kind === "send" && one.message.kind === "vote-answer" && one.message.granted,
    );

  test("refuses a candidate whose set is older than its own, whatever its term", () => {
    const vote = { kind: "vote", term: term(9), round: 1, handover: term(0) } as const;
    for (const [set, expected] of [
      [undefined, false],
      [{ term: term(3), version: 1 }, false],
      [{ term: term(2), version: 9 }, false],
      [{ term: term(3), version: 2 }, true],
      [{ term: term(4), version: 0 }, true],
    ] as const) {
      const election = new Election(config, durable, new Random(1), instant(0));
      const asked = set === undefined ? vote : { ...vote, set };
      const outputs = election.onMessage("c1", asked, instant(10_000));
      assert.equal(grants(outputs), expected, JSON.stringify(set));
    }
  });

  test("remembers the set across a restart, not its configuration", () => {
    const members = membersNamed("c2", "c9");
    const election = new Election({ ...config, members }, durable, new Random(1), instant(0));
    assert.deepEqual(election.members.ids, ["c1", "c2", "c3"]);
  });
});

test("a lease counts only those who belong to the set at the moment", () => {
  const members = new Set(["c2", "c3"]);
  const lease = new Lease({ quorum: 2, has: (id) => members.has(id) }, 500);
  lease.onAcknowledged("c2", instant(100));
  assert.equal(lease.end(), 600);
  members.delete("c2");
  assert.equal(lease.end(), undefined);
});

test("changes that make no sense are refused in words", () => {
  const trio = seedOf(membersNamed("c1", "c2", "c3"));
  const seven = seedOf(membersNamed("c1", "c2", "c3", "c4", "c5", "c6", "c7"));
  const long = { id: "c8", host: "h".repeat(limits.nameBytes), port: 1 };
  const far = seedOf([1, 2, 3, 4].map((n) => ({ ...long, id: `c${n}` })));
  const cases = [
    [trio, { kind: "add", member: memberNamed("c2") }, /c2 is a coordinator already/],
    [trio, { kind: "remove", id: "c9" }, /c9 is no coordinator of this mesh; they are c1, c2, c3/],
    [seedOf(membersNamed("c1")), { kind: "remove", id: "c1" }, /c1 is the only coordinator/],
    [seven, { kind: "add", member: memberNamed("c8") }, /7 coordinators already, and 7 at most/],
    [far, { kind: "add", member: long }, /would take 1010 bytes, and 800 are the most/],
  ] as const;
  for (const [set, wish, expected] of cases) {
    const refusal = changed(set, wish);
    assert.ok(typeof refusal === "string");
    assert.match(refusal, expected);
  }
});
