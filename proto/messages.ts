// What travels in a datagram, once it has been opened. The wire form is the codec's business.

import type { CoordinatorId, Duration, Incarnation, Term, WorkerId } from "./units.ts";

/** What an agent knows of its worker. */
export interface AgentHealth {
  /** `unchecked`: the agent has no check, so a PONG proves the agent only. */
  readonly state: "unchecked" | "starting" | "healthy" | "unhealthy";
  /** Milliseconds from the begin of the check that gave `state` to the sending of this message. 0 when unchecked. */
  readonly checkedAgo: Duration;
  /** Why it is unhealthy, for a person; at most `limits.reasonBytes`. */
  readonly reason: string;
  /**
   * In a PONG: how busy the processors of the agent's own container were lately. 1 is all of its limit, or one whole processor where
   * it has none. Left out where it is not measured, and by a release that does not measure it.
   */
  readonly load?: number;
}

/** Coordinator → agent: are you there? */
export interface Ping {
  readonly kind: "ping";
  readonly nonce: number;
  /** To the agent of a host that has answered before; a release that knows no grants leaves it out. */
  readonly grant?: Grant;
}

/**
 * Lets a host's agent go on running fenced containers. It counts from when the answer that it names left the agent, by the agent's own
 * clock: a PING that is delayed, repeated or meant for another host lengthens nothing.
 */
export interface Grant {
  /** What the agent called its answer, to an earlier ping of this coordinator. */
  readonly answer: number;
  readonly for: Duration;
  /** How many coordinators the sender's set has, and which set that is: only grants of one set count together. */
  readonly of: number;
  readonly set: SetStamp;
  /** The sender is stopping on purpose, and fenced containers are to go on running where too few others are left to move them. */
  readonly goodbye: boolean;
}

/** `never`: nobody has granted yet, and nothing is stopped · `kept`: so many coordinators said goodbye that none is left to move anything. */
export type FenceState = "never" | "held" | "lapsed" | "kept";

/** What a host's agent says of its fence. */
export interface PongFence {
  /** It can stop containers also where the engine does not answer, and remembers its grants across a restart. */
  readonly able: boolean;
  /** The longest stop timeout of what is fenced there: so long after its grants have lapsed the last one is killed. */
  readonly within: Duration;
  readonly state: FenceState;
  /** This answer, by a number of its own: a PING that comes twice gets two. A grant names it. */
  readonly answer: number;
}

/** Agent → coordinator: the answer to one ping. */
export interface Pong {
  readonly kind: "pong";
  readonly nonce: number;
  /** WORKER_NAME, or the host name where none was given. */
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly health: AgentHealth;
  /** How late the agent's own timers run, in ms. */
  readonly lag: Duration;
  /** One-minute load average of its machine; 0 where unknown. */
  readonly load: number;
  /** By a host's agent alone; a release that knows no hosts leaves it out. */
  readonly capacity?: Capacity;
  /** By a host's agent alone, and only beside `capacity`. */
  readonly fence?: PongFence;
}

/** What a machine has to run containers on. */
export interface Capacity {
  readonly processors: number;
  /** Bytes: all there is, and what new processes could take without swapping. */
  readonly memory: number;
  readonly available: number;
}

/** Agent → coordinator: I exist, at the address this comes from; or, `leaving`, I am about to stop. */
export interface Announce {
  readonly kind: "announce";
  readonly name: string;
  readonly incarnation: Incarnation;
  /** The UDP port it answers on. */
  readonly port: number;
  readonly leaving: boolean;
  readonly health: AgentHealth;
  /** It speaks for a host and for no worker; left out otherwise, and by a release that knows no hosts. */
  readonly ofHost?: true;
}

/** Agent → coordinator: I saw my worker's process exit. Repeated, so receivers take the first of an incarnation and `process`. */
export interface Obituary {
  readonly kind: "obituary";
  readonly name: string;
  readonly incarnation: Incarnation;
  /** What exited: pid and start time as the agent saw them, so that repeats are recognised. */
  readonly process: string;
  /** Milliseconds from the exit, as seen, to the sending. */
  readonly ago: Duration;
}

/** What every coordinator remembers of a worker's recoveries, also without Redis; the highest (term, epoch) wins. */
export interface GossipRecord {
  readonly worker: WorkerId;
  readonly term: Term;
  readonly epoch: number;
  /** Tries used by the unfinished recovery; 0 when there is none. */
  readonly tries: number;
  /** Recoveries begun within the window, newest last: milliseconds ago when sent. */
  readonly revivalsAgo: readonly Duration[];
  /** Milliseconds since the quarantine began, when sent; -1 when there is none. */
  readonly quarantinedAgo: Duration;
  /** Milliseconds that a person's silence still lasts, when sent; -1 when there is none. */
  readonly silencedFor: Duration;
  /** Why it is silenced; at most `limits.reasonBytes`. */
  readonly silenceReason: string;
  /** The recovery of this token has ended, so that its tries count no more; left out while it has not, and by a release that does not say it. */
  readonly over?: true;
}

