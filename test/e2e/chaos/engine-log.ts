// The engine's own event log, by a client of its own from the first event on: the engine itself remembers its last 256 alone.

import { get, type ClientRequest } from "node:http";
import { EventTail } from "../../../coordinator/docker/event-tail.ts";
import type { LabEngine } from "../../lab/engine.ts";
import { pause } from "../../waiting.ts";
import type { EngineEntry } from "./evidence.ts";

/** A restarted engine is asked again after this; what it tells meanwhile it still remembers. */
const askAgain = 100;

export class EngineLog {
  readonly #engine: LabEngine;
  readonly #tail = new EventTail();
  readonly #entries: EngineEntry[] = [];
  readonly #following: Promise<void>;
  #request: ClientRequest | undefined;
  #isStopped = false;

  constructor(engine: LabEngine) {
    this.#engine = engine;
    this.#following = this.#follow();
  }

  /** Oldest first. */
  get entries(): readonly EngineEntry[] {
    return this.#entries.toSorted((a, b) => a.atMs - b.atMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#request?.destroy();
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      await this.#readOnce();
      await pause(askAgain);
    }
  }

  #readOnce(): Promise<void> {
    const since = this.#tail.since();
    const from = since === "" ? "" : `&since=${since}`;
    const filters = encodeURIComponent(JSON.stringify({ type: ["container"] }));
    return new Promise((resolve) => {
      const request = get(
        { socketPath: this.#engine.socket, path: `/events?filters=${filters}${from}` },
        (response) => {
          const read = this.#tail.read(response, "lab", ({ event, timeNano }) => {
            const { name: container, action, signal } = event;
            this.#entries.push({ atMs: Number(timeNano) / 1e6, container, action, signal });
          });
          void read.then(resolve);
        },
      );
      this.#request = request;
      request.once("error", () => {
        resolve();
      });
    });
  }
}
