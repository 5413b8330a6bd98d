// What is remembered of one container to tell a crash from somebody's stop.

import { after, elapsed, type Duration, type Instant } from "../../proto/units.ts";
import type { Judgement } from "./intent.ts";
import type { WorkerSettings } from "./worker.ts";

/** A kill explains a `die` for so long, and holds its project's stops for so long while no `die` follows. */
export const killMemory = 60_000;
/** Signals that end a process by themselves; 0 is a kill whose signal is not known. */
const endingSignals: ReadonlySet<number> = new Set([
  0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 24, 25, 31,
]);
const usualStopSignal = 15;

interface Death {
  readonly at: Instant;
  readonly exitCode: number;
  /** The start that ended with it, where it was known. */
  readonly startedAt: string;
  readonly ranFor: Duration | undefined;
}

export interface Memory {
  readonly id: string;
  readonly host: string;
  project: string;
  service: string;
  /** Undefined until an inspection told. */
  stopSignal: number | undefined;
  hasPolicy: boolean;
  startedAt: string;
  runningSince: Instant | undefined;
  /** Its last start that an event told of. */
  startSeenAt: Instant | undefined;
  /** No inspection has shown that start yet. */
  isStartUnseen: boolean;
  /** All but those that the engine's event marks as ours; newest last. */
  kills: readonly { readonly signal: number; readonly at: Instant }[];
  death: Death | undefined;
  /** The last event of somebody's stop after the death. */
  stoppedAt: Instant | undefined;
  /** It is stopped, and we did not see how. */
  unseenSince: Instant | undefined;
  /** Why nothing is to be done for it any more; empty otherwise. */
  over: string;
  engineStarts: readonly Instant[];
  /** Kills between these were ours. */
  ours: { readonly from: Instant; readonly until: Instant } | undefined;
  deadline: Instant | undefined;
  touchedAt: Instant;
}

export const newMemory = (id: string, host: string, now: Instant): Memory => ({
  id,
  host,
  project: "",
  service: "",
  stopSignal: undefined,
  hasPolicy: false,
  startedAt: "",
  runningSince: undefined,
  startSeenAt: undefined,
  isStartUnseen: false,
  kills: [],
  death: undefined,
  stoppedAt: undefined,
  unseenSince: undefined,
  over: "",
  engineStarts: [],
  ours: undefined,
  deadline: undefined,
  touchedAt: now,
});

/** It runs: what was known of its stop is past. */
export function forgetStop(memory: Memory): void {
  memory.kills = [];
  memory.death = undefined;
  memory.stoppedAt = undefined;
  memory.unseenSince = undefined;
  memory.over = "";
  memory.deadline = undefined;
}

/** Host and Compose project; empty for a container without one. A name used on two hosts is two projects. */
export function projectOf(host: string, labels: Readonly<Record<string, string>>): string {
  const project = labels["com.docker.compose.project"] ?? "";
  return project === "" ? "" : `${host}\n${project}`;
}

export function lastEndingKill(memory: Memory, at: Instant): Memory["kills"][number] | undefined {
  return memory.kills.findLast(
    (kill) =>
      kill.at <= at &&
      elapsed(kill.at, at) < killMemory &&
      !isOurKill(memory, kill.at) &&
      isEnding(kill.signal, memory.stopSignal),
  );
}

export const isEnding = (signal: number, stopSignal: number | undefined): boolean =>
  endingSignals.has(signal) || signal === (stopSignal ?? usualStopSignal);

export const isWithin = (span: Memory["ours"], now: Instant): boolean =>
  span !== undefined && now >= span.from && now <= span.until;

/** An action of ours ends with the start that it makes: whoever kills after that, it is not we. */
export function isOurKill(memory: Memory, at: Instant): boolean {
  const { ours, startSeenAt } = memory;
  if (ours === undefined || !isWithin(ours, at)) return false;
  return startSeenAt === undefined || startSeenAt <= ours.from || at < startSeenAt;
}

/** Of one that runs: whoever was told to end is shutting down, and its check fails, or its process is gone, before the engine says so. */
export function judgeRunning(
  memory: Memory,
  { stopPolicy }: WorkerSettings,
  stopHold: Duration,
  now: Instant,
): Judgement {
  const kill = lastEndingKill(memory, now);
  if (kill === undefined) return { kind: "crash", notBefore: now, waitReason: "" };
  const reason = `somebody told it to end (signal ${kill.signal})`;
  return stopPolicy === "respect"
    ? { kind: "respected", reason: `${reason} and its stop policy is respect` }
    : { kind: "held", until: after(kill.at, stopHold), reason };
}
