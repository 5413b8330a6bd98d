// Elections, one situation at a time, in virtual time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Cluster, type ClusterOptions } from "./election-cluster.ts";
import { inFull } from "../../inner-loop.ts";

const settled = (options: Partial<ClusterOptions> = {}): { cluster: Cluster; leader: string } => {
  const cluster = new Cluster({ seed: 7, drift: 0.01, ...options });
  const leader = cluster.settleAll();
  cluster.run(500);
  return { cluster, leader };
};

/** The instant since which `id` leads with a lease. */
const actsWithin = (cluster: Cluster, limit: number, not = ""): number => {
  const took = cluster.runUntil(() => {
    const acting = cluster.acting();
    return acting !== undefined && acting !== not;
  }, limit);
  assert(took !== undefined, `nobody but ${not} acts within ${limit} ms`);
  return took;
};

describe("a trio in peace", () => {
  it("that starts with empty disks has a leader with a lease within 1.5 s", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const cluster = new Cluster({ seed, drift: 0.01 });
      assert(actsWithin(cluster, 1500) > 700, "votes before lost votes were waited out");
    }
  });

  const minutes = inFull(60);
  it(`keeps its leader for ${minutes} minutes, never without a lease, and writes nothing`, () => {
    const { cluster, leader } = settled();
    const writes = [...cluster.writes.values()];
    const changes = cluster.changes.length;
    for (let minute = 0; minute < minutes; minute++) {
      cluster.run(60_000);
      assert.equal(cluster.acting(), leader);
    }
    assert.deepEqual([...cluster.writes.values()], writes);
    assert.equal(cluster.changes.length, changes, "no lease ended, no role changed");
  });

  it("sends ten heartbeats a second to each other one, and three times as many at 30 % loss", () => {
    const rate = (loss: number): number => {
      const { cluster } = settled({ loss });
      const before = cluster.sent.get("heartbeat") ?? 0;
      cluster.run(60_000);
      return ((cluster.sent.get("heartbeat") ?? 0) - before) / 60 / 6;
    };
    const clean = rate(0);
    assert(clean > 9 && clean < 10.5, `${clean}/s`);
    const lossy = rate(0.3);
    assert(lossy > 25 && lossy <= 40, `${lossy}/s`);
  });

  const lossy = inFull(10);
  it(`keeps its leader at 30 % loss for ${lossy} minutes`, () => {
    const { cluster, leader } = settled({ loss: 0.3 });
    const { term } = cluster.election(leader);
    cluster.run(lossy * 60_000);
    assert.equal(cluster.acting(), leader);
    assert.equal(cluster.election(leader).term, term);
  });

  it("tells of each other one when it was heard, whether it is fit, and the way's loss and round trip", () => {
    const { cluster, leader } = settled();
    const views = cluster.election(leader).peers(cluster.clock(cluster.member(leader)));
    assert.equal(views.length, 2);
    for (const view of views) {
      assert(view.heardAgo >= 0 && view.heardAgo < 150);
      assert.equal(view.fit, true);
      assert.equal(view.redis, "reachable");
      assert.equal(view.leader, leader);
      assert(view.roundTrip > 0.3 && view.roundTrip < 3);
      assert(view.loss < 0.05);
    }
  });
});

