// One worker's recovery: where it stands, and how news of its job moves it.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { JobNews, RevivalJob, Token } from "./job.ts";

/** What the core orders; the shell stamps wall-clock times. */
export type RevivalOrder = Omit<RevivalJob, "detectedAt" | "decidedAt" | "aliveAt"> & {
  readonly detectedAgo: Duration;
  readonly aliveAgo?: Duration;
};

/** @param decidedAt wall-clock ms */
export function jobOf(order: RevivalOrder, decidedAt: number): RevivalJob {
  const { detectedAgo, aliveAgo, ...rest } = order;
  const detectedAt = Math.round(decidedAt - detectedAgo);
  const alive = aliveAgo === undefined ? {} : { aliveAt: Math.round(decidedAt - aliveAgo) };
  return { ...rest, ...alive, detectedAt, decidedAt };
}

/** A job on its way, wherever it was enqueued. */
export interface Flight {
  readonly token: Token;
  readonly recovery: string;
  /** `direct`: the leader's own main thread runs each try, because Redis is away. */
  readonly by: "queue" | "direct";
  /** The engine that must answer; empty where only news told of the job. */
  readonly host: string;
  /** Undefined where only news told of the job. */
  readonly order: RevivalOrder | undefined;
  /** Tries of the same failure that earlier jobs used up. */
  readonly triesBefore: number;
  /** Tries of this job that failed and count. */
  readonly failed: number;
  /** The try at hand has changed something. */
  readonly acted: boolean;
  /** Since when every try was none, for the engine did not answer; undefined where the last one was one. */
  readonly preventedSince: Instant | undefined;
}

export type Recovery =
  | { readonly kind: "idle" }
  /** A decision asks for an action that is not allowed yet; why not is found anew each time. */
  | { readonly kind: "waiting"; readonly retryAt: Instant }
  /** Asked for, and not heard of yet. */
  | {
      readonly kind: "enqueueing";
      readonly flight: Flight;
      readonly asks: number;
      readonly deadline: Instant;
    }
  | { readonly kind: "enqueued"; readonly flight: Flight; readonly deadline: Instant }
  | {
      readonly kind: "acting";
      readonly flight: Flight;
      readonly tryNumber: number;
      readonly runner: string;
      readonly deadline: Instant;
    }
  | {
      readonly kind: "verifying";
      readonly flight: Flight;
      readonly isVerified: boolean;
      readonly deadline: Instant;
    }
  | {
      readonly kind: "backing-off";
      readonly flight: Flight;
      readonly until: Instant;
      readonly deadline: Instant;
    };

export type InFlight = Exclude<Recovery, { kind: "idle" } | { kind: "waiting" }>;

export const isInFlight = (recovery: Recovery): recovery is InFlight =>
  recovery.kind !== "idle" && recovery.kind !== "waiting";

/** How long news may keep us waiting; after that the job counts as lost (rule 8: asked for again under a raised epoch). */
export const patience = {
  /** For the echo of an enqueue; then it is asked again under the same epoch, `asks` times in all. */
  echo: 3_000,
  asks: 3,
  /** For a runner to take an enqueued job: a stalled one is picked up within 6 s, and masses queue up. */
  taken: 30_000,
  /** Added to what a stage may take by its own bounds. */
  news: 15_000,
  /** Before a refused order is made again. */
  refused: 1_000,
  /** After a superseded job, doubling to the last: what superseded it will be seen meanwhile. */
  superseded: 250,
  supersededMost: 5_000,
  /** For what Redis remembers; then a leader acts without it. */
  memory: 5_000,
  /** For news that a dependency died in the same moment. */
  together: 250,
  /** For a dependency that is being recovered; then the worker is recovered without it. */
  dependency: 60_000,
  /** For a recovery that an engine prevents, under the brake; then the next one has its turn as well. */
  turn: 20_000,
  /** A person's order that could not be carried out for so long lapses. */
  forced: 60_000,
} as const;

/** VERIFY_WINDOW of an order that is not known. */
const unknownWindow: Duration = 5_000;

/** Tries of the failure so far, the one that has acted included. */
export const triesOf = (flight: Flight): number =>
  flight.triesBefore + flight.failed + (flight.acted ? 1 : 0);

/** News of a job that lives. */
export type LiveNews = Extract<
  JobNews,
  { kind: "job-enqueued" | "try-started" | "acted" | "verified" | "try-failed" }
>;

/**
 * Where news of a living job leads. A try numbered n that failed and counts means that n tries of the job are used:
 * a try that does not count is made again under its number.
 */
export function advance(flight: Flight, news: LiveNews, now: Instant): InFlight {
  const order = flight.order;
  switch (news.kind) {
    case "job-enqueued":
      return { kind: "enqueued", flight, deadline: after(now, patience.taken) };
    case "try-started":
      return {
        kind: "acting",
        flight: { ...flight, acted: false, failed: Math.max(flight.failed, news.tryNumber - 1) },
        tryNumber: news.tryNumber,
        runner: news.runner,
        deadline: after(now, (order?.stopTimeout ?? 1_000) + patience.news),
      };
    case "acted":
      return {
        kind: "verifying",
        flight: { ...flight, acted: true, preventedSince: undefined },
        isVerified: false,
        deadline: after(now, (order?.verifyTimeout ?? 30_000) + patience.news),
      };
    case "verified":
      return {
        kind: "verifying",
        flight: { ...flight, acted: true },
        isVerified: true,
        deadline: after(now, (order?.verifyWindow ?? unknownWindow) + patience.news),
      };
    case "try-failed":
      return {
        kind: "backing-off",
        flight: {
          ...flight,
          acted: false,
          failed: news.counts ? Math.max(flight.failed, news.tryNumber) : flight.failed,
          preventedSince: news.counts ? undefined : (flight.preventedSince ?? now),
        },
        until: after(now, news.nextTryIn),
        deadline: after(now, news.nextTryIn + patience.news),
      };
  }
}

/** A flight of which only news has told. */
export const strangersFlight = (token: Token, recovery: string): Flight => ({
  token,
  recovery,
  by: "queue",
  host: "",
  order: undefined,
  triesBefore: 0,
  failed: 0,
  acted: false,
  preventedSince: undefined,
});

/** When the window ends in which it must stay healthy; undefined before its first healthy answer. */
export function windowEnd(
  { flight, isVerified, deadline }: Extract<Recovery, { kind: "verifying" }>,
  window: Duration,
): Instant | undefined {
  if (!isVerified) return undefined;
  const assumed = flight.order?.verifyWindow ?? unknownWindow;
  return after(deadline, (flight.order?.verifyWindow ?? window) - assumed - patience.news);
}

/** One sentence for a person; how long a pause still lasts is no part of it. */
export function describeRecovery(recovery: InFlight): string {
  switch (recovery.kind) {
    case "enqueueing":
      return "a revival was asked for";
    case "enqueued":
      return "a revival is enqueued";
    case "acting":
      return `try ${recovery.tryNumber} acts${recovery.runner === "" ? "" : ` (${recovery.runner})`}`;
    case "verifying":
      return recovery.isVerified
        ? "it answers again and is watched for a while"
        : "it was acted on; its first healthy answer is awaited";
    case "backing-off":
      return `${triesOf(recovery.flight)} tries failed, the next follows`;
  }
}
