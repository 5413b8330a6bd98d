// Tells a recovery in words while it happens: the events of the record, with the time since the fault.

import type { EventView } from "../../proto/rest.ts";
import type { DemoProject } from "./project.ts";

export class Story {
  readonly #project: DemoProject;
  readonly #say: (line: string) => void;
  readonly #told = new Set<string>();
  #at = 0;

  constructor(project: DemoProject, say: (line: string) => void) {
    this.#project = project;
    this.#say = say;
  }

  begin(at: number): void {
    this.#at = at;
    this.#say(`  ${secondsOf(0)}  the fault`);
  }

  /** Says what is new. Nothing while nobody answers: it is told later. */
  async tell(): Promise<void> {
    let events: readonly EventView[];
    try {
      events = await this.#project.events();
    } catch {
      return;
    }
    // The record is newest first; what has the same millisecond keeps its order.
    const news = events
      .toReversed()
      .filter((event) => event.atMs >= this.#at && !this.#told.has(event.id))
      .sort((a, b) => a.atMs - b.atMs);
    for (const event of news) {
      this.#told.add(event.id);
      const who = event.worker === "" ? "" : `${event.worker.replace(/^.*\//, "")}: `;
      this.#say(`  ${secondsOf(event.atMs - this.#at)}  ${event.kind}: ${who}${event.text}`);
    }
  }
}

const secondsOf = (ms: number): string => `+${(ms / 1000).toFixed(2)} s`.padStart(9);
