// One stream of server-sent events: what was missed first, then each event as it happens, while the receiver keeps up.

import type { ServerResponse } from "node:http";
import type { MeshEvent } from "../core/event.ts";
import type { ControlPlane } from "./plane.ts";
import { eventView, streamId } from "./views.ts";

/** Proxies close what is silent; and whether the token still holds is looked at as often. */
const stillHereEvery = 15_000;
/** A receiver so far behind is cut off: it comes back with Last-Event-ID. */
const bytesWaiting = 1_048_576;
/** Of missed events; older ones are found by paging. */
const repeatedAtMost = 1000;

export interface EventStreamOptions {
  readonly response: ServerResponse;
  readonly plane: ControlPlane;
  readonly wanted: (event: MeshEvent) => boolean;
  /** Whether the caller's token still holds. */
  readonly mayStay: () => boolean;
  readonly lastId: string | undefined;
  readonly onEnd: () => void;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  /** Events that happened while the missed ones were read; undefined once they were. */
  #held: MeshEvent[] | undefined = [];
  /** Of the repeated events, which may have happened once more meanwhile. */
  readonly #sent = new Set<string>();
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  begin(): void {
    const { response } = this.#options;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // nginx and its like would hold events back.
      "x-accel-buffering": "no",
    });
    response.write("retry: 2000\n\n");
    response.on("close", () => {
      this.end();
    });
    response.on("error", () => {
      this.end();
    });
    this.#timer = setInterval(() => {
      if (this.#options.mayStay()) this.#write(": still here\n\n");
      else this.end();
    }, stillHereEvery);
    this.#timer.unref();
    void this.#follow();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#timer);
    this.#unsubscribe?.();
    this.#options.response.end();
    this.#options.onEnd();
  }

  async #follow(): Promise<void> {
    const unsubscribe = await this.#options.plane.subscribe((event) => {
      if (this.#held === undefined) this.#send(event);
      else this.#held.push(event);
    });
    if (this.#isEnded) {
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
          this.#sent.add(streamId(event));
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
    this.#sent.clear();
  }

  #send(event: MeshEvent, isRepeated = false): void {
    if (!this.#options.wanted(event)) return;
    const id = streamId(event);
    if (!isRepeated && this.#sent.has(id)) return;
    const data = JSON.stringify(eventView(id, event));
    this.#write(`id: ${id}\nevent: ${event.kind}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    if (this.#isEnded) return;
    const { response } = this.#options;
    if (response.writableLength > bytesWaiting) {
      response.destroy();
      return;
    }
    response.write(text);
  }
}

/** Events after the one with this id; where that is gone, those after its time. Oldest first. */
function after(events: readonly MeshEvent[], lastId: string): readonly MeshEvent[] {
  const index = events.findIndex((event) => streamId(event) === lastId);
  if (index >= 0) return events.slice(index + 1);
  const at = Number.parseInt(lastId, 10);
  return Number.isNaN(at) ? [] : events.filter((event) => event.at > at);
}
