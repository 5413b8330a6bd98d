// Every name in Redis. One hash tag holds a cluster's keys in one slot, so that scripts over several of them run on Redis Cluster too.

import { createHash } from "node:crypto";
import type { WorkerId } from "../../proto/units.ts";

export const queueNames = {
  revival: "revival",
  migration: "migration",
  notification: "notification",
} as const;

/** Those whose jobs are recoveries, with the name of a job in each. */
export const jobNames = { revival: "revive", migration: "move" } as const;
export type JobQueueName = keyof typeof jobNames;

export interface Keys {
  /** BullMQ's `prefix`, and the beginning of every other key. */
  readonly prefix: string;
  /** The newest token of a worker, and which try has had the action lease. */
  readonly token: (worker: WorkerId) => string;
  /** Who may act on a worker now; expires by Redis's own clock. */
  readonly lease: (worker: WorkerId) => string;
  /** News of all revival jobs, in order. */
  readonly news: string;
  /** The record: events, changes, recoveries, workers. */
  readonly record: (part: string) => string;
}

export function keysOf(cluster: string): Keys {
  const prefix = `{heartmesh:${cluster}}`;
  return {
    prefix,
    token: (worker) => `${prefix}:token:${workerHash(worker)}`,
    lease: (worker) => `${prefix}:lease:${workerHash(worker)}`,
    news: `${prefix}:news`,
    record: (part) => `${prefix}:record:${part}`,
  };
}

/** 32 hexadecimal digits; a worker's id may hold colons, which BullMQ's ids may not. */
export const workerHash = (worker: WorkerId): string =>
  createHash("sha256").update(worker).digest("hex").slice(0, 32);
