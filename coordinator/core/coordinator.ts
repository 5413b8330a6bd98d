// The whole of a coordinator's decisions as one machine: election, watching, verdicts and recoveries, composed by plain calls.

import { limits } from "../../proto/limits.ts";
import type { Machine } from "../../proto/machine.ts";
import type { ElectionMessage, Heartbeat, Member, Message } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import {
  after,
  earliest,
  type CoordinatorId,
  type Duration,
  type Incarnation,
  type Instant,
} from "../../proto/units.ts";
import { Circle } from "./circle.ts";
import { Election, type Ballot, type ElectionConfig, type ElectionOutput } from "./election.ts";
import { eventOf, leadsText, type CoreEvent } from "./event.ts";
import type { CoordinatorInput, CoordinatorOutput, NewsInput } from "./exchange.ts";
import { projectsOf } from "./mapping.ts";
import { Lookout, type HostsConfig, type LookoutOutput, type MigrationConfig } from "./lookout.ts";
import { OwnAgent } from "./own-agent.ts";
import { QuorumWatch } from "./quorum-watch.ts";
import { Recoveries, type RecoveryConfig, type RecoveryOutput } from "./recoveries.ts";
import { asksToMove } from "./recovery-operator.ts";
import { withRecords } from "./record-pages.ts";
import { RedisView } from "./redis-view.ts";
import { SelfHealth } from "./self-health.ts";
import type { CoordinatorSummary } from "./summary.ts";
import { summarise } from "./summarise.ts";
import { Wards, type WardsConfig } from "./wards.ts";
import { worldOf } from "./world.ts";

export interface CoordinatorConfig {
  readonly election: ElectionConfig;
  readonly wards: WardsConfig;
  readonly hosts?: HostsConfig;
  readonly migration?: MigrationConfig;
  readonly recovery: RecoveryConfig;
  readonly incarnation: Incarnation;
  /** By which its own container is recognised: its Compose project is being stopped when it is told to stop. */
  readonly hostname: string;
}

/** Between two looks at ourselves: peers, doubts, Redis, fitness. */
const beatEvery: Duration = 50;
/** Without a leader for this many LEADER_TIMEOUTs the quorum is lost. */
const leaderlessBorne = 4;

export class Coordinator implements Machine<CoordinatorInput, CoordinatorOutput> {
  readonly #config: CoordinatorConfig;
  readonly #election: Election;
  readonly #wards: Wards;
  readonly #lookout: Lookout;
  readonly #recoveries: Recoveries;
  readonly #self: SelfHealth;
  readonly #redis: RedisView;
  readonly #agent: OwnAgent;
  readonly #circle: Circle;
  readonly #counters: Record<string, number> = {};
  #beatAt: Instant;
  #now: Instant;
  #fitness: { readonly fit: boolean; readonly reason: string } = { fit: false, reason: "" };
  #leading = false;
  readonly #quorum: QuorumWatch;
  #out: CoordinatorOutput[] = [];

