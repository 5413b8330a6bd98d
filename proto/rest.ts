// What the HTTP API says, in JSON. Durations are milliseconds, times are Unix time in milliseconds; both are named so where they leave the process.

import type { StandingKind } from "./messages.ts";

export interface EvidenceView {
  /** `pong`, `silence`, `engine-event` …: the words of the design. */
  readonly kind: string;
  readonly by: string;
  readonly text: string;
}

export interface WorkerView {
  /** `<host>/<container name>`; URL-encoded in paths. */
  readonly id: string;
  readonly role: "worker" | "coordinator" | "redis" | "haproxy";
  /** What the quorum concludes: `healthy`, `silent`, `stopped` … */
  readonly verdict: string;
  /** Why this and not another, in one sentence. */
  readonly reason: string;
  readonly evidence: readonly EvidenceView[];
  readonly containerId: string;
  /** How it is asked, for a person. */
  readonly probe: string;
  /** What each coordinator believes of it, this one included. */
  readonly standings: Readonly<Record<string, StandingKind>>;
  /** On the answering coordinator's path; null where it was never heard. */
  readonly roundTripMs: number | null;
  /** Measured round-trip loss, 0 to 1; null where it was never heard. */
  readonly loss: number | null;
  readonly heardAgoMs: number | null;
  readonly recovery: {
    readonly id: string;
    readonly stage: string;
    readonly tries: number;
    readonly text: string;
  } | null;
  /** How long it has been in quarantine; null where it is not. */
  readonly quarantinedForMs: number | null;
  /** How long it is still left alone because a person said so; null where nobody did. */
  readonly silencedForMs: number | null;
  readonly silenceReason: string;
  /** Recoveries within `REVIVAL_WINDOW`. */
  readonly revivalsInWindow: number;
}

export interface FindingView {
  readonly subject: string;
  readonly code: string;
  readonly text: string;
}

export interface LeaderView {
  /** Empty while none is known. */
  readonly leader: string;
  readonly term: number;
  /** Where its HTTP answers; null where unknown. */
  readonly url: string | null;
  /** Whether the answering coordinator is it, with a lease. */
  readonly isSelf: boolean;
}

export interface StatusView {
  readonly id: string;
  readonly role: "follower" | "pre-candidate" | "candidate" | "leader";
  readonly term: number;
  readonly leader: string;
  /** How long its lease still lasts; 0 where it holds none. */
  readonly leaseForMs: number;
  readonly fit: boolean;
  readonly unfitReason: string;
  /** False while it may not vote (a lost disk). */
  readonly votes: boolean;
  readonly peers: readonly {
    readonly id: string;
    readonly heardAgoMs: number | null;
    readonly fit: boolean;
    readonly redis: "reachable" | "unreachable" | "unknown";
  }[];
  readonly redis: "reachable" | "unreachable" | "unknown";
  readonly redisByQuorum: "reachable" | "unreachable";
  readonly brake: { readonly tripped: boolean; readonly failing: number; readonly total: number };
  readonly engines: readonly {
    readonly host: string;
    readonly reachable: boolean;
    readonly reason: string;
  }[];
  readonly findings: readonly FindingView[];
  /** Whether it can do its work, and what is missing. */
  readonly readiness: { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Workers by verdict. */
  readonly workers: Readonly<Record<string, number>>;
}

/** One try of a recovery; a time is null until that happened. */
export interface TryView {
  readonly number: number;
  /** The coordinator whose runner made it. */
  readonly runner: string;
  readonly startedAtMs: number;
  readonly actedAtMs: number | null;
  readonly verifiedAtMs: number | null;
  readonly failedAtMs: number | null;
  /** Why it failed; empty where it did not. */
  readonly reason: string;
  /** False where the engine did not answer, so that it is no try. */
  readonly counts: boolean;
}

export interface RecoveryView {
  readonly id: string;
  readonly worker: string;
  readonly verdict: string;
  readonly action: string;
  readonly reason: string;
  readonly evidence: readonly EvidenceView[];
  readonly term: number;
  readonly epoch: number;
  readonly outcome: "running" | "recovered" | "exhausted" | "superseded";
  /** Why it ended as it did; empty where that needs no reason. */
  readonly outcomeReason: string;
  /** The coordinator whose runner acted last; empty before. */
  readonly runner: string;
  readonly maxTries: number;
  /** When each stage was reached; null until then. Of several tries, `acting` is the first's begin, `verifying` the last's action. */
  readonly detectedAtMs: number;
  readonly decidedAtMs: number;
  readonly enqueuedAtMs: number | null;
  readonly actingAtMs: number | null;
  readonly verifyingAtMs: number | null;
  readonly verifiedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly tries: readonly TryView[];
}

export interface EventView {
  /** In a page: for `before`. In a stream: for `Last-Event-ID`. */
  readonly id: string;
  readonly kind: string;
  readonly atMs: number;
  readonly by: string;
  /** Empty where it concerns no worker. */
  readonly worker: string;
  readonly recovery: string;
  readonly text: string;
  readonly evidence: readonly EvidenceView[];
}

/** Answer to what an operator asked for. */
export interface CommandView {
  readonly text: string;
  /** The recovery that it began; null where it began none. */
  readonly recovery: string | null;
}

export interface NotifyTestView {
  readonly channels: readonly {
    readonly channel: string;
    readonly ok: boolean;
    readonly text: string;
  }[];
}

/** RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Every fault of the request, where it had some. */
  readonly problems?: readonly string[];
}
