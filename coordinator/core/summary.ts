// What a coordinator's core shows of itself: a plain picture, made every 100 ms for the API and the command line.

import type { CoordinatorId, Duration, Term, WorkerId } from "../../proto/units.ts";
import type { StandingKind } from "../../proto/messages.ts";
import type { Evidence, VerdictKind } from "./decision.ts";
import type { HistogramView } from "./histogram.ts";
import type { HostSummary } from "./hosts/host.ts";
import type { MemberSet } from "./member-set.ts";
import type { OpenRecoverySummary, RecoverySummary } from "./recovery-summary.ts";
import type { ContainerView, Finding } from "./worker.ts";

export interface WorkerSummary {
  readonly id: WorkerId;
  readonly role: "worker" | "coordinator" | "redis" | "haproxy";
  readonly verdict: VerdictKind;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  /** The engine's name; empty where it has no container. */
  readonly host: string;
  readonly containerId: string;
  /** What Compose calls its service; empty where Compose did not make it. */
  readonly composeService: string;
  /** How it is asked, for a person: `agent 172.18.0.3:8888`, `http://…`, `engine only`. */
  readonly probe: string;
  readonly standing: StandingKind;
  /** What each other coordinator said last. */
  readonly standings: Readonly<Record<CoordinatorId, StandingKind>>;
  /** Smoothed round trip in ms and measured round-trip loss (0–1) of this coordinator's path; -1 when never heard. */
  readonly roundTrip: Duration;
  readonly loss: number;
  readonly heardAgo: Duration;
  /** How busy its processors are (1: all of its limit, or one where it has none); undefined where no agent inside it tells that now. */
  readonly load: number | undefined;
  /** Of its recovery, where one runs or waits. */
  readonly recovery: OpenRecoverySummary | undefined;
  readonly quarantinedFor: Duration;
  /** -1 where it is not silenced. */
  readonly silencedFor: Duration;
  readonly silenceReason: string;
  readonly revivalsInWindow: number;
}

/** A service of the Swarm, or a container that may move, that is not simply well. */
export interface ServiceSummary extends RecoverySummary {
  /** Its name among workers: `swarm:<name>`, `plain:<host>/<name>`. */
  readonly id: WorkerId;
  readonly verdict: VerdictKind;
  readonly reason: string;
  /** Why nothing is done although it does not run as it shall, and a person has to; empty where that is not so. */
  readonly left: string;
  /** It moves once a person knows that it has ended where it ran. */
  readonly awaitsWord: boolean;
}

export interface CoordinatorSummary {
  readonly id: CoordinatorId;
  readonly role: "follower" | "pre-candidate" | "candidate" | "leader";
  readonly term: Term;
  readonly leader: CoordinatorId;
  /** Milliseconds that its lease still lasts; 0 when it holds none. */
  readonly leaseFor: Duration;
  readonly fit: boolean;
  /** Why it abstains; empty when it is fit. */
  readonly unfitReason: string;
  readonly votes: boolean;
  readonly peers: readonly {
    readonly id: CoordinatorId;
    readonly heardAgo: Duration;
    readonly fit: boolean;
    readonly redis: "reachable" | "unreachable" | "unknown";
  }[];
  readonly set: MemberSet;
  /** Of the set: in words; empty where none is under way here. */
  readonly change: string;
  /** Heard, and in no set: they wait to be added, or were removed. */
  readonly strangers: readonly CoordinatorId[];
  readonly redis: "reachable" | "unreachable" | "unknown";
  /** What a quorum says of Redis. */
  readonly redisByQuorum: "reachable" | "unreachable";
  readonly brake: { readonly tripped: boolean; readonly failing: number; readonly total: number };
  readonly engines: readonly {
    readonly host: string;
    readonly reachable: boolean;
    readonly reason: string;
  }[];
  readonly hosts: readonly HostSummary[];
  readonly findings: readonly Finding[];
  readonly workers: readonly WorkerSummary[];
  readonly services: readonly ServiceSummary[];
  /** Containers of engines whose label lets them move, as they were last seen. */
  readonly movable: readonly ContainerView[];
  /** Counters since the start, by name: datagrams received, dropped by reason, verdicts, false doubts … */
  readonly counters: Readonly<Record<string, number>>;
  /** Heartbeats that each other coordinator did not acknowledge in time, since it was added. */
  readonly heartbeatsMissed: Readonly<Record<CoordinatorId, number>>;
  /** Since the start: of PINGs to workers; how late the mesh thread's own timers were. */
  readonly histograms: { readonly roundTrips: HistogramView; readonly lateness: HistogramView };
}
