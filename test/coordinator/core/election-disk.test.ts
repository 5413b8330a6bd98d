// What an election does when its disk fails, lies empty, or remembers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Election, type Ballot, type ElectionOutput } from "../../../coordinator/core/election.ts";
import type { ElectionMessage, Heartbeat } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { instant, term } from "../../../proto/units.ts";
import { Cluster } from "./election-cluster.ts";
import { membersNamed } from "./members-named.ts";

const config = {
  id: "c1",
  members: membersNamed("c1", "c2", "c3"),
  heartbeatInterval: 100,
  leaderTimeout: 750,
  tick: 5,
};
const ballot = (of: number, votedFor: string, longestPromise = 600): Ballot => ({
  term: term(of),
  votedFor,
  longestPromise,
});
const start = (durable: Ballot | "lost"): Election =>
  new Election(config, durable, new Random(1), instant(0));
const vote = (of: number, handover = 0): ElectionMessage => ({
  kind: "vote",
  term: term(of),
  round: 1,
  handover: term(handover),
});
const beat = (of: number, round: number, promise = 600): Heartbeat => ({
  kind: "heartbeat",
  term: term(of),
  leading: true,
  round,
  promise,
  leader: "c2",
  fit: true,
  redis: "reachable",
  records: [],
});
const grants = (outputs: readonly ElectionOutput[]): boolean =>
  outputs.some((o) => o.kind === "send" && "granted" in o.message && o.message.granted);
const promises = (outputs: readonly ElectionOutput[]): boolean =>
  outputs.some((o) => o.kind === "send" && "accepted" in o.message && o.message.accepted);
const kinds = (outputs: readonly ElectionOutput[]): string[] => outputs.map((o) => o.kind);
const at = instant;

describe("a vote", () => {
  it("is given once a term, saved before it is told, and told again to the same one without another write", () => {
    const election = start(ballot(3, "c3", 0));
    assert.equal(grants(election.onMessage("c2", vote(3), at(1))), false, "the saved vote is c3's");
    const outputs = election.onMessage("c2", vote(4), at(2));
    assert.deepEqual(outputs[0], { kind: "persist", ballot: ballot(4, "c2") });
    assert(grants(outputs));
    assert(kinds(outputs).indexOf("persist") < kinds(outputs).indexOf("send"));
    assert.equal(grants(election.onMessage("c3", vote(4), at(3))), false);
    const again = election.onMessage("c2", vote(4), at(4));
    assert(grants(again) && !kinds(again).includes("persist"));
    assert.equal(grants(election.onMessage("c9", vote(9), at(5))), false, "a stranger's request");
  });

  it("is not given while a promise lasts, neither is a pre-vote, and the refused term is not adopted", () => {
    const election = start(ballot(3, "", 600));
    assert(promises(election.onMessage("c2", beat(3, 1), at(1000))));
    assert.equal(grants(election.onMessage("c3", vote(4), at(1599))), false);
    const preVote: ElectionMessage = { kind: "pre-vote", term: term(4), round: 2 };
    assert.equal(grants(election.onMessage("c3", preVote, at(1599))), false);
    assert.equal(election.term, 3);
    assert(grants(election.onMessage("c3", preVote, at(1600))));
    assert(grants(election.onMessage("c3", vote(4), at(1601))));
  });

  it("is given in spite of a promise to a leader that handed over, not in spite of one to a later leader", () => {
    const election = start(ballot(3, "", 600));
    election.onMessage("c2", beat(4, 1), at(1000));
    assert.equal(grants(election.onMessage("c3", vote(5, 3), at(1100))), false);
    assert(grants(election.onMessage("c3", vote(5, 4), at(1100))));
  });

  it("is not given for the longest promise after a start, a handover or not", () => {
    const election = start(ballot(3, "", 8000));
    assert.equal(grants(election.onMessage("c3", vote(5, 4), at(7999))), false);
    assert(grants(election.onMessage("c3", vote(5, 4), at(8000))));
  });

  it("that could not be saved is neither repeated nor given to another until the disk is mended", () => {
    const election = start(ballot(3, "", 0));
    election.onMessage("c2", vote(4), at(1));
    election.onPersistFailed("No space left", at(1));
    assert.match(election.obstacle, /No space left/);
    assert.equal(grants(election.onMessage("c2", vote(4), at(2))), false);
    assert.equal(grants(election.onMessage("c3", vote(5), at(3))), false);
    election.setDiskOk(at(4));
    assert.equal(grants(election.onMessage("c3", vote(4), at(5))), false, "it may be on disk");
    const outputs = election.onMessage("c2", vote(4), at(6));
    assert.equal(outputs[0]?.kind, "persist", "saved before it is told again");
    assert(grants(outputs));
  });
});