  constructor(config: CoordinatorConfig, ballot: Ballot | "lost", random: Random, now: Instant) {
    this.#config = config;
    const { members } = config.election;
    const { checkInterval, timeout } = config.wards.census.defaults;
    this.#election = new Election(config.election, ballot, random.fork(), now);
    this.#wards = new Wards(config.wards, random.fork(), now);
    this.#self = new SelfHealth({ coordinatorCount: members.length, checkInterval, timeout });
    const ofRecoveries = random.fork();
    this.#redis = new RedisView(members.length);
    this.#lookout = new Lookout(config, this.#wards, random.fork(), now);
    const world = worldOf(this.#wards, this.#lookout);
    this.#recoveries = new Recoveries(config.recovery, world, ofRecoveries);
    const parts = { lookout: this.#lookout, self: this.#self, redis: this.#redis };
    this.#circle = new Circle(this.#election.members, parts, now);
    this.#agent = new OwnAgent(config.election.id, config.incarnation, now);
    this.#now = now;
    this.#beatAt = now;
    this.#quorum = new QuorumWatch(leaderlessBorne * config.election.leaderTimeout, now);
  }

  step(input: CoordinatorInput, now: Instant): readonly CoordinatorOutput[] {
    this.#now = now;
    switch (input.kind) {
      case "datagram-received":
        this.#onMessage(input.sender, input.message, input.address, input.port, now);
        // The one input that comes ten thousand times a second changes no lease.
        if (input.message.kind === "pong") return this.#take();
        break;
      case "timer-fired":
        this.#onTimer(input.lateness, now);
        break;
      case "clock-jumped":
        this.#self.onJump(now);
        this.#onJump(now);
        break;
      case "datagrams-dropped":
        this.#self.onDrop(now);
        break;
      default:
        this.#onNews(input, now);
    }
    this.#syncLease(now);
    return this.#take();
  }

  nextDeadline(): Instant | undefined {
    return earliest(
      this.#beatAt,
      this.#election.nextDeadline(),
      this.#lookout.nextDeadline(this.#now),
      this.#recoveries.nextDeadline(),
    );
  }

  /** Until when it may act (exclusive); undefined: not at all. */
  leaseUntil(now: Instant): Instant | undefined {
    return this.#election.leaseUntil(now);
  }

  /** Of the set that counts, with where they are. */
  get members(): readonly Member[] {
    return this.#election.members.set.members;
  }

  summary(now: Instant): CoordinatorSummary {
    return summarise({
      now,
      config: this.#config,
      election: this.#election,
      wards: this.#wards,
      lookout: this.#lookout,
      recoveries: this.#recoveries,
      redis: this.#redis,
      self: this.#self,
      fitness: this.#fitness,
      counters: this.#counters,
    });
  }

  #take(): readonly CoordinatorOutput[] {
    if (this.#out.length === 0) return nothing;
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #onTimer(lateness: Duration, now: Instant): void {
    if (this.#self.onTick(lateness, now)) this.#onJump(now);
    this.#fromElection(this.#election.onTick(now), now);
    this.#fromWards(this.#lookout.onTick(lateness, now), now);
    if (now >= this.#beatAt) this.#beat(now);
  }

  #onNews(input: NewsInput, now: Instant): void {
    switch (input.kind) {
      case "worker-refused":
      case "check-finished":
      case "life-awaited":
      case "window-opened":
      case "swarm-nodes":
      case "host-knocked":
      case "swarm-read":
        this.#fromWards(this.#lookout.onNews(input, now), now);
        return;
      case "move-asked":
        this.#fromWards(this.#lookout.onNews(input, now), now);
        this.#fromRecoveries(this.#recoveries.onOperator(asksToMove(input.command), now));
        return;
      case "job-news":
        this.#lookout.onJobNews(input.news, now);
        this.#fromRecoveries(this.#recoveries.onJobNews(input.news, now));
        return;
      case "operator-asked":
        this.#fromRecoveries(this.#recoveries.onOperator(input.command, now));
        return;
      case "coordinators-asked":
        this.#fromElection(this.#election.change(input.change, now), now);
        return;
      case "redis-changed":
        this.#redis.onOwn(input.state);
        return;
      case "records-loaded":
        this.#wards.onHeardBefore(input.heard);
        this.#fromRecoveries(this.#recoveries.onRecordsLoaded(input.records, now));
        return;
      case "persisted":
        this.#fromElection(this.#election.setDiskOk(now), now);
        return;
      case "persist-failed":
        if (!this.#election.isDiskFailing)
          this.#publish("disk-failed", `it does not vote: ${input.reason}`, true);
        this.#fromElection(this.#election.onPersistFailed(input.reason, now), now);
        return;
      case "main-alive":
        this.#agent.onMainAlive(now);
        return;
      case "stop-asked":
        this.#onStopAsked(now);
        return;
      case "engine-lost":
      case "engine-back":
      case "engine-snapshot":
      case "container-changed":
      case "container-gone":
      case "engine-event":
        this.#fromWards(this.#wards.onEngineNews(input, now), now);
        if (input.kind === "engine-lost" || input.kind === "engine-back") {
          const isBack = input.kind === "engine-back";
          this.#fromRecoveries(this.#recoveries.onEngine(input.host, isBack, now));
        }
        return;
    }
  }

  #onMessage(sender: string, message: Message, address: string, port: number, now: Instant): void {
    this.#lookout.hosts.onDatagramFrom(address, sender, now);
    switch (message.kind) {
      case "pong":
        this.#fromWards(this.#lookout.onPong(message, address, now), now);
        return;
      case "ping": {
        const answer = this.#agent.answer(message.nonce, now);
        this.#out.push({ kind: "reply", address, port, message: answer });
        return;
      }
      case "announce":
        this.#fromWards(this.#lookout.onAnnounce(message, address, now), now);
        return;
      case "obituary":
        this.#fromWards(this.#wards.onObituary(message, now), now);
        return;
      default:
    }
    const { members } = this.#election;
    const isOther = sender !== members.self;
    if (!isOther || !members.has(sender)) this.#count("messages-of-no-member");
    if (message.kind === "doubt") this.#fromWards(this.#lookout.onDoubt(sender, message, now), now);
    else if (message.kind === "report") {
      this.#fromWards(this.#lookout.onReport(sender, message, now), now);
    } else if (isOther) this.#onElectionMessage(sender, message, now);
  }

  #onElectionMessage(from: CoordinatorId, message: ElectionMessage, now: Instant): void {
    if (message.kind === "heartbeat" && this.#election.members.has(from)) {
      this.#lookout.onHeartbeat(from, message, now);
      this.#redis.onPeer(from, message.redis, now);
      if (message.records.length > 0) {
        this.#fromRecoveries(this.#recoveries.onRecords(message.records, now));
      }
    }
    this.#fromElection(this.#election.onMessage(from, message, now), now);
  }

  #onJump(now: Instant): void {
    this.#fromElection(this.#election.onJump(now), now);
    this.#fromWards(this.#lookout.onJump(now), now);
    this.#publish("abstained", "this coordinator slept or was paused: it distrusts what it knows");
    this.#beat(now);
  }

  #onStopAsked(now: Instant): void {
    const all = this.#wards.census.containers();
    for (const project of projectsOf(this.#config.hostname, all)) {
      this.#wards.onStopAsked(project, now);
    }
    this.#publish("stopping", "this coordinator was told to stop");
    this.#fromWards(this.#lookout.sayGoodbye(now), now);
    this.#fromElection(this.#election.resign("it was told to stop", now), now);
  }

  /** Looks at ourselves: whom we hear, whom we doubt, what Redis and the quorum are. */
  #beat(now: Instant): void {
    this.#beatAt = after(now, beatEvery);
    const peers = this.#election.peers(now);
    const { leaderTimeout } = this.#config.election;
    this.#self.onPeers(peers.some(({ heardAgo }) => heardAgo >= 0 && heardAgo < leaderTimeout));
    this.#lookout.tellDoubts(this.#self, now);
    this.#fromWards(this.#lookout.onBeat(now), now);
    this.#judgeFitness(now);
    const redis = this.#redis.judge(now);
    this.#fromRecoveries(this.#recoveries.onRedis(redis, now));
    this.#watchQuorum(now);
  }

