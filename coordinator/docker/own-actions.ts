// Which kills and stops this process caused itself: an engine's events do not tell them from a person's.

import type { Instant } from "../../proto/units.ts";
import { after } from "../../proto/units.ts";
import type { EngineEvent } from "../core/worker.ts";

type EventAction = EngineEvent["action"];

/** How long after an action its events may still arrive. */
const tail = 2_000;

/** What is asked of an engine. */
export type Deed = "start" | "kill" | "stop" | "restart" | "remove" | "create" | "rename";

/** What the engine tells of each; the last one is its end, so that what comes after it is somebody else's. */
const eventsOf: Readonly<Record<Deed, readonly EventAction[]>> = {
  start: ["start"],
  kill: ["kill", "die"],
  stop: ["kill", "die", "stop"],
  restart: ["kill", "die", "stop", "start", "restart"],
  remove: ["kill", "die", "destroy"],
  create: ["create"],
  rename: ["rename"],
};

/** Containers by id, or by name where the id is not known yet, each with what is done to it and until when events of that are ours. */
export class OwnActions {
  readonly #deeds = new Map<string, Map<Deed, Instant>>();
  readonly #killed = new Map<string, Instant>();
  readonly #now: () => Instant;

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** Before the call, which takes at most `ms`. */
  expect(container: string, deed: Deed, ms: number): void {
    this.#forget();
    const deeds = this.#deeds.get(container) ?? new Map<Deed, Instant>();
    deeds.set(deed, after(this.#now(), ms + tail));
    this.#deeds.set(container, deeds);
  }

  /** After the call: what comes later than the tail is not ours any more. */
  settled(container: string, deed: Deed): void {
    const deeds = this.#deeds.get(container);
    if (deeds?.has(deed) === true) deeds.set(deed, after(this.#now(), tail));
  }

  /** To be asked once for each event. */
  isOurs(id: string, name: string, action: EventAction): boolean {
    const now = this.#now();
    for (const key of [id, name]) {
      const deeds = this.#deeds.get(key);
      for (const [deed, until] of deeds ?? []) {
        if (until <= now || !eventsOf[deed].includes(action)) continue;
        if (eventsOf[deed].at(-1) === action) deeds?.delete(deed);
        return true;
      }
    }
    return false;
  }

  /** We killed it in order to start it again. */
  onKilled(id: string): void {
    this.#killed.set(id, after(this.#now(), 10 * 60_000));
    this.#forget();
  }

  onStarted(id: string): void {
    this.#killed.delete(id);
  }

  /** Whether its being down is our own doing, so that a second try may go on where the first one ended. */
  hasKilled(id: string): boolean {
    return (this.#killed.get(id) ?? Number.NEGATIVE_INFINITY) > this.#now();
  }

  #forget(): void {
    const now = this.#now();
    for (const [key, until] of this.#killed) if (until <= now) this.#killed.delete(key);
    for (const [key, deeds] of this.#deeds) {
      for (const [deed, until] of deeds) if (until <= now) deeds.delete(deed);
      if (deeds.size === 0) this.#deeds.delete(key);
    }
  }
}
