// The role of a coordinator and the only ways to change it, with what each role does while time passes.

import type { Heartbeat, SetStamp } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import { after, term } from "../../proto/units.ts";
import type { CoordinatorId, Duration, Instant, Term } from "../../proto/units.ts";
import { Campaign } from "./campaign.ts";
import * as shape from "./election-shape.ts";
import type { ElectionConfig, Role } from "./election-shape.ts";
import { HandingOver } from "./handing-over.ts";
import { Leadership } from "./leadership.ts";
import { promiseOf } from "./lease.ts";
import { compareStamps, seedStamp, type Members } from "./member-set.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer } from "./peer.ts";
import type { Peers } from "./peers.ts";
import type { Voter } from "./voter.ts";

export class Seat {
  readonly #config: ElectionConfig;
  readonly #members: Members;
  readonly #voter: Voter;
  readonly #peers: Peers;
  readonly #random: Random;
  readonly #outbox: Outbox;
  readonly #leadership: Leadership;
  #role: Role = "follower";
  #leader: CoordinatorId = "";
  /** A follower that hears no leader until then asks for pre-votes. */
  #electionAt: Instant;
  #campaign: Campaign | undefined;
  #handingOver: HandingOver | undefined;
  #unfitReason = "";
  #standFrom: Instant;
  /** Since it heard a leader or began to ask, it granted a pre-vote and let the asker go first. */
  #wasCourteous = false;
  /** How often it stood for election, since the start. */
  candidacies = 0;

  constructor(
    config: ElectionConfig,
    parts: {
      readonly members: Members;
      readonly voter: Voter;
      readonly peers: Peers;
      readonly random: Random;
      readonly outbox: Outbox;
    },
    now: Instant,
  ) {
    this.#config = config;
    this.#members = parts.members;
    this.#voter = parts.voter;
    this.#peers = parts.peers;
    this.#random = parts.random;
    this.#outbox = parts.outbox;
    this.#leadership = new Leadership(config, parts.members, now);
    this.#standFrom = now;
    this.#electionAt = this.isAlone ? now : this.#drawTimeout(now);
  }

  get role(): Role {
    return this.#role;
  }
  get leader(): CoordinatorId {
    return this.#leader;
  }
  get isAlone(): boolean {
    return this.#members.isAlone;
  }

  leaseUntil(now: Instant): Instant | undefined {
    return this.#role === "leader" ? this.#leadership.until(now) : undefined;
  }

  becomeFollower(leader: CoordinatorId, reason: string, now: Instant): void {
    if (this.#role === "leader") this.#endLease(reason);
    this.#campaign = undefined;
    this.#electionAt = this.#drawTimeout(now);
    this.#setRole("follower", leader, reason);
  }

  becomePreCandidate(reason: string, now: Instant): void {
    this.#wasCourteous = false;
    this.#setRole("pre-candidate", "", reason);
    this.#campaign = new Campaign(
      {
        kind: "pre-vote",
        firstRound: this.#peers.round,
        needed: this.#members.quorum - 1,
        handover: term(0),
        giveUpAt: undefined,
        grantLasts: this.#config.leaderTimeout / 2,
      },
      now,
    );
    this.#runCampaign(now);
  }