describe("a link that is cut", () => {
  it("a coordinator that returns from ten seconds alone changes neither leader nor term", () => {
    const { cluster, leader } = settled();
    const { term } = cluster.election(leader);
    const [away] = cluster.others(leader);
    cluster.isolate(away);
    cluster.run(10_000);
    assert.equal(cluster.election(away).role, "pre-candidate");
    cluster.heal();
    cluster.run(2000);
    assert.equal(cluster.acting(), leader);
    assert.equal(cluster.election(away).leader, leader);
    assert.equal(cluster.election(away).term, term);
  });

  it("a follower that does not hear the leader, but is heard, disturbs nobody", () => {
    const { cluster, leader } = settled();
    const { term } = cluster.election(leader);
    const [deaf] = cluster.others(leader);
    cluster.cut(leader, deaf);
    cluster.run(10_000);
    assert.equal(cluster.acting(), leader);
    assert.equal(cluster.election(leader).term, term);
  });

  it("a leader that is cut off ends its lease before another one acts, and steps down", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { cluster, leader } = settled({ seed });
      cluster.isolate(leader);
      const cutAt = cluster.now;
      // The cluster itself throws if two leases meet.
      const took = actsWithin(cluster, 1300, leader);
      const ended = cluster.changes.find(
        (change) =>
          change.at > cutAt && change.id === leader && change.output.kind === "lease-ended",
      );
      assert(ended !== undefined && ended.at - cutAt < 620 && ended.at - cutAt < took);
      assert.notEqual(cluster.election(leader).role, "leader");
    }
  });

  it("a leader that is heard but hears nobody is replaced", () => {
    const { cluster, leader } = settled();
    for (const other of cluster.others(leader)) cluster.cut(other, leader);
    actsWithin(cluster, 2500, leader);
    assert.equal(
      cluster.election(leader).leaseUntil(cluster.clock(cluster.member(leader))),
      undefined,
    );
  });

  it("a leader that hears but is not heard is replaced, and follows", () => {
    const { cluster, leader } = settled();
    for (const other of cluster.others(leader)) cluster.cut(leader, other);
    actsWithin(cluster, 1300, leader);
    cluster.run(500);
    assert.equal(cluster.election(leader).leader, cluster.acting());
  });

  it("without a quorum nobody acts, and soon after it is back somebody does", () => {
    const { cluster, leader } = settled();
    for (const { id } of cluster.members) cluster.isolate(id);
    cluster.run(5000);
    assert.equal(cluster.acting(), undefined, `${leader} acts alone`);
    cluster.heal();
    assert(actsWithin(cluster, 1000) < 1000);
  });
});

describe("a split vote", () => {
  it("is decided by the retry that comes first, 0.1 to 0.35 s later", () => {
    let total = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const { cluster, leader } = settled({ seed });
      const { term } = cluster.election(leader);
      cluster.crash(leader);
      const since = cluster.now;
      // Both survivors are made to stand at the same instant.
      for (const successor of cluster.others(leader)) {
        const message = { kind: "handover" as const, term, successor };
        cluster.step(successor, (election, now) => election.onMessage(leader, message, now));
      }
      const took = actsWithin(cluster, 5000);
      const retries = cluster.changes.filter(
        ({ at, output }) =>
          at > since && output.kind === "role-changed" && output.reason === "the vote was not won",
      );
      assert(retries.length > 0, "the vote was split");
      assert(took >= 100 && took < 1000, `seed ${seed}: ${took} ms`);
      total += took;
    }
    assert(total / 50 < 300, `${total / 50} ms on average`);
  });

  it("is rare: whoever grants a pre-vote lets the asker go first", () => {
    let splits = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const { cluster, leader } = settled({ seed, delay: { low: 5, high: 60 } });
      cluster.crash(leader);
      const since = cluster.now;
      actsWithin(cluster, 3000);
      const candidates = new Set(
        cluster.changes
          .filter(({ at, output }) => at > since && output.kind === "role-changed")
          .filter(({ output }) => output.kind === "role-changed" && output.role === "candidate")
          .map(({ id }) => id),
      );
      if (candidates.size > 1) splits++;
    }
    assert(splits <= 5, `${splits} of 100 were split`);
  });
});

