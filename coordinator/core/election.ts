// Who leads: Raft's election over datagrams that may be lost, repeated and overtaken, without a replicated log. One durable vote a
// term, pre-vote, check-quorum, leases on promises, handover. Reads no clock, opens no socket, rolls no dice but the given ones.

import assert from "node:assert/strict";
import { limits } from "../../proto/limits.ts";
import type * as messages from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import { earliest, type CoordinatorId, type Instant, type Term } from "../../proto/units.ts";
import type { ElectionConfig, ElectionOutput, Role } from "./election-shape.ts";
import {
  byId,
  compareStamps,
  Members,
  seedOf,
  seedStamp,
  type MemberChange,
  type MemberSet,
} from "./member-set.ts";
import { Outbox } from "./outbox.ts";
import type { Peer, PeerView } from "./peer.ts";
import { Peers } from "./peers.ts";
import { Seat } from "./seat.ts";
import { Reconfiguration } from "./reconfiguration.ts";
import { Strangers } from "./strangers.ts";
import type { Ballot } from "./vote-book.ts";
import { Voter } from "./voter.ts";

export type { Ballot, ElectionConfig, ElectionOutput, PeerView, Role };

export class Election {
  readonly #id: CoordinatorId;
  readonly #members: Members;
  readonly #strangers: Strangers;
  readonly #change: Reconfiguration;
  readonly #outbox = new Outbox();
  readonly #peers: Peers;
  readonly #voter: Voter;
  readonly #seat: Seat;

  /** @param durable `"lost"`: nothing readable was found, be it a first start or a damaged disk. */
  constructor(config: ElectionConfig, durable: Ballot | "lost", random: Random, now: Instant) {
    const isConfigured = config.members.some(({ id }) => id === config.id);
    assert(isConfigured, `${config.id} is not a member`);
    assert(config.members.length <= limits.coordinators, "more members than limits.coordinators");
    this.#id = config.id;
    const set = durable === "lost" ? undefined : durable.set;
    const members = new Members(config.id, set ?? seedOf(config.members));
    const peers = new Peers(config, members, random, now);
    const voter = new Voter(config, members, durable, now);
    this.#members = members;
    this.#peers = peers;
    this.#voter = voter;
    this.#seat = new Seat(config, { members, voter, peers, random, outbox: this.#outbox }, now);
    const { leaderTimeout } = config;
    this.#strangers = new Strangers(leaderTimeout);
    const strangers = this.#strangers;
    this.#change = new Reconfiguration({ members, peers, voter, strangers, leaderTimeout });
  }

  /** The set of coordinators as it counts here. */
  get members(): Members {
    return this.#members;
  }
  /** It was removed, or waits to be added. */
  isOutside(now: Instant): boolean {
    return !this.#members.hasSelf || this.#peers.countUsOut(now);
  }
  /** In words, on the leader; empty when no change of the set is under way. */
  get changeText(): string {
    return this.#change.text;
  }
  /** Coordinators that are heard and belong to no set that is known here. */
  strangers(now: Instant): readonly CoordinatorId[] {
    return this.#strangers.list(now);
  }

  get role(): Role {
    return this.#seat.role;
  }
  /** How often it stood for election, since the start. */
  get candidacies(): number {
    return this.#seat.candidacies;
  }
  get term(): Term {
    return this.#voter.term;
  }
  /** Whom it follows, or itself; empty when it knows none. */
  get leader(): CoordinatorId {
    return this.#seat.leader;
  }
  /** Why it can give no vote at all (its disk); empty when it can. */
  get obstacle(): string {
    return this.#voter.obstacle;
  }

  /** It is tried again every second. */
  get isDiskFailing(): boolean {
    return this.#voter.isDiskFailing;
  }

  /** Exclusive. Undefined: it may not act. */
  leaseUntil(now: Instant): Instant | undefined {
    return this.#seat.leaseUntil(now);
  }

  peers(now: Instant): readonly PeerView[] {
    return this.#peers.views(now);
  }

