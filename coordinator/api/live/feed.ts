// The live picture for all who listen: looked at ten times a second while somebody does, and each change written once for all.

import type { LiveView } from "../../../proto/rest.ts";
import type { CoordinatorSummary } from "../../core/summary.ts";
import type { ControlPlane } from "../plane.ts";
import { statusView } from "../views.ts";
import { LastEvents } from "./last-events.ts";
import { Picture } from "./picture.ts";

const lookEvery = 100;
/** Who polls gets a picture that is at most so old, ms. */
const polledFor = 100;

export type Listener = (text: string) => void;

export class LiveFeed {
  readonly #plane: ControlPlane;
  readonly #picture = new Picture();
  readonly #listeners = new Set<Listener>();
  readonly #events: LastEvents;
  /** Of those who listen, or are about to. */
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #looked: CoordinatorSummary | undefined;
  #polled: { readonly at: number; readonly text: Promise<string> } | undefined;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#events = new LastEvents(plane, (event) => {
      this.#tell("event", JSON.stringify(event));
    });
  }

  /** A `LiveView` as JSON. Rejects before the first picture of the mesh. */
  picture(): Promise<string> {
    const now = Date.now();
    const known = this.#polled;
    if (known !== undefined && Math.abs(now - known.at) < polledFor) return known.text;
    const text = this.#poll();
    this.#polled = { at: now, text };
    // It holds no memory for long.
    setTimeout(() => {
      if (this.#polled?.text === text) this.#polled = undefined;
    }, polledFor).unref();
    return text;
  }

  /** Before one listens; `leave` is to be called once for it. Rejects, and nobody has come, before the first picture of the mesh. */
  async enter(): Promise<void> {
    this.#plane.summary();
    this.#count++;
    await this.#events.follow();
  }

  /** @returns the message with the picture from which all further ones follow */
  listen(listener: Listener): string {
    if (this.#timer === undefined) {
      this.#look();
      this.#timer = setInterval(() => {
        this.#look();
      }, lookEvery).unref();
    }
    this.#listeners.add(listener);
    return messageOf("picture", JSON.stringify(this.#view()));
  }

  /** Also of one that never began to listen. */
  leave(listener: Listener): void {
    this.#listeners.delete(listener);
    this.#count--;
    if (this.#count > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#events.leave();
  }

  async #poll(): Promise<string> {
    const events = this.#timer === undefined ? await this.#events.read() : this.#events.list;
    // While somebody listens, what is looked at must be told.
    if (this.#timer === undefined) this.#look();
    return JSON.stringify({ ...this.#view(), events });
  }

  #view(): LiveView {
    const view = this.#picture.view(Date.now(), this.#events.list);
    if (view === undefined) throw new Error("nothing was looked at");
    return view;
  }

  #look(): void {
    const plane = this.#plane;
    const summary = plane.summary();
    if (summary === this.#looked) return;
    this.#looked = summary;
    const status = statusView(summary, plane.readiness(), plane.facts());
    const recordOf = (id: string) => plane.knownRecovery(id);
    const change = this.#picture.look({ nowMs: Date.now(), summary, status, recordOf });
    if (change !== undefined) this.#tell("change", JSON.stringify(change));
  }

  #tell(event: string, data: string): void {
    if (this.#listeners.size === 0) return;
    const text = messageOf(event, data);
    for (const listener of this.#listeners) listener(text);
  }
}

const messageOf = (event: string, data: string): string => `event: ${event}\ndata: ${data}\n\n`;