describe("a handover", () => {
  it("on SIGTERM has the next leader acting in less than 100 ms, after the old lease ended", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { cluster, leader } = settled({ seed });
      const since = cluster.now;
      cluster.step(leader, (election, now) => election.resign("SIGTERM", now));
      const [first, second] = cluster.changesOf(leader, since);
      assert.equal(first?.kind, "lease-ended");
      assert(second?.kind === "role-changed" && second.role === "follower");
      const took = actsWithin(cluster, 2000, leader);
      assert(took < 100, `seed ${seed}: ${took} ms`);
      cluster.run(1000);
      assert.notEqual(cluster.acting(), leader);
    }
  });

  it("works where the third one hears of it from the successor's vote request only, the old leader being gone", () => {
    const { cluster, leader } = settled();
    const [successor, third] = cluster.others(leader);
    cluster.step(third, (election, now) => election.setFit(false, "starved", now));
    cluster.run(300);
    cluster.cut(leader, third);
    cluster.step(leader, (election, now) => election.resign("SIGTERM", now));
    cluster.crash(leader);
    const took = actsWithin(cluster, 2000, leader);
    assert.equal(cluster.acting(), successor);
    assert(took < 100, `${took} ms`);
  });

  it("goes to a fit one", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { cluster, leader } = settled({ seed });
      const [fit, unfit] = cluster.others(leader);
      cluster.step(unfit, (election, now) => election.setFit(false, "starved", now));
      cluster.run(300);
      cluster.step(leader, (election, now) => election.resign("Redis is lost", now));
      actsWithin(cluster, 100, leader);
      assert.equal(cluster.acting(), fit);
    }
  });

  it("at 30 % loss still beats an election", () => {
    let total = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const { cluster, leader } = settled({ seed, loss: 0.3 });
      cluster.step(leader, (election, now) => election.resign("SIGTERM", now));
      total += actsWithin(cluster, 3000, leader);
    }
    assert(total / 50 < 250, `${total / 50} ms`);
  });

  it("that reaches nobody fit leaves the others free to elect at once", () => {
    const { cluster, leader } = settled();
    for (const { id } of cluster.members) {
      cluster.step(id, (election, now) => election.setFit(false, "starved", now));
    }
    cluster.run(10_000);
    assert.equal(cluster.acting(), undefined);
    const [back] = cluster.others(leader);
    cluster.step(back, (election, now) => election.setFit(true, "", now));
    actsWithin(cluster, 1500);
    assert.equal(cluster.acting(), back);
  });
});

describe("an unfit coordinator", () => {
  it("hands its leadership over and does not stand until it is fit again", () => {
    const { cluster, leader } = settled();
    cluster.step(leader, (election, now) => election.setFit(false, "starved", now));
    assert(actsWithin(cluster, 200, leader) < 100);
    const [a, b] = cluster.others(leader);
    cluster.crash(a);
    cluster.crash(b);
    cluster.run(3000);
    assert.equal(cluster.election(leader).role, "follower");
    cluster.start(a);
    cluster.step(leader, (election, now) => election.setFit(true, "", now));
    actsWithin(cluster, 3000);
  });
});

describe("a clock that jumps", () => {
  it("ends a lease at once, and a leader is found without it and then with it", () => {
    const { cluster, leader } = settled();
    cluster.suspend(leader, 5000);
    actsWithin(cluster, 2000, leader);
    cluster.runUntil(() => !cluster.member(leader).isSuspended, 6000);
    assert.equal(cluster.election(leader).role, "follower");
    assert.equal(
      cluster.election(leader).leaseUntil(cluster.clock(cluster.member(leader))),
      undefined,
    );
    const last = cluster.changesOf(leader).at(-1);
    assert(last?.kind === "role-changed" && last.reason === "the clock jumped");
    const next = cluster.acting();
    assert(next !== undefined);
    cluster.crash(next);
    actsWithin(cluster, 2500);
  });
});

describe("one coordinator alone", () => {
  it("leads at once, keeps its lease, and leads again at once after a restart with a higher term", () => {
    const cluster = new Cluster({ seed: 1, members: 1 });
    assert(actsWithin(cluster, 20) < 20);
    for (let i = 0; i < 1000; i++) {
      cluster.run(17);
      assert.equal(cluster.acting(), "c1");
    }
    assert.equal(cluster.writes.get("c1"), 1);
    cluster.crash("c1");
    cluster.start("c1");
    assert(actsWithin(cluster, 20) < 20);
    assert.equal(cluster.election("c1").term, 2);
  });

  it("that cannot save its vote does not act; once it can, it does", () => {
    const cluster = new Cluster({ seed: 1, members: 1 });
    cluster.member("c1").disk = "failing";
    cluster.run(5000);
    assert.equal(cluster.acting(), undefined);
    assert.match(cluster.election("c1").obstacle, /No space left/);
    cluster.member("c1").disk = "fine";
    assert(actsWithin(cluster, 1100) < 1100);
    assert.equal(cluster.election("c1").obstacle, "");
  });
});
