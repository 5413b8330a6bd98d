// One stream of server-sent events: what was missed first, then each event as it happens, while the receiver keeps up.

import type { MeshEvent } from "../core/event.ts";
import type { ControlPlane } from "./plane.ts";
import { ServerSent, type ServerSentOptions } from "./server-sent.ts";
import { eventView, streamId } from "./views.ts";

/** A receiver so far behind is cut off: it comes back with Last-Event-ID. */
const bytesWaiting = 1_048_576;
/** Of missed events; older ones are found by paging. */
const repeatedAtMost = 1000;

export interface EventStreamOptions extends ServerSentOptions {
  readonly plane: ControlPlane;
  readonly wanted: (event: MeshEvent) => boolean;
  readonly lastId: string | undefined;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #sent: ServerSent;
  /** Events that happened while the missed ones were read; undefined once they were. */
  #held: MeshEvent[] | undefined = [];
  /** Of the repeated events, which may have happened once more meanwhile. */
  readonly #repeated = new Set<string>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const { response, mayStay } = options;
    const onEnd = (): void => {
      this.#unsubscribe?.();
      options.onEnd();
    };
    this.#sent = new ServerSent({ response, mayStay, onEnd });
  }

  begin(): void {
    this.#sent.begin();
    this.#sent.write("retry: 2000\n\n");
    void this.#follow();
  }

  end(): void {
    this.#sent.end();
  }

  async #follow(): Promise<void> {
    const unsubscribe = await this.#options.plane.subscribe((event) => {
      if (this.#held === undefined) this.#send(event);
      else this.#held.push(event);
    });
    if (this.#sent.isEnded) {
      unsubscribe();
      return;
    }
    this.#unsubscribe = unsubscribe;
    await this.#repeatMissed();
  }

  async #repeatMissed(): Promise<void> {
    const { lastId, plane } = this.#options;
    if (lastId !== undefined) {
      try {
        const listed = await plane.listEvents({ limit: repeatedAtMost });
        const events = listed.map((one) => one.event).toReversed();
        for (const event of after(events, lastId)) {
          this.#repeated.add(streamId(event));
          this.#send(event, true);
        }
      } catch {
        // The record is away: what was missed cannot be told now, what happens from here on can.
        this.#write(": the missed events cannot be read\n\n");
      }
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#send(event);
    this.#repeated.clear();
  }

  #send(event: MeshEvent, isRepeated = false): void {
    if (!this.#options.wanted(event)) return;
    const id = streamId(event);
    if (!isRepeated && this.#repeated.has(id)) return;
    const data = JSON.stringify(eventView(id, event));
    this.#write(`id: ${id}\nevent: ${event.kind}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    if (this.#sent.waiting > bytesWaiting) this.#sent.cut();
    else this.#sent.write(text);
  }
}

/** Events after the one with this id; where that is gone, those after its time. Oldest first. */
function after(events: readonly MeshEvent[], lastId: string): readonly MeshEvent[] {
  const index = events.findIndex((event) => streamId(event) === lastId);
  if (index >= 0) return events.slice(index + 1);
  const at = Number.parseInt(lastId, 10);
  return Number.isNaN(at) ? [] : events.filter((event) => event.at > at);
}