describe("a promise", () => {
  it("longer than any before is saved before it is given, an absurd one is refused", () => {
    const election = start(ballot(3, "", 600));
    const outputs = election.onMessage("c2", beat(3, 1, 8000), at(1000));
    assert.deepEqual(
      outputs.find((o) => o.kind === "persist"),
      {
        kind: "persist",
        ballot: ballot(3, "", 8000),
      },
    );
    assert(promises(outputs));
    assert.equal(
      kinds(election.onMessage("c2", beat(3, 2, 8000), at(1001))).includes("persist"),
      false,
    );
    assert.equal(promises(election.onMessage("c2", beat(3, 3, 1e9), at(1002))), false);
  });

  it("is not renewed by repeated or overtaken heartbeats, nor given to a lower term or to one that gave up", () => {
    const election = start(ballot(3, "", 600));
    assert(promises(election.onMessage("c2", beat(3, 8), at(1000))));
    assert.equal(promises(election.onMessage("c2", beat(3, 8), at(1300))), false);
    assert.equal(promises(election.onMessage("c2", beat(3, 7), at(1300))), false);
    assert.equal(promises(election.onMessage("c2", beat(2, 9), at(1300))), false);
    assert(grants(election.onMessage("c3", vote(4), at(1600))), "it ended 600 ms after round 8");
    const other = start(ballot(3, "", 600));
    other.onMessage("c2", beat(3, 8), at(1000));
    other.onMessage("c2", { kind: "handover", term: term(3), successor: "c3" }, at(1010));
    assert.equal(promises(other.onMessage("c2", beat(3, 9), at(1011))), false);
  });

  it("is not asked for by a follower's heartbeat, which gives no lease", () => {
    const election = start(ballot(3, "", 600));
    const outputs = election.onMessage("c2", { ...beat(3, 1, 0), leading: false }, at(1000));
    assert.equal(promises(outputs), false);
  });
});

describe("a coordinator whose disk is lost", () => {
  it("votes for nobody and promises nothing until it has waited and both others have answered since", () => {
    const cluster = new Cluster({ seed: 3 });
    const leader = cluster.settleAll();
    const [lost, other] = cluster.others(leader);
    cluster.loseDisk(lost);
    cluster.crash(other);
    cluster.start(lost);
    cluster.run(5000);
    assert.match(cluster.election(lost).obstacle, /lost/);
    assert.equal(cluster.acting(), undefined, "its promise would have made a quorum");
    cluster.start(other);
    cluster.runUntil(() => cluster.election(lost).obstacle === "", 500);
    assert.equal(cluster.election(lost).obstacle, "");
    cluster.settle(3000);
  });

  it("does not vote again in the term it forgot", () => {
    const election = start("lost");
    election.onTick(at(0));
    let now = 0;
    const acks = (outputs: readonly ElectionOutput[], of: number): readonly ElectionOutput[] =>
      outputs.flatMap((o) =>
        o.kind === "send" && o.message.kind === "heartbeat"
          ? election.onMessage(
              o.to,
              { kind: "heartbeat-ack", term: term(of), round: o.message.round, accepted: false },
              at(now),
            )
          : [],
      );
    for (now = 100; now < 750; now += 100) acks(election.onTick(at(now)), 7);
    assert.notEqual(election.obstacle, "", "answers of before the wait do not count");
    now = 751;
    const outputs = acks(election.onTick(at(now)), 7);
    assert.equal(election.obstacle, "");
    assert(kinds(outputs).includes("persist"));
    assert.equal(grants(election.onMessage("c2", vote(7), at(760))), false);
    assert(grants(election.onMessage("c2", vote(8), at(761))));
  });
});

describe("disks that fail under a trio", () => {
  it("a full one does not vote, its leader goes on, and the two others can elect", () => {
    const cluster = new Cluster({ seed: 5 });
    const leader = cluster.settleAll();
    const [full] = cluster.others(leader);
    cluster.member(full).disk = "failing";
    cluster.step(full, (election, now) => election.onPersistFailed("No space left", now));
    cluster.run(5000);
    assert.equal(cluster.acting(), leader);
    assert.match(cluster.election(full).obstacle, /No space left/);
    cluster.crash(leader);
    cluster.run(4000);
    assert.equal(cluster.acting(), undefined, "one vote is no quorum");
    cluster.member(full).disk = "fine";
    assert(cluster.runUntil(() => cluster.acting() !== undefined, 3000) !== undefined);
  });

  it("a crash between the write of a vote and its telling, or before the write, splits no term", () => {
    for (const disk of ["crash-before-write", "crash-after-write"] as const) {
      for (let seed = 1; seed <= 20; seed++) {
        const cluster = new Cluster({ seed });
        const leader = cluster.settleAll();
        const [voter, other] = cluster.others(leader);
        cluster.member(voter).disk = disk;
        cluster.crash(leader);
        cluster.runUntil(() => cluster.member(voter).election === undefined, 2000);
        assert.equal(cluster.member(voter).election, undefined);
        cluster.start(voter);
        assert(cluster.runUntil(() => cluster.acting() !== undefined, 3000) !== undefined, other);
      }
    }
  });

  it("a trio that is killed whole and started again leads in a higher term", () => {
    const cluster = new Cluster({ seed: 6 });
    const leader = cluster.settleAll();
    const before = cluster.election(leader).term;
    for (const { id } of cluster.members) cluster.crash(id);
    for (const { id } of cluster.members) cluster.start(id);
    const took = cluster.runUntil(() => cluster.acting() !== undefined, 1500);
    assert(took !== undefined && took > 600);
    assert(cluster.election(cluster.acting()!).term > before);
  });
});

describe("a term above the leader's", () => {
  it("seen in a token or heard of a failed candidate makes the leader elect itself above it at once", () => {
    const cluster = new Cluster({ seed: 8 });
    const leader = cluster.settleAll();
    const seen = term(cluster.election(leader).term + 5);
    cluster.step(leader, (election, now) => election.onTermSeen(seen, now));
    assert.equal(cluster.acting(), undefined, "its old lease has ended");
    const took = cluster.runUntil(() => cluster.acting() !== undefined, 100);
    assert(took !== undefined && took < 20, `${took ?? "no"} ms`);
    assert.equal(cluster.acting(), leader);
    assert.equal(cluster.election(leader).term, seen + 1);
  });
});
