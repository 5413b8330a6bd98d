// What is asked of the record: which page, of whom, of which time.

import type { EventFilter, MeshEvent } from "../core/event.ts";
import type { RecoveryRecord } from "../core/recovery-record.ts";
import type { Duration, WorkerId } from "../../proto/units.ts";

export interface ListedEvent {
  /** For `before`. */
  readonly id: string;
  readonly event: MeshEvent;
}

interface PageAsk {
  readonly limit: number;
  /** The `id` of the last entry of the page before. */
  readonly before?: string;
  readonly worker?: WorkerId;
}

export type EventAsk = PageAsk & EventFilter;

export interface RecoveryAsk extends PageAsk {
  /** `running`, `recovered` … */
  readonly outcome?: string;
  /** Wall-clock ms: detected then or later. */
  readonly from?: number;
  /** Wall-clock ms: detected before. */
  readonly until?: number;
}

/** An event is written down when it happens, or later where Redis was away: so much later is still looked for. */
const writtenWithin: Duration = 3_600_000;
/** Redis's clock and the coordinators' may be so far apart. */
const clocksApart: Duration = 60_000;

/** Ids of a Redis stream begin with the time at which an entry was written down. */
export const idFrom = (from: number | undefined): string =>
  from === undefined ? "-" : String(Math.max(0, from - clocksApart));

export const idUntil = (until: number | undefined): string =>
  until === undefined ? "+" : String(until + writtenWithin);

/** Its time aside, by which recoveries are in order. */
export const isAskedFor = (record: RecoveryRecord, { worker, outcome }: RecoveryAsk): boolean =>
  (worker === undefined || record.worker === worker) &&
  (outcome === undefined || record.outcome === outcome);
