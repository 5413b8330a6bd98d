// Which kills and stops this process caused itself: an engine's events do not tell them from a person's.

import type { Instant } from "../../proto/units.ts";
import { after } from "../../proto/units.ts";

/** How long after an action its events may still arrive. */
const tail = 2_000;

/** Containers by id, or by name where the id is not known yet, each with the instant until which its events are ours. */
export class OwnActions {
  readonly #until = new Map<string, Instant>();
  readonly #killed = new Map<string, Instant>();
  readonly #now: () => Instant;

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** Before the call: events of this container are ours for `ms`, and a little longer. Also for what another coordinator's runner is known to do. */
  expect(container: string, ms: number): void {
    const until = after(this.#now(), ms + tail);
    const known = this.#until.get(container);
    if (known === undefined || known < until) this.#until.set(container, until);
    this.#forget();
  }

  /** After the call: what comes later than the tail is not ours any more. */
  settled(container: string): void {
    if (this.#until.has(container)) this.#until.set(container, after(this.#now(), tail));
  }

  isOurs(id: string, name: string): boolean {
    const now = this.#now();
    return [id, name].some((key) => (this.#until.get(key) ?? Number.NEGATIVE_INFINITY) > now);
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
    for (const kept of [this.#until, this.#killed]) {
      for (const [key, until] of kept) if (until <= now) kept.delete(key);
    }
  }
}
