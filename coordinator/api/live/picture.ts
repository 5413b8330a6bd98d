// What the live page shows, and what has changed in it since it was last looked at: found once for all who look. Pure.

import type {
  EventView,
  LiveChange,
  LeftToPeople,
  LiveView,
  OpenRecovery,
  StatusView,
  WorkerRow,
} from "../../../proto/rest.ts";
import type { RecoveryRecord } from "../../core/recovery-record.ts";
import type { CoordinatorSummary } from "../../core/summary.ts";
import { leftOnes, openOnes, rowOf } from "./rows.ts";

/** Figures are told so often, ms. */
const figuresEvery = 1_000;
/** More open recoveries are listed with the figures: each row tells its own stage at once. */
const listedAtOnce = 50;

export interface Seen {
  readonly nowMs: number;
  readonly summary: CoordinatorSummary;
  readonly status: StatusView;
  readonly recordOf: (recovery: string) => RecoveryRecord | undefined;
}

export class Picture {
  readonly #rows = new Map<string, WorkerRow>();
  #status: StatusView | undefined;
  #recoveries: readonly OpenRecovery[] = [];
  #left: readonly LeftToPeople[] = [];
  #figuresAt = Number.NEGATIVE_INFINITY;

  /** @returns undefined where nothing is to be told */
  look(seen: Seen): LiveChange | undefined {
    const { nowMs } = seen;
    // Timers come a little early, too.
    const withFigures = Math.abs(nowMs - this.#figuresAt) >= figuresEvery - 20;
    if (withFigures) this.#figuresAt = nowMs;
    const status = this.#lookAtStatus(seen, withFigures);
    const workers = this.#lookAtWorkers(seen, withFigures);
    const gone = this.#lookForGone(seen);
    const recoveries = this.#lookAtRecoveries(seen, withFigures);
    const left = this.#lookAtLeft(seen);
    const parts = {
      ...(status === undefined ? {} : { status }),
      ...(workers.length === 0 ? {} : { workers }),
      ...(gone.length === 0 ? {} : { gone }),
      ...(recoveries === undefined ? {} : { recoveries }),
      ...(left === undefined ? {} : { left }),
    };
    return Object.keys(parts).length === 0 ? undefined : { nowMs, ...parts };
  }

  /** As it was looked at last; undefined before the first look. */
  view(nowMs: number, events: readonly EventView[]): LiveView | undefined {
    const status = this.#status;
    if (status === undefined) return undefined;
    const workers = [...this.#rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { nowMs, status, workers, recoveries: this.#recoveries, left: this.#left, events };
  }

  #lookAtStatus({ status }: Seen, withFigures: boolean): StatusView | undefined {
    const before = this.#status;
    if (before !== undefined && !withFigures && isSameStatus(status, before)) return undefined;
    this.#status = status;
    return status;
  }

  #lookAtWorkers({ summary, nowMs }: Seen, withFigures: boolean): readonly WorkerRow[] {
    const moment = { self: summary.id, nowMs, withFigures };
    const changed: WorkerRow[] = [];
    for (const worker of summary.workers) {
      const before = this.#rows.get(worker.id);
      const row = rowOf(worker, before, moment);
      if (row === before) continue;
      this.#rows.set(row.id, row);
      changed.push(row);
    }
    return changed;
  }

  #lookForGone({ summary }: Seen): readonly string[] {
    // Each that is there has a row now.
    if (this.#rows.size === summary.workers.length) return [];
    const there = new Set(summary.workers.map(({ id }) => id));
    const gone = [...this.#rows.keys()].filter((id) => !there.has(id));
    for (const id of gone) this.#rows.delete(id);
    return gone;
  }

  #lookAtRecoveries(
    { summary, recordOf, nowMs }: Seen,
    withFigures: boolean,
  ): readonly OpenRecovery[] | undefined {
    const before = this.#recoveries;
    if (!withFigures && before.length > listedAtOnce) return undefined;
    const open = openOnes(summary, before, recordOf, nowMs);
    if (open === before) return undefined;
    this.#recoveries = open;
    return open;
  }

  #lookAtLeft({ summary }: Seen): readonly LeftToPeople[] | undefined {
    const left = leftOnes(summary, this.#left);
    if (left === this.#left) return undefined;
    this.#left = left;
    return left;
  }
}

/** But for what changes because time passes. */
function isSameStatus(a: StatusView, b: StatusView): boolean {
  return isSameList(a.findings, b.findings) && essence(a) === essence(b);
}

const isSameList = (a: StatusView["findings"], b: StatusView["findings"]): boolean =>
  a.length === b.length &&
  a.every(({ subject, code, text }, i) => {
    const other = b[i];
    return subject === other?.subject && code === other.code && text === other.text;
  });

function essence(status: StatusView): string {
  return JSON.stringify({
    ...status,
    findings: [],
    leaseForMs: status.leaseForMs > 0,
    peers: status.peers.map((peer) => ({ ...peer, heardAgoMs: peer.heardAgoMs === null })),
  });
}
