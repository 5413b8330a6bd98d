// A page without a screen: it follows the live stream, and holds what a browser would show by it.

import assert from "node:assert/strict";
import type {
  EventView,
  LeftToPeople,
  LiveChange,
  LiveView,
  OpenRecovery,
  StatusView,
  WorkerRow,
} from "../../../proto/rest.ts";
import { until } from "../../waiting.ts";
import { messagesOf } from "./event-stream.ts";

export class LivePage {
  readonly workers = new Map<string, WorkerRow>();
  /** Oldest first. */
  readonly changes: LiveChange[] = [];
  readonly events: EventView[] = [];
  pictures = 0;
  status: StatusView | undefined;
  recoveries: readonly OpenRecovery[] = [];
  left: readonly LeftToPeople[] = [];
  isEnded = false;
  readonly #stop = new AbortController();

  async open(url: string, headers: Record<string, string> = {}): Promise<void> {
    const answer = await fetch(`${url}/api/v1/live`, {
      headers: { accept: "text/event-stream", ...headers },
      signal: this.#stop.signal,
    });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
    void this.#read(answer);
    await this.until("the picture", () => this.pictures > 0);
  }

  close(): void {
    this.#stop.abort();
  }

  async until(what: string, isTrue: () => boolean, patience?: number): Promise<void> {
    await until(what, () => isTrue() || undefined, patience).catch((error: unknown) => {
      const shown = [this.recoveries, [...this.workers.values()], this.events.slice(-5)];
      throw new Error(`it shows ${JSON.stringify(shown).slice(0, 3_000)}`, { cause: error });
    });
  }

  async #read(answer: Response): Promise<void> {
    for await (const { kind, data } of messagesOf(answer)) this.#onMessage(kind, data);
    this.isEnded = true;
  }

  #onMessage(kind: string, data: string): void {
    switch (kind) {
      case "picture":
        this.#onPicture(JSON.parse(data) as LiveView);
        break;
      case "change":
        this.#onChange(JSON.parse(data) as LiveChange);
        break;
      case "event":
        this.events.push(JSON.parse(data) as EventView);
        break;
      default:
        throw new Error(`an unknown message: ${kind}`);
    }
  }

  #onPicture({ workers, status, recoveries, left, events }: LiveView): void {
    this.pictures++;
    this.workers.clear();
    for (const row of workers) this.workers.set(row.id, row);
    this.status = status;
    this.recoveries = recoveries;
    this.left = left;
    this.events.push(...events.toReversed());
  }

  #onChange(change: LiveChange): void {
    this.changes.push(change);
    for (const row of change.workers ?? []) this.workers.set(row.id, row);
    for (const id of change.gone ?? []) this.workers.delete(id);
    this.status = change.status ?? this.status;
    this.recoveries = change.recoveries ?? this.recoveries;
    this.left = change.left ?? this.left;
  }
}
