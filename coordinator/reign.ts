// Since when the leader leads: as it was seen here, or as the record tells of one that led before this process started.

import { leadsText } from "./core/event.ts";
import type { CoordinatorSummary } from "./core/summary.ts";
import type { EventAsk, ListedEvent } from "./io/record-store.ts";

export interface ReignPorts {
  /** Newest first; rejects while Redis is away. */
  readonly listEvents: (ask: EventAsk) => Promise<readonly ListedEvent[]>;
  readonly wall: () => number;
}

export class Reign {
  readonly #ports: ReignPorts;
  #leader = "";
  #term = -1;
  #since: number | undefined;
  #isFirst = true;

  constructor(ports: ReignPorts) {
    this.#ports = ports;
  }

  /** Unix ms; undefined while no leader is known. */
  get since(): number | undefined {
    return this.#since;
  }

  /** To be called with each picture. */
  onSummary({ id, leader, term }: Pick<CoordinatorSummary, "id" | "leader" | "term">): void {
    if (leader === this.#leader && term === this.#term) return;
    this.#leader = leader;
    this.#term = term;
    this.#since = leader === "" ? undefined : this.#ports.wall();
    if (leader === "") return;
    if (this.#isFirst && leader !== id) void this.#askRecord(leadsText(leader, term));
    this.#isFirst = false;
  }

  /** It was there first: since when, only its own word tells. */
  async #askRecord(text: string): Promise<void> {
    const seenAt = this.#since;
    const ask = { kind: "leader-changed", search: text, limit: 10 };
    const listed = await this.#ports.listEvents(ask).catch(() => []);
    const told = listed.find(({ event }) => event.text === text)?.event.at;
    if (told !== undefined && seenAt !== undefined && this.#since === seenAt) {
      this.#since = Math.min(told, seenAt);
    }
  }
}
