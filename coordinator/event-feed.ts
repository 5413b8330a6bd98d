// Every event of the mesh as it happens, for whoever follows them: this process's own at once, the others' by the record.

import type { Duration } from "../proto/units.ts";
import { streamId } from "./api/views.ts";
import type { MeshEvent } from "./core/event.ts";
import type { ListedEvent } from "./io/record-asks.ts";

/** What is asked of the record; rejects while Redis is away. */
export interface EventRecord {
  /** The id of the newest entry. */
  newestEvent(): Promise<string>;
  /** Oldest first; as many as fit into a page. */
  eventsAfter(id: string): Promise<readonly ListedEvent[]>;
}

/** The record is looked at so often, and only while somebody follows. */
const lookEvery: Duration = 250;
/** Events that are not told again when the record tells of them, too. */
const remembered = 1_000;

export class EventFeed {
  readonly #record: () => EventRecord;
  readonly #listeners = new Set<(event: MeshEvent) => void>();
  readonly #told = new Set<string>();
  /** What the record told last; undefined until it is known, and while nobody follows. */
  #position: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(record: () => EventRecord) {
    this.#record = record;
  }

  /** An event of this process. */
  onEvent(event: MeshEvent): void {
    this.#tell(event);
  }

  /** Resolves when no later event is missed, with what ends it; without Redis, the others' are missed until it is back. Never rejects. */
  async subscribe(listener: (event: MeshEvent) => void): Promise<() => void> {
    this.#listeners.add(listener);
    if (this.#position === undefined) await this.#begin();
    this.#timer ??= setInterval(() => void this.#look(), lookEvery).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#position = undefined;
  }

  async #begin(): Promise<void> {
    try {
      const newest = await this.#record().newestEvent();
      // The last who followed may have gone meanwhile.
      if (this.#listeners.size > 0) this.#position ??= newest;
    } catch {
      // Tried again at the next look.
    }
  }

  async #look(): Promise<void> {
    const from = this.#position;
    if (from === undefined) {
      await this.#begin();
      return;
    }
    const listed = await this.#record()
      .eventsAfter(from)
      .catch(() => []);
    // Another look has been faster, or nobody follows any more.
    if (this.#position !== from) return;
    for (const { id, event } of listed) {
      this.#position = id;
      this.#tell(event);
    }
  }

  #tell(event: MeshEvent): void {
    const id = streamId(event);
    if (this.#told.has(id)) return;
    this.#told.add(id);
    const [oldest = ""] = this.#told;
    if (this.#told.size > remembered) this.#told.delete(oldest);
    for (const listener of this.#listeners) listener(event);
  }
}
