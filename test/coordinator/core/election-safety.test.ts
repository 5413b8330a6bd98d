// Elections under every fault at once, seed by seed: at most one leader a term, no two leases at once, one durable vote a term; and after
// the faults end, a leader.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Cluster, type ClusterOptions } from "./election-cluster.ts";
import { memberNamed } from "./members-named.ts";
import type { MemberChange } from "../../../coordinator/core/member-set.ts";
import { inFull } from "../../inner-loop.ts";

/** One fault, and what ends it. Lost disks come one at a time: a mesh survives those of a minority. */
function strike(cluster: Cluster): void {
  const { random, members } = cluster;
  const { id } = members[random.below(members.length)]!;
  const member = cluster.member(id);
  const lasts = random.between(20, 2500);
  switch (random.below(cluster.mayChange ? 18 : 12)) {
    case 0:
      cluster.crash(id);
      cluster.at(lasts, () => {
        cluster.start(id);
      });
      return;
    case 1: {
      const acting = cluster.acting();
      if (acting === undefined) return;
      cluster.crash(acting);
      cluster.at(lasts, () => {
        cluster.start(acting);
      });
      return;
    }
    case 2:
      cluster.isolate(id);
      break;
    case 3:
    case 4:
      // One way only.
      for (const to of members) if (random.below(2) === 0) cluster.cut(id, to.id);
      break;
    case 5:
      cluster.stop(id, lasts);
      return;
    case 6:
      cluster.suspend(id, lasts);
      return;
    case 7:
      cluster.step(id, (election, now) => election.resign("SIGTERM", now));
      return;
    case 8:
      cluster.step(id, (election, now) => election.setFit(false, "starved", now));
      cluster.at(lasts, () => {
        cluster.step(id, (election, now) => election.setFit(true, "", now));
      });
      return;
    case 9:
      member.disk = random.below(2) === 0 ? "crash-before-write" : "crash-after-write";
      cluster.at(lasts, () => {
        member.disk = "fine";
        cluster.start(id);
      });
      return;
    case 10:
      member.disk = "failing";
      cluster.at(lasts, () => {
        member.disk = "fine";
      });
      return;
    case 11:
      loseDisk(cluster, id);
      return;
    default:
      change(cluster);
      if (random.below(2) === 0) change(cluster);
      return;
  }
  cluster.at(lasts, () => {
    cluster.heal();
  });
}

/** Whoever holds a lease is asked to add or to remove somebody, sensible or not, while everything else goes on. */
function change(cluster: Cluster): void {
  const acting = cluster.acting();
  if (acting === undefined) return;
  const { random, members } = cluster;
  const { id } = members[random.below(members.length)]!;
  const isMember = cluster.election(acting).members.has(id);
  const wish: MemberChange = isMember
    ? { kind: "remove", id }
    : { kind: "add", member: memberNamed(id) };
  cluster.step(acting, (election, now) => election.change(wish, now));
}

/** Only where the other members are whole; and where times differ, a disk lost with the knowledge of a longer promise is beyond the rules. */
function loseDisk(cluster: Cluster, id: string): void {
  const { members } = cluster;
  // One that is configured alone leads at once when it forgets that there are others now.
  if (cluster.member(id).seed.length === 1) return;
  if (new Set(members.map((other) => cluster.config(other.id).leaderTimeout)).size > 1) return;
  const areOthersWhole = members.every(
    (other) => other.id === id || other.election?.obstacle === "",
  );
  if (!areOthersWhole) return;
  cluster.loseDisk(id);
  cluster.start(id);
}

function storm(options: ClusterOptions, ms: number): Cluster {
  const cluster = new Cluster({ repetition: 0.05, drift: 0.01, ...options });
  for (let at = 1200; at < ms; at += cluster.random.between(20, 900)) {
    cluster.at(at, () => {
      strike(cluster);
    });
  }
  cluster.run(ms);
  return cluster;
}

/** Everything works again: somebody leads soon, and nobody takes over. */
function assertRecovers(cluster: Cluster, seed: number): void {
  cluster.loss = 0;
  cluster.heal();
  for (const member of cluster.members) {
    member.disk = "fine";
    cluster.start(member.id);
    cluster.step(member.id, (election, now) => election.setFit(true, "", now));
  }
  // The longest rest after a resignation, a failed disk's retry, and an election.
  cluster.run(5000);
  const leader = cluster.acting();
  assert(leader !== undefined, `seed ${seed}: nobody leads after the storm`);
  const { term } = cluster.election(leader);
  cluster.run(2000);
  assert.equal(cluster.acting(), leader, `seed ${seed}: the leader changed without a reason`);
  assert.equal(cluster.election(leader).term, term);
}

/** More seeds by hand: `SEEDS=50` runs fifty times as many. */
const factor = Number(process.env["SEEDS"] ?? 1);

describe("elections under all faults", () => {
  const kinds: [string, Partial<ClusterOptions>, number][] = [
    ["a trio on a fast network", {}, 60],
    ["a trio that loses three of ten datagrams", { loss: 0.3 }, 40],
    ["a trio with late and overtaken datagrams", { delay: { low: 0.2, high: 120 } }, 40],
    ["five", { members: 5, loss: 0.1 }, 8],
    ["four", { members: 4, loss: 0.05 }, 8],
    ["two", { members: 2, loss: 0.05 }, 15],
    ["seven", { members: 7 }, 2],
    ["a trio whose timeouts differ", { leaderTimeouts: [300, 750, 1500], loss: 0.05 }, 40],
    ["three of six, one added or removed now and then", { newcomers: 3 }, 25],
    ["three of six that lose two of ten datagrams", { newcomers: 3, loss: 0.2 }, 15],
    ["one of four", { members: 1, newcomers: 3 }, 20],
    ["a trio at the shortest timeout", { heartbeatInterval: 100, leaderTimeout: 300 }, 30],
  ];
  for (const [name, options, seeds] of kinds) {
    it(`${name}: never two leases, two leaders of a term or two votes in one, and a leader afterwards`, () => {
      for (let seed = 1; seed <= inFull(seeds * factor); seed++) {
        assertRecovers(storm({ ...options, seed }, 15_000), seed);
      }
    });
  }
});