  /** @param handover the term whose leader ended its lease for this; 0 after a pre-vote. */
  becomeCandidate(handover: Term, reason: string, now: Instant): void {
    this.candidacies++;
    this.#outbox.persist(this.#voter.stand());
    this.#setRole("candidate", "", reason);
    const lasts = this.#retryPause() + 2 * this.#peers.slowestRoundTrip(now);
    const longest = shape.longestCandidacy * this.#config.leaderTimeout;
    this.#campaign = new Campaign(
      {
        kind: "vote",
        firstRound: this.#peers.round,
        needed: this.#members.quorum - 1,
        handover,
        giveUpAt: after(now, Math.min(lasts, longest)),
        grantLasts: Infinity,
      },
      now,
    );
    this.#runCampaign(now);
  }

  #becomeLeader(now: Instant): void {
    this.#campaign = undefined;
    this.#handingOver = undefined;
    this.#leadership.begin(now);
    const { ids, quorum, self } = this.#members;
    this.#setRole("leader", self, `elected by ${quorum} of ${ids.length}`);
    for (const peer of this.#peers.all()) this.beat(peer, now);
  }

  #setRole(role: Role, leader: CoordinatorId, reason: string): void {
    const isSame = role === this.#role && leader === this.#leader && leader === "";
    this.#role = role;
    this.#leader = leader;
    if (isSame) return;
    this.#outbox.push({ kind: "role-changed", role, term: this.#voter.term, leader, reason });
  }

  /** A leader's heartbeat was accepted as one. */
  onLeaderHeard(leader: CoordinatorId, isNewTerm: boolean, now: Instant): void {
    this.#wasCourteous = false;
    this.#handingOver = undefined;
    if (isNewTerm || this.#role !== "follower" || this.#leader !== leader) {
      this.becomeFollower(leader, `heard ${leader} lead`, now);
    }
    this.#electionAt = this.#drawTimeout(now);
  }

  /** It leads, and the set is another. */
  onMembers(now: Instant): void {
    this.#leadership.onMembers(now);
  }

  onAcknowledged(by: CoordinatorId, sentAt: Instant): void {
    this.#leadership.onAcknowledged(by, sentAt);
  }

  onGranted(kind: "pre-vote" | "vote", by: CoordinatorId, round: number, now: Instant): void {
    const campaign = this.#campaign;
    if (campaign?.terms.kind !== kind || round < campaign.terms.firstRound) return;
    campaign.onGranted(by, now);
    this.#runCampaign(now);
  }

  /** It granted a pre-vote: the asker goes first, once, and between two askers the lower id. */
  onPreVoteGranted(to: CoordinatorId, now: Instant): void {
    if (this.#wasCourteous) return;
    this.#wasCourteous = true;
    const until = after(now, shape.courtesy + 2 * this.#peers.slowestRoundTrip(now));
    if (this.#role !== "follower") {
      if (this.#config.id > to) this.#campaign?.holdBack(until);
    } else if (this.#electionAt < until) this.#electionAt = until;
  }

  /** The leader gave up in favour of another, or of nobody: whoever draws the shortest retry goes next. */
  onGivenUp(reason: string, now: Instant): void {
    this.becomeFollower("", reason, now);
    this.#electionAt = after(now, this.#retryPause());
  }

  setFit(fit: boolean, reason: string, now: Instant): void {
    const wasFit = this.#unfitReason === "";
    this.#unfitReason = fit ? "" : reason || "unfit";
    if (!fit) this.#giveUp(this.#unfitReason, now);
    else if (!wasFit && this.isAlone) this.#electionAt = now;
  }

  resign(reason: string, now: Instant): void {
    this.#standFrom = after(now, shape.restAfterResigning * this.#config.leaderTimeout);
    this.#giveUp(reason, now);
  }

  onJump(now: Instant): void {
    this.#handingOver = undefined;
    this.becomeFollower("", "the clock jumped", now);
  }

  /** What kept it from standing is over: it may draw a short timeout, since no leader is heard. */
  onFreed(now: Instant): void {
    if (this.#role !== "follower" || this.#leader !== "") return;
    this.#electionAt = this.isAlone ? now : this.#drawSoon(now);
  }

  mayStand(now: Instant): boolean {
    if (!this.#members.hasSelf || this.#unfitReason !== "") return false;
    return now >= this.#standFrom && this.#voter.mayVote(now);
  }

  onTick(now: Instant): void {
    this.watchLease(now);
    if (this.#role === "follower") this.#watchLeader(now);
    else if (this.#role === "leader") this.#checkQuorum(now);
    else this.#runCampaign(now);
    for (const peer of this.#peers.all()) if (now >= peer.nextBeatAt) this.beat(peer, now);
    this.#tellHandover(now);
  }

  /** After anything that may have renewed the lease, and when it may have run out. */
  watchLease(now: Instant): void {
    if (this.#role !== "leader" || !this.#leadership.hasRunOut(now)) return;
    this.#outbox.push({ kind: "lease-ended", reason: "no quorum acknowledged it in time" });
  }

  nextDeadline(): Instant | undefined {
    if (this.#role === "follower") return this.#electionAt;
    return this.#role === "leader"
      ? this.#leadership.nextDeadline()
      : this.#campaign?.nextDeadline();
  }

  handoverDeadline(): Instant | undefined {
    return this.#handingOver?.nextDeadline();
  }

  beat(peer: Peer, now: Instant): void {
    const leading = this.#role === "leader";
    const round = this.#peers.nextRound();
    const led = leading ? this.#voter.term : undefined;
    const promise = leading ? promiseOf(this.#config.leaderTimeout) : 0;
    const set = this.#setFor(peer.held?.stamp);
    this.#outbox.send(peer.id, { ...this.#heartbeat(round), leading, promise, ...set });
    peer.onSent(round, led, now);
  }

  /** The set that counts, for one that is no member of it. */
  tidings(): Heartbeat {
    return { ...this.#heartbeat(this.#peers.nextRound()), ...this.#setFor(undefined) };
  }

  #heartbeat(round: number): Heartbeat {
    return {
      kind: "heartbeat",
      term: this.#voter.term,
      leading: false,
      round,
      promise: 0,
      leader: this.#leader,
      fit: this.#unfitReason === "",
      redis: "unknown",
      records: [],
    };
  }

  /** The set goes along until the peer has it; the configured one is nobody's news. */
  #setFor(theirs: SetStamp | undefined): Pick<Heartbeat, "set" | "members"> {
    const set = this.#voter.savedStamp;
    const { stamp, members } = this.#members.set;
    const isNews = compareStamps(theirs ?? seedStamp, stamp) < 0;
    return this.#voter.isSetSaved && isNews ? { set, members } : { set };
  }

  #endLease(reason: string): void {
    if (this.#leadership.end()) this.#outbox.push({ kind: "lease-ended", reason });
  }

  /** The lease ends before anybody is told, so that whoever is told may promise and vote at once. */
  #giveUp(reason: string, now: Instant): void {
    const led = this.#role === "leader" ? this.#voter.term : undefined;
    if (this.#role !== "follower") this.becomeFollower("", reason, now);
    if (led === undefined) return;
    this.#voter.release(led);
    this.#handingOver = new HandingOver(led, this.#peers.successor(now), now);
    this.#tellHandover(now);
  }

  #tellHandover(now: Instant): void {
    const message = this.#handingOver?.due(now);
    if (message === undefined) return;
    for (const peer of this.#peers.all()) this.#outbox.send(peer.id, message);
  }

  #runCampaign(now: Instant): void {
    const campaign = this.#campaign;
    if (campaign === undefined) return;
    const { kind, handover } = campaign.terms;
    if (campaign.isWon(now)) {
      if (kind === "vote") this.#becomeLeader(now);
      else if (this.mayStand(now)) this.becomeCandidate(term(0), "a quorum would vote for it", now);
      else this.becomeFollower("", "it may not stand any more", now);
      return;
    }
    if (campaign.isGivenUp(now)) {
      this.becomePreCandidate("the vote was not won", now);
      return;
    }
    const { leaderTimeout, heartbeatInterval } = this.#config;
    for (const peer of campaign.due(this.#peers.all(), now, leaderTimeout, heartbeatInterval)) {
      const round = this.#peers.nextRound();
      const message =
        kind === "vote"
          ? { kind, term: this.#voter.term, round, handover, set: this.#members.set.stamp }
          : { kind, term: term(this.#voter.term + 1), round, set: this.#members.set.stamp };
      this.#outbox.send(peer.id, message);
    }
  }

  #watchLeader(now: Instant): void {
    if (now < this.#electionAt) return;
    if (this.mayStand(now)) {
      const reason = this.#leader === "" ? "there is no leader" : `${this.#leader} is not heard`;
      this.becomePreCandidate(reason, now);
      return;
    }
    if (this.#leader !== "") this.becomeFollower("", `${this.#leader} is not heard`, now);
    const freeAt = this.#voter.freeAt(now);
    this.#electionAt = freeAt === undefined ? this.#drawTimeout(now) : this.#drawSoon(freeAt);
  }

  #checkQuorum(now: Instant): void {
    this.#leadership.renewAlone(now);
    if (now < this.#leadership.stepDownAt()) return;
    const { leaderTimeout } = this.#config;
    this.becomeFollower("", `no quorum acknowledged it for ${leaderTimeout} ms`, now);
  }

  /** In [T, 1.33 T]. */
  #drawTimeout(now: Instant): Instant {
    const { leaderTimeout } = this.#config;
    return after(now, this.#random.between(leaderTimeout, shape.timeoutSpread * leaderTimeout));
  }

  /** Where no leader is to be waited for: only the spread, so that not all stand at once. */
  #drawSoon(from: Instant): Instant {
    const spread = (shape.timeoutSpread - 1) * this.#config.leaderTimeout;
    return after(from, this.#random.between(0, spread));
  }

  #retryPause(): Duration {
    return this.#random.between(shape.retryBetween.low, shape.retryBetween.high);
  }
}
