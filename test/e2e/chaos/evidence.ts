// What a run of the chaos lab leaves to be judged. All instants are wall-clock ms of this machine, whose clock the engine and the trio share.

import type { EventView, RecoveryView } from "../../../proto/rest.ts";
import type { FaultKind } from "./faults.ts";

export interface ChaosWorker {
  readonly name: string;
  /** Its agent's container; empty where it has none. */
  readonly agent: string;
  readonly arrangement: "joins-worker" | "joins-agent" | "none";
}

/** A fault as it was planted. */
export interface PlantedFault {
  readonly number: number;
  readonly kind: FaultKind;
  /** Who it was: the leader by its name. */
  readonly target: string;
  readonly atMs: number;
  /** When it was planted in full: a person's `docker stop` has come back, an engine answers again. */
  readonly plantedMs: number;
  /** When it was taken back, or nothing of it was left. */
  readonly untilMs: number;
  /** Why it could not be planted; empty where it was. */
  readonly skipped: string;
}

/** What the engine tells of one container. */
export interface EngineEntry {
  readonly atMs: number;
  readonly container: string;
  readonly action: string;
  /** Of a kill; 0 else. */
  readonly signal: number;
}

/** A job as BullMQ remembers it. */
export interface JobEntry {
  /** The recovery's id. */
  readonly id: string;
  readonly worker: string;
  readonly action: string;
  /** The agent's container that it knew; empty where none. */
  readonly agent: string;
  readonly state: string;
  /** What it returned; empty where it has not. */
  readonly outcome: string;
  readonly failedReason: string;
}

export interface Evidence {
  readonly workers: readonly ChaosWorker[];
  /** From when on faults were planted; what happened before made the workers well. */
  readonly beganMs: number;
  /** The end of the schedule: from here on nothing was wrong any more. */
  readonly healedMs: number;
  readonly endedMs: number;
  readonly faults: readonly PlantedFault[];
  /** Oldest first, since the engine was made. */
  readonly engine: readonly EngineEntry[];
  /** Oldest first. */
  readonly events: readonly EventView[];
  readonly recoveries: readonly RecoveryView[];
  readonly jobs: readonly JobEntry[];
  /** What is not well at the end, in words; empty where all is. */
  readonly unwell: readonly string[];
  /** Coordinators that ended without being told to. */
  readonly surprises: readonly string[];
}

/** Bounds of a run, ms. */
export const bounds = {
  /** From the end of the schedule until every worker is well and the trio is whole. */
  allWell: 120_000,
  /** From a failure until the worker is well again, other faults included. */
  healed: 120_000,
  /** So long after a worker is well again somebody may still act on what was so before: verdicts are taken back when a PONG comes. */
  lateVerdict: 5_000,
  /** A quorum sees that Redis is back, each coordinator is connected again, and what waited is written down, within this. */
  redisBack: 5_000,
  /** What an engine was told to do it may do this long after whoever told it has ended. */
  lastAct: 3_000,
  /**
   * A new leader may tell again what ended shortly before it led, by when it heard of that: 10 s, and as long as Redis was away.
   * What began may have been told by nobody.
   */
  retold: 20_000,
  /** Between an instant of the engine's and one of a coordinator's on the same machine. */
  clocks: 100,
} as const;