  /** Of strangers only heartbeats say something. */
  onMessage(
    from: CoordinatorId,
    message: messages.ElectionMessage,
    now: Instant,
  ): readonly ElectionOutput[] {
    const peer = this.#peers.get(from);
    if (message.term - this.term > limits.termLeap && !this.#voter.isLost) return [];
    if (peer === undefined) {
      if (message.kind === "heartbeat") this.#onStranger(from, message, now);
      return this.#outbox.drain();
    }
    peer.onHeard(now);
    switch (message.kind) {
      case "heartbeat":
        this.#onHeartbeat(peer, message, now);
        break;
      case "heartbeat-ack":
        this.#onAck(peer, message, now);
        break;
      case "pre-vote":
        this.#onPreVote(from, message, now);
        break;
      case "pre-vote-answer":
        if (message.term > this.term) this.#onHigherTerm(message.term, `${from}'s term`, now);
        else if (message.granted) this.#seat.onGranted("pre-vote", from, message.round, now);
        break;
      case "vote":
        this.#onVote(from, message, now);
        break;
      case "vote-answer":
        if (message.term > this.term) this.#onHigherTerm(message.term, `${from}'s term`, now);
        else if (message.granted && message.term === this.term) {
          this.#seat.onGranted("vote", from, message.round, now);
        }
        break;
      case "handover":
        this.#onHandover(from, message, now);
        break;
    }
    return this.#settled(now);
  }

  onTick(now: Instant): readonly ElectionOutput[] {
    const { round } = this.#peers;
    if (this.#voter.onTick(now, round) === "ask") {
      // The only one left of a set has nobody to ask, nor anybody who could lead.
      if (this.#seat.isAlone) this.#onVoteKnown(this.#voter.onAnswered(this.#id, round), now);
      for (const peer of this.#peers.all()) peer.nextBeatAt = now;
    }
    this.#seat.onTick(now);
    this.#outbox.persist(this.#voter.retry(now));
    return this.#settled(now);
  }

  /** Adds or removes one coordinator; ends with a `change-ended`. Of the leader while it holds a lease. */
  change(change: MemberChange, now: Instant): readonly ElectionOutput[] {
    const isSelf = change.kind === "remove" && change.id === this.#id;
    if (this.leaseUntil(now) === undefined) this.#refuse("later", "this coordinator does not lead");
    else if (isSelf && !this.#seat.isAlone) {
      this.#seat.resign("it is to be removed", now);
      this.#refuse("later", `${this.#id} led, and has handed over to be removed; ask again`);
    } else {
      const refusal = this.#change.ask(change, now);
      if (refusal !== undefined) this.#refuse("refused", refusal);
    }
    return this.#settled(now);
  }

  #refuse(how: "refused" | "later", text: string): void {
    this.#outbox.push({ kind: "change-ended", how, text });
  }

  #settled(now: Instant): readonly ElectionOutput[] {
    this.#changeOn(now);
    this.#seat.watchLease(now);
    return this.#outbox.drain();
  }

  nextDeadline(): Instant | undefined {
    return earliest(
      this.#seat.nextDeadline(),
      this.#seat.handoverDeadline(),
      this.#voter.nextDeadline(),
      this.#peers.nextBeatAt(),
      this.#change.nextDeadline(),
    );
  }

  /** A ballot could not be made durable, and what was behind it was not sent. It neither votes nor stands until `setDiskOk`. */
  onPersistFailed(reason: string, now: Instant): readonly ElectionOutput[] {
    this.#voter.onDiskFailed(reason, now);
    // A leader among others saved its vote long ago; alone it wins in the very step that saves.
    if (this.role !== "leader" || this.#seat.isAlone || !this.#voter.isSetSaved) {
      this.#seat.becomeFollower("", `its vote cannot be saved: ${reason}`, now);
    }
    return this.#outbox.drain();
  }

  /** After a `persist` that succeeded; while the disk fails, one is put out every second. */
  setDiskOk(now: Instant): readonly ElectionOutput[] {
    if (this.#voter.onDiskRepaired()) this.#seat.onFreed(now);
    return this.#outbox.drain();
  }

  /** Unfit: ends its lease if it leads, hands over, and does not stand until it is fit again. */
  setFit(fit: boolean, reason: string, now: Instant): readonly ElectionOutput[] {
    this.#seat.setFit(fit, reason, now);
    return this.#outbox.drain();
  }

  /** Ends its lease first, then hands over at once; does not stand again for 3 T. */
  resign(reason: string, now: Instant): readonly ElectionOutput[] {
    this.#seat.resign(reason, now);
    return this.#outbox.drain();
  }

  /** A suspend or a long pause: nothing that was counted before it holds. */
  onJump(now: Instant): readonly ElectionOutput[] {
    for (const peer of this.#peers.all()) peer.onJump(now);
    this.#voter.onJump(now);
    this.#seat.onJump(now);
    return this.#outbox.drain();
  }

  /** A later term was seen elsewhere, in a token of Redis for instance, so that nothing done in this one would pass. */
  onTermSeen(seen: Term, now: Instant): readonly ElectionOutput[] {
    if (seen > this.term) this.#onHigherTerm(seen, "a record's term", now);
    return this.#outbox.drain();
  }

  /** Whoever is no member is told the set that counts, unless it is the one that tells us ours; a newcomer hears that it is heard. */
  #onStranger(from: CoordinatorId, m: messages.Heartbeat, now: Instant): void {
    this.#strangers.onHeard(from, now);
    this.#onSetTold(m, now);
    const peer = this.#peers.get(from);
    if (peer !== undefined) {
      peer.onHeard(now);
      this.#onHeartbeat(peer, m, now);
      return;
    }
    this.#acknowledge(from, m, false);
    const isBehind = compareStamps(m.set ?? seedStamp, this.#voter.savedStamp) < 0;
    if (isBehind) this.#outbox.send(from, this.#seat.tidings());
  }

  #acknowledge(to: CoordinatorId, { round }: messages.Heartbeat, accepted: boolean): void {
    const { term } = this;
    const set = this.#voter.savedStamp;
    this.#outbox.send(to, { kind: "heartbeat-ack", term, round, accepted, set });
  }

  /** A set in a heartbeat: it counts if it is newer, unless this coordinator leads; then its own is made the newer one. */
  #onSetTold(m: messages.Heartbeat, now: Instant): void {
    if (m.set === undefined || m.members === undefined || m.members.length === 0) return;
    if (this.role === "leader" || compareStamps(m.set, this.#members.set.stamp) <= 0) return;
    this.#install({ stamp: m.set, members: byId(m.members) }, now);
    const isLeaderGone = this.leader !== "" && !this.#members.has(this.leader);
    if (this.role !== "follower" || isLeaderGone) {
      this.#seat.becomeFollower("", "the set of coordinators changed", now);
    }
  }

  #install(set: MemberSet, now: Instant): void {
    this.#members.install(set);
    this.#peers.sync(now);
    this.#outbox.persist(this.#voter.keepSet(set, now));
    this.#outbox.push({ kind: "members-changed", set });
  }

  /** The leader takes the next steps of a change as far as they go now. */
  #changeOn(now: Instant): void {
    for (;;) {
      const leads = this.role === "leader";
      const next = leads ? this.#change.next(this.term, now) : this.#change.drop();
      if (next.kind === "wait") return;
      if (next.kind === "install") this.#lead(next.set, now);
      else this.#outbox.push(next);
    }
  }

  /** The leader's own next set, told at once. */
  #lead(set: MemberSet, now: Instant): void {
    this.#install(set, now);
    this.#seat.onMembers(now);
    for (const peer of this.#peers.all()) peer.nextBeatAt = now;
  }

  /** What it says of its set; a leader that meets a set of an earlier one makes its own the newer. */
  #onSetHeld(peer: Peer, stamp: messages.SetStamp | undefined, of: Term, now: Instant): void {
    peer.held = { stamp, term: of };
    if (this.role !== "leader" || stamp === undefined) return;
    const own = this.#members.set.stamp;
    if (own.term === this.term || compareStamps(stamp, own) <= 0) return;
    this.#lead(this.#change.confirmed(this.term).set, now);
  }

