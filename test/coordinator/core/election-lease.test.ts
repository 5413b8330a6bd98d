// One leader by hand: from when its lease runs, what renews it, what does not, and to whom it listens.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Election, type ElectionOutput } from "../../../coordinator/core/election.ts";
import { leaseLength } from "../../../coordinator/core/lease.ts";
import type { ElectionMessage, Heartbeat } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { instant, term } from "../../../proto/units.ts";
import { membersNamed } from "./members-named.ts";

const config = {
  id: "c1",
  members: membersNamed("c1", "c2", "c3"),
  heartbeatInterval: 100,
  leaderTimeout: 750,
  tick: 5,
};
const length = leaseLength(600, 0.01, 5);

const messages = (outputs: readonly ElectionOutput[], to: string): ElectionMessage[] =>
  outputs.flatMap((o) => (o.kind === "send" && o.to === to ? [o.message] : []));
const beatTo = (outputs: readonly ElectionOutput[], to: string): Heartbeat => {
  const beat = messages(outputs, to).find((m) => m.kind === "heartbeat");
  assert(beat !== undefined);
  return beat;
};
const ack = (beat: Heartbeat, accepted = true): ElectionMessage => ({
  kind: "heartbeat-ack",
  term: beat.term,
  round: beat.round,
  accepted,
});

/** c1, elected by c2 in term 4 at the instant 1100; with the heartbeats of that moment, and one that it sent as a follower. */
function elect(): {
  election: Election;
  followersBeat: Heartbeat;
  first: readonly ElectionOutput[];
} {
  const durable = { term: term(3), votedFor: "", longestPromise: 600 };
  const election = new Election(config, durable, new Random(1), instant(0));
  const followersBeat = beatTo(election.onTick(instant(700)), "c2");
  const asked = election.onTick(instant(1100));
  const preVote = messages(asked, "c2").find((m) => m.kind === "pre-vote");
  assert(preVote !== undefined);
  const stood = election.onMessage(
    "c2",
    { kind: "pre-vote-answer", term: term(3), round: preVote.round, granted: true },
    instant(1100),
  );
  assert.equal(stood[0]?.kind, "persist", "its own vote is saved first");
  const vote = messages(stood, "c2").find((m) => m.kind === "vote");
  assert(vote !== undefined);
  const first = election.onMessage(
    "c2",
    { kind: "vote-answer", term: term(4), round: vote.round, granted: true },
    instant(1100),
  );
  assert.equal(election.role, "leader");
  return { election, followersBeat, first };
}

describe("a leader's lease", () => {
  it("begins with the first acknowledgement and runs from the sending of what was acknowledged", () => {
    const { election, first } = elect();
    assert.equal(election.leaseUntil(instant(1100)), undefined);
    election.onMessage("c3", ack(beatTo(first, "c3")), instant(1450));
    assert.equal(election.leaseUntil(instant(1450)), 1100 + length);
    assert.equal(election.leaseUntil(instant(1100 + length)), undefined);
  });

  it("is given neither by a refusal, nor by a repeated acknowledgement, nor by one of another term", () => {
    const { election, first } = elect();
    election.onMessage("c2", ack(beatTo(first, "c2"), false), instant(1101));
    election.onMessage("c3", { ...ack(beatTo(first, "c3")), term: term(3) }, instant(1101));
    election.onMessage("c3", ack(beatTo(first, "c3")), instant(1102));
    assert.equal(election.leaseUntil(instant(1102)), undefined, "each round is answered once");
  });

  it("is not given by acknowledgements of what it sent before it led, whatever they say", () => {
    const { election, followersBeat } = elect();
    election.onMessage("c2", { ...ack(followersBeat), term: term(4) }, instant(1101));
    assert.equal(election.leaseUntil(instant(1101)), undefined);
  });

  it("is missed aloud when no quorum acknowledges, and 750 ms after the last acknowledged sending it steps down", () => {
    const { election, first } = elect();
    election.onMessage("c2", ack(beatTo(first, "c2")), instant(1110));
    assert.equal(
      election.onTick(instant(1650)).some((o) => o.kind === "lease-ended"),
      false,
    );
    assert(election.onTick(instant(1700)).some((o) => o.kind === "lease-ended"));
    assert.equal(election.role, "leader");
    election.onTick(instant(1849));
    assert.equal(election.role, "leader");
    election.onTick(instant(1850));
    assert.equal(election.role, "follower");
  });

  it("ends with a jump of the clock, after which no vote is given for the longest promise", () => {
    const { election, first } = elect();
    election.onMessage("c2", ack(beatTo(first, "c2")), instant(1110));
    const beats = election.onTick(instant(1200));
    assert(election.onJump(instant(1250)).some((o) => o.kind === "lease-ended"));
    assert.equal(election.leaseUntil(instant(1250)), undefined);
    election.onMessage("c2", ack(beatTo(beats, "c2")), instant(1260));
    assert.equal(election.leaseUntil(instant(1260)), undefined, "sent before the jump");
    const ask = (now: number): boolean =>
      election
        .onMessage("c3", { kind: "vote", term: term(9), round: 1, handover: term(0) }, instant(now))
        .some((o) => o.kind === "send" && "granted" in o.message && o.message.granted);
    assert.equal(ask(1849), false);
    assert.equal(ask(1850), true);
  });
});

describe("a leader", () => {
  it("votes and pre-votes for nobody, and a refused request of a later term does not unseat it", () => {
    const { election } = elect();
    for (const message of [
      { kind: "vote", term: term(9), round: 1, handover: term(0) },
      { kind: "pre-vote", term: term(9), round: 1 },
    ] as const) {
      const [answer] = messages(election.onMessage("c3", message, instant(1200)), "c3");
      assert(answer !== undefined && "granted" in answer);
      assert.equal(answer.granted, false);
    }
    assert.equal(election.role, "leader");
    assert.equal(election.term, 4);
  });

  it("follows at once whoever leads a later term", () => {
    const { election, first } = elect();
    election.onMessage("c2", ack(beatTo(first, "c2")), instant(1110));
    const beat: Heartbeat = { ...beatTo(first, "c2"), term: term(5), leader: "c3", round: 77 };
    const outputs = election.onMessage("c3", beat, instant(1120));
    assert.equal(outputs[0]?.kind, "lease-ended");
    assert.equal(election.role, "follower");
    assert.equal(election.leader, "c3");
    assert.equal(election.leaseUntil(instant(1120)), undefined);
  });

  it("does not follow another one of its own term", () => {
    const { election, first } = elect();
    const beat: Heartbeat = { ...beatTo(first, "c2"), leader: "c3", round: 2 ** 32 };
    const [answer] = messages(election.onMessage("c3", beat, instant(1120)), "c3");
    assert(answer?.kind === "heartbeat-ack" && !answer.accepted);
    assert.equal(election.role, "leader");
  });
});
