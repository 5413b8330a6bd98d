// What the HTTP API shows live, in JSON; the other types are in rest.ts, which gives these as well.

import type { StandingKind } from "./messages.ts";
import type { EventView, StatusView, WorkerView } from "./rest.ts";

/** A worker as it is shown live: nothing in it changes merely because time passes. */
export interface WorkerRow {
  readonly id: string;
  readonly role: WorkerView["role"];
  readonly verdict: string;
  readonly reason: string;
  readonly host: string;
  readonly probe: string;
  /** As `WorkerView` has them, and told anew only when a person would read another figure. */
  readonly roundTripMs: number | null;
  readonly loss: number | null;
  readonly load: number | null;
  readonly standings: Readonly<Record<string, StandingKind>>;
  readonly recovery: WorkerView["recovery"];
  /** Since when it is in quarantine; null where it is not. */
  readonly quarantinedAtMs: number | null;
  /** Until when it is left alone because a person said so; null where nobody did. */
  readonly silencedUntilMs: number | null;
  readonly silenceReason: string;
  readonly revivalsInWindow: number;
}

/** A recovery that goes on, or waits to begin: of a worker, of a Swarm's service (`swarm:<name>`) or of a container that moves (`plain:<host>/<name>`). */
export interface OpenRecovery {
  /** Empty until it has begun. */
  readonly id: string;
  readonly worker: string;
  readonly verdict: string;
  /** Empty where only news of it was heard. */
  readonly action: string;
  /** `waiting`, `enqueueing`, `enqueued`, `acting`, `verifying` or `backing-off`. */
  readonly stage: string;
  /** Tries that were made. */
  readonly tries: number;
  readonly maxTries: number;
  /** One sentence. */
  readonly text: string;
  readonly detectedAtMs: number;
  /** When it came to this stage. */
  readonly stageAtMs: number;
  /** When the next thing happens by itself: the next try, the end of VERIFY_WINDOW, the end of a hold; null where nobody knows. */
  readonly dueAtMs: number | null;
}

/** A service (`swarm:<name>`) or a container that may move (`plain:<host>/<name>`) that does not run as it shall, and waits for a person. */
export interface LeftToPeople {
  readonly worker: string;
  readonly verdict: string;
  /** Why this verdict. */
  readonly reason: string;
  /** Why heartmesh does nothing. */
  readonly text: string;
  /** A person's word that it has ended where it ran lets it move: POST /api/v1/services/<name>/migrate. */
  readonly awaitsWord: boolean;
}

/** All that a page shows, as it is now: `event: picture` of the stream. */
export interface LiveView {
  readonly nowMs: number;
  readonly status: StatusView;
  /** By id. */
  readonly workers: readonly WorkerRow[];
  /** The longest open one first. */
  readonly recoveries: readonly OpenRecovery[];
  /** By name. */
  readonly left: readonly LeftToPeople[];
  /** The last 30, newest first. */
  readonly events: readonly EventView[];
}

/** What is not named has not changed: `event: change` of the stream. */
export interface LiveChange {
  readonly nowMs: number;
  readonly status?: StatusView;
  /** The changed and the new ones. */
  readonly workers?: readonly WorkerRow[];
  /** Ids of those that are not watched any more. */
  readonly gone?: readonly string[];
  /** All that are open. */
  readonly recoveries?: readonly OpenRecovery[];
  /** All that are left to people. */
  readonly left?: readonly LeftToPeople[];
}

/** Every coordinator as it tells itself, asked by the one that answers. */
export interface MeshView {
  /** In the order of their set. */
  readonly coordinators: readonly MeshMember[];
}

export interface MeshMember {
  readonly id: string;
  /** Where its HTTP answers, by the configuration. */
  readonly url: string | null;
  readonly answers: boolean;
  /** Why it does not; empty where it does. */
  readonly text: string;
  /** Null where it does not answer, as the next three. */
  readonly role: StatusView["role"] | null;
  readonly term: number | null;
  readonly leaseForMs: number | null;
  readonly fit: boolean | null;
  readonly unfitReason: string;
  readonly redis: StatusView["redis"];
  /** How long ago it heard each other one; null where it never did. */
  readonly heardAgoMs: Readonly<Record<string, number | null>>;
}

/** What each coordinator remembers of a worker; one that does not answer is missing. */
export interface HistoryView {
  readonly stepMs: number;
  /** Of the newest samples, by the answering coordinator's clock. */
  readonly endMs: number;
  /** Ten minutes each, oldest first; null where nothing was heard, or nobody listened. */
  readonly coordinators: Readonly<
    Record<
      string,
      {
        readonly roundTripMs: readonly (number | null)[];
        readonly standing: readonly (StandingKind | null)[];
      }
    >
  >;
}

/** The last lines that a worker's container wrote, oldest first. */
export interface WorkerLogsView {
  readonly lines: readonly WorkerLogLine[];
}

export interface WorkerLogLine {
  /** Null where the engine does not tell. */
  readonly atMs: number | null;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