  #judgeFitness(now: Instant): void {
    const { fit, reason } = this.#self.judge(now);
    if (fit !== this.#fitness.fit) {
      this.#publish(fit ? "abstention-ended" : "abstained", fit ? "it is fit to judge" : reason);
      this.#fromWards(this.#lookout.setFit(fit), now);
    }
    this.#fitness = { fit, reason };
    const cutOff = this.#redis.isCutOff(now);
    const why = cutOff ? "it cannot reach Redis while others can" : reason;
    this.#fromElection(this.#election.setFit(fit && !cutOff, why, now), now);
  }

  #watchQuorum(now: Instant): void {
    // Outside the set it hears no leader, and that is no loss.
    if (this.#election.isOutside(now)) return;
    this.#tell(this.#quorum.look(this.#election.leader, now));
  }

  /** Whatever changed the lease, recoveries know it before anything else is decided. */
  #syncLease(now: Instant): void {
    this.#recoveries.onLease(this.leaseUntil(now));
    const due = this.#recoveries.nextDeadline();
    if (due !== undefined && due <= now) this.#fromRecoveries(this.#recoveries.onTick(now));
  }

  #fromElection(outputs: readonly ElectionOutput[], now: Instant): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "persist":
          this.#out.push(output);
          break;
        case "send": {
          const { to, message } = output;
          const filled = message.kind === "heartbeat" ? this.#fill(message, now) : message;
          this.#out.push({ kind: "send-peer", to, message: filled });
          break;
        }
        case "role-changed":
          this.#onRole(output, now);
          break;
        case "members-changed":
          this.#tell(this.#circle.sync(now));
          this.#out.push(output);
          break;
        case "change-ended":
          this.#out.push(output);
          break;
        case "lease-ended":
          this.#count("leases-ended");
          break;
      }
    }
  }

  #fill(heartbeat: Heartbeat, now: Instant): Heartbeat {
    const room = heartbeat.members === undefined ? limits.recordsPerHeartbeat : 0;
    const records = this.#recoveries.recordsPage(room, now);
    const filled = { ...heartbeat, fit: this.#fitness.fit, redis: this.#redis.own };
    return withRecords(this.#config.election.id, filled, records);
  }

  #onRole(change: Extract<ElectionOutput, { kind: "role-changed" }>, now: Instant): void {
    const { role, term, leader, reason } = change;
    this.#out.push({ kind: "role-changed", role, term, leader, reason });
    const leads = role === "leader";
    this.#quorum.onLeader(leader, leads);
    if (leads === this.#leading) return;
    this.#leading = leads;
    this.#fromWards(this.#lookout.setLeading(leads, now), now);
    if (!leads) {
      this.#fromRecoveries(this.#recoveries.becomeFollower(now));
      return;
    }
    this.#count("elections-won");
    this.#recoveries.onLease(this.#election.leaseUntil(now));
    this.#fromRecoveries(this.#recoveries.becomeLeader(term, now));
    this.#publish("leader-changed", leadsText(this.#config.election.id, term), true);
  }

  #fromWards(outputs: readonly LookoutOutput[], now: Instant): void {
    for (const output of outputs) {
      if (output.kind === "decided") {
        this.#recoveries.onLease(this.#election.leaseUntil(now));
        this.#fromRecoveries(this.#recoveries.onDecision(output.decision, now));
      } else if (output.kind === "forgotten") {
        this.#fromRecoveries(this.#recoveries.onForgotten(output.worker, now));
      } else if (output.kind === "engine-restarted-it") {
        this.#fromRecoveries(this.#recoveries.onEngineRestart(output.worker, now));
      } else this.#out.push(output);
    }
  }

  #fromRecoveries(outputs: readonly RecoveryOutput[]): void {
    for (const output of outputs) this.#out.push(output);
  }

  #publish(kind: CoreEvent["kind"], text: string, notify = false): void {
    this.#tell(eventOf("", kind, text, { notify }));
  }

  #tell(event: CoreEvent | undefined): void {
    if (event !== undefined) this.#out.push({ kind: "publish", event });
  }

  #count(name: string): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + 1;
  }
}

const nothing: readonly CoordinatorOutput[] = [];