/** Which set of coordinators: compared by term, then by version. 0 and 0: the one that COORDINATORS gives. */
export interface SetStamp {
  /** Of the leader that made it, or confirmed it before a change. */
  readonly term: Term;
  readonly version: number;
}

/** One coordinator of a set, and where the others reach it. */
export interface Member {
  readonly id: CoordinatorId;
  readonly host: string;
  readonly port: number;
}

/** Coordinator → coordinator, all to all. Only a leader's asks for a promise. */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly term: Term;
  readonly leading: boolean;
  /** The sender's own counter; acknowledged by it. */
  readonly round: number;
  /** How long the sender asks the receiver to grant no vote, from receipt; 0 unless `leading`. */
  readonly promise: Duration;
  /** The leader the sender follows; empty when it knows none. */
  readonly leader: CoordinatorId;
  /** Whether the sender is fit to judge (design rule 3). */
  readonly fit: boolean;
  readonly redis: "reachable" | "unreachable" | "unknown";
  /** One page of the record; pages rotate. */
  readonly records: readonly GossipRecord[];
  /** The sender's durable set of coordinators; a release that knows none leaves it out, here as below. */
  readonly set?: SetStamp;
  /** That set, to whom may not have it; else left out, and `records` are where it stands. */
  readonly members?: readonly Member[];
}

export interface HeartbeatAck {
  readonly kind: "heartbeat-ack";
  readonly term: Term;
  readonly round: number;
  /** Whether the promise was given; false when it was refused (a higher term is known) or none was asked for. */
  readonly accepted: boolean;
  readonly set?: SetStamp;
}

export interface PreVote {
  readonly kind: "pre-vote";
  /** The term the sender would stand for. */
  readonly term: Term;
  readonly round: number;
  readonly set?: SetStamp;
}
export interface PreVoteAnswer {
  readonly kind: "pre-vote-answer";
  readonly term: Term;
  readonly round: number;
  readonly granted: boolean;
}
export interface Vote {
  readonly kind: "vote";
  readonly term: Term;
  readonly round: number;
  /** The term whose leader ended its lease and asked the sender to stand; promises given up to it are void. 0 when none. */
  readonly handover: Term;
  readonly set?: SetStamp;
}
export interface VoteAnswer {
  readonly kind: "vote-answer";
  readonly term: Term;
  readonly round: number;
  readonly granted: boolean;
}

/**
 * To all: the sender led `term`, has ended its lease and never leads that term again, so promises given up to it are
 * void. `successor` stands at once, without a pre-vote; empty when nobody fit was heard.
 */
export interface Handover {
  readonly kind: "handover";
  readonly term: Term;
  readonly successor: CoordinatorId;
}

export type StandingKind = "up" | "doubt" | "down" | "abstain";

/** Do you hear these? The receiver asks the workers at once and answers with a report carrying the nonce. */
export interface Doubt {
  readonly kind: "doubt";
  readonly questions: readonly { readonly worker: WorkerId; readonly nonce: number }[];
}

export interface StandingReport {
  readonly worker: WorkerId;
  /** The question's nonce; 0 when nobody asked. */
  readonly nonce: number;
  readonly standing: StandingKind;
  /** Milliseconds since the sender last heard the worker itself; -1 when never. */
  readonly heardAgo: Duration;
  /** Datagrams unanswered in a row and attempts failed in a row, for the explanation. */
  readonly unanswered: number;
  readonly failedAttempts: number;
  /** Datagrams of this silence that came back refused: positive evidence once two coordinators saw three each. */
  readonly refused: number;
  /** Of a host that answered the sender since its start; a release that knows no grants leaves it out. */
  readonly grant?: LastGrant;
}

/** The last that a coordinator can have granted to a host. */
export interface LastGrant {
  /** Milliseconds since the host's agent last answered it: no grant of it counts from later. */
  readonly ago: Duration;
  readonly for: Duration;
}

export interface Report {
  readonly kind: "report";
  readonly reports: readonly StandingReport[];
}

export type ElectionMessage =
  Heartbeat | HeartbeatAck | PreVote | PreVoteAnswer | Vote | VoteAnswer | Handover;
export type AgentMessage = Pong | Announce | Obituary;
export type Message = Ping | AgentMessage | ElectionMessage | Doubt | Report;
export type MessageKind = Message["kind"];
