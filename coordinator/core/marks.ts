// What is held against workers, for a backup: silences and quarantines, by what the mesh knows now and by what Redis remembers of workers that are not watched.

import type { GossipRecord } from "../../proto/messages.ts";
import type { Duration, WorkerId } from "../../proto/units.ts";
import type { CoordinatorSummary } from "./summary.ts";

export interface Marks {
  readonly silences: readonly {
    readonly worker: WorkerId;
    /** How long it still lasts. */
    readonly for: Duration;
    readonly reason: string;
  }[];
  readonly quarantines: readonly {
    readonly worker: WorkerId;
    /** Since it began. */
    readonly ago: Duration;
  }[];
}

interface Mark {
  readonly id: WorkerId;
  readonly quarantinedFor: Duration;
  readonly silencedFor: Duration;
  readonly silenceReason: string;
}

/** @param records aged to now */
export function marksOf(
  records: readonly GossipRecord[],
  { workers, services }: Pick<CoordinatorSummary, "workers" | "services">,
): Marks {
  const known: readonly Mark[] = [...workers, ...services];
  const ids = new Set(known.map(({ id }) => id));
  const absent = records.filter(({ worker }) => !ids.has(worker)).map(markOf);
  const all = [...known, ...absent].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    silences: all.flatMap(({ id, silencedFor, silenceReason }) =>
      silencedFor <= 0 ? [] : [{ worker: id, for: silencedFor, reason: silenceReason }],
    ),
    quarantines: all.flatMap(({ id, quarantinedFor }) =>
      quarantinedFor < 0 ? [] : [{ worker: id, ago: quarantinedFor }],
    ),
  };
}

const markOf = (record: GossipRecord): Mark => ({
  id: record.worker,
  quarantinedFor: record.quarantinedAgo,
  silencedFor: record.silencedFor,
  silenceReason: record.silenceReason,
});
