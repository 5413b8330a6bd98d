// A record of a worker that was kept for a while.

import type { GossipRecord } from "../../proto/messages.ts";
import type { Duration } from "../../proto/units.ts";

/** A record's durations count from when it was saved; a wall clock that was set back ages nothing. */
export function aged(record: GossipRecord, since: Duration): GossipRecord {
  const passed = Math.max(0, since);
  return {
    ...record,
    revivalsAgo: record.revivalsAgo.map((ago) => ago + passed),
    quarantinedAgo: record.quarantinedAgo < 0 ? -1 : record.quarantinedAgo + passed,
    silencedFor: record.silencedFor < 0 ? -1 : Math.max(-1, record.silencedFor - passed),
  };
}