  #onHeartbeat(peer: Peer, m: messages.Heartbeat, now: Instant): void {
    peer.onHeartbeat(m);
    this.#onSetHeld(peer, m.set, m.term, now);
    this.#onSetTold(m, now);
    if (!this.#members.has(peer.id)) return;
    const accepted = m.leading && this.#follow(peer.id, m, now);
    if (!m.leading && m.term > this.term) this.#onHigherTerm(m.term, `${peer.id}'s term`, now);
    this.#acknowledge(peer.id, m, accepted);
  }

  /** @returns whether the promise was given. */
  #follow(from: CoordinatorId, m: messages.Heartbeat, now: Instant): boolean {
    if (!this.#voter.isNews(m)) return false;
    const isNewTerm = m.term > this.term;
    const hasOther = this.role === "leader" || (this.leader !== "" && this.leader !== from);
    if (!isNewTerm && hasOther) return false;
    this.#voter.raise(m.term);
    this.#seat.onLeaderHeard(from, isNewTerm, now);
    const grant = this.#voter.promise(m, now);
    if (grant.granted) this.#outbox.persist(grant.ballot);
    return grant.granted;
  }

  #onAck(peer: Peer, m: messages.HeartbeatAck, now: Instant): void {
    const sent = peer.onAcknowledged(m.round, now);
    this.#onSetHeld(peer, m.set, m.term, now);
    if (m.term > this.term) this.#onHigherTerm(m.term, `${peer.id}'s term`, now);
    if (sent === undefined) return;
    this.#onVoteKnown(this.#voter.onAnswered(peer.id, m.round), now);
    const isLed = this.role === "leader" && m.term === this.term && sent.led === this.term;
    if (isLed && m.accepted) this.#seat.onAcknowledged(peer.id, sent.at);
  }

  #onVoteKnown(closed: Ballot | undefined, now: Instant): void {
    if (closed === undefined) return;
    this.#outbox.persist(closed);
    this.#seat.onFreed(now);
  }

  #onPreVote(from: CoordinatorId, m: messages.PreVote, now: Instant): void {
    // A candidate grants as well: it asks for a later term only who did not vote for it, and refusing would keep split votes in step.
    const isFree = this.role !== "leader" && !this.#isOutdated(m.set);
    const granted = isFree && this.#voter.grantsPreVote(m.term, now);
    const { term } = this;
    this.#outbox.send(from, { kind: "pre-vote-answer", term, round: m.round, granted });
    if (granted) this.#seat.onPreVoteGranted(from, now);
  }

  #onVote(from: CoordinatorId, m: messages.Vote, now: Instant): void {
    // A leader that lost its quorum steps down by itself; until then it votes for nobody.
    const isFree = this.role !== "leader" && !this.#isOutdated(m.set);
    const grant = isFree ? this.#voter.grantVote(from, m, now) : { granted: false as const };
    if (grant.granted) {
      this.#outbox.persist(grant.ballot);
      this.#seat.becomeFollower("", `voted for ${from}`, now);
    }
    const { term } = this;
    const { granted } = grant;
    this.#outbox.send(from, { kind: "vote-answer", term, round: m.round, granted });
  }

  /** A candidate with an older set than ours: its quorum may be none any more. */
  #isOutdated(theirs: messages.SetStamp | undefined): boolean {
    return compareStamps(theirs ?? seedStamp, this.#members.set.stamp) < 0;
  }

  #onHandover(from: CoordinatorId, m: messages.Handover, now: Instant): void {
    if (m.term < this.term || this.role === "leader") return;
    if (m.term === this.term && this.leader !== "" && this.leader !== from) return;
    this.#voter.raise(m.term);
    const isNews = this.#voter.release(m.term);
    if (m.successor === this.#id && this.role !== "candidate" && this.#seat.mayStand(now)) {
      this.#seat.becomeCandidate(m.term, `${from} handed over`, now);
    } else if (isNews) this.#seat.onGivenUp(`${from} gave up leading`, now);
  }

  /** A term above ours that is not told by its leader. */
  #onHigherTerm(higher: Term, whose: string, now: Instant): void {
    // A leader is alive and heard: it finds out itself, with less harm.
    if (this.#voter.isPromised(now)) return;
    const led = this.term;
    const reason = `${whose} ${higher} is above ${led}`;
    const wasActing = this.leaseUntil(now) !== undefined;
    // For the old term it steps down in any case; what follows is about the new one.
    if (this.role === "leader" || this.role === "candidate") this.#seat.onGivenUp(reason, now);
    this.#voter.raise(higher);
    if (wasActing && this.#seat.mayStand(now)) {
      // Its lease has ended, so that it may hand over to itself: two round trips instead of an election timeout.
      this.#voter.release(led);
      this.#seat.becomeCandidate(led, reason, now);
    } else if (this.role === "pre-candidate") this.#seat.becomePreCandidate(reason, now);
    else if (this.leader !== "") this.#seat.becomeFollower("", reason, now);
  }
}
