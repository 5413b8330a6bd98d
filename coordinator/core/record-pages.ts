// Which records the next heartbeat carries: what changed first, what matters next, then all in turn.

import { fitsDatagram } from "../../proto/codec.ts";
import type { GossipRecord, Heartbeat } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import type { CoordinatorId, WorkerId } from "../../proto/units.ts";

/** A changed record is sent in so many pages ahead of its turn: each peer gets pages of its own, and some are lost. */
const sendings = 8;

export class RecordPages {
  readonly #random: Random;
  readonly #fresh = new Map<WorkerId, number>();
  /** What is left of the round. */
  #round: WorkerId[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  onChanged(worker: WorkerId): void {
    this.#fresh.set(worker, sendings);
  }

  /** @param everyone what matters first, then the rest; asked only when a round begins. */
  next(limit: number, everyone: () => readonly (readonly WorkerId[])[]): readonly WorkerId[] {
    const page = new Set<WorkerId>();
    // One place is left for the round, so that a storm of changes does not starve the rest.
    for (const worker of this.#fresh.keys()) {
      if (page.size >= Math.max(1, limit - 1)) break;
      page.add(worker);
    }
    for (const worker of page) {
      const left = (this.#fresh.get(worker) ?? 1) - 1;
      // Behind the others: each of many is sent once before any is sent again.
      this.#fresh.delete(worker);
      if (left > 0) this.#fresh.set(worker, left);
    }
    let isNewRound = false;
    while (page.size < limit) {
      const worker = this.#round.pop();
      if (worker !== undefined) {
        page.add(worker);
        continue;
      }
      if (isNewRound) break;
      isNewRound = true;
      // Shuffled, so that no peer gets the same part of every round, nor a long page is always cut at the same record.
      this.#round = everyone()
        .flatMap((part) => this.#shuffled(part))
        .reverse();
    }
    return this.#shuffled([...page]);
  }

  #shuffled(workers: readonly WorkerId[]): WorkerId[] {
    return workers
      .map((worker) => ({ worker, at: this.#random.float() }))
      .sort((a, b) => a.at - b.at)
      .map(({ worker }) => worker);
  }
}

/** As many of the records as the datagram takes; those that are cut come with a later page, since pages are shuffled. */
export function withRecords(
  sender: CoordinatorId,
  heartbeat: Heartbeat,
  records: readonly GossipRecord[],
): Heartbeat {
  for (let length = records.length; length > 0; length--) {
    const filled = { ...heartbeat, records: records.slice(0, length) };
    if (fitsDatagram(sender, filled)) return filled;
  }
  return heartbeat;
}
