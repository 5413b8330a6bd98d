// The last events of the mesh, and each further one, followed once for all who listen.

import type { EventView } from "../../../proto/rest.ts";
import type { MeshEvent } from "../../core/event.ts";
import type { ControlPlane } from "../plane.ts";
import { eventView, streamId } from "../views.ts";

const kept = 30;

export class LastEvents {
  readonly #plane: ControlPlane;
  readonly #onEvent: (view: EventView) => void;
  /** Newest first. */
  #list: readonly EventView[] = [];
  #following: { begun: Promise<void> } | undefined;
  #unsubscribe: (() => void) | undefined;
  #reading: Promise<readonly EventView[]> | undefined;

  /** @param onEvent is told of each that happens while they are followed */
  constructor(plane: ControlPlane, onEvent: (view: EventView) => void) {
    this.#plane = plane;
    this.#onEvent = onEvent;
  }

  /** Newest first; empty unless they are followed. */
  get list(): readonly EventView[] {
    return this.#list;
  }

  /** Resolves once the list is there; without the record, with what happened since. Never rejects. */
  follow(): Promise<void> {
    const known = this.#following;
    if (known !== undefined) return known.begun;
    const following = { begun: Promise.resolve() };
    this.#following = following;
    following.begun = this.#begin(() => this.#following === following);
    return following.begun;
  }

  leave(): void {
    this.#following = undefined;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#list = [];
  }

  /** Of the record, whether they are followed or not; none while that is away. Who asks while it is read gets the same. */
  read(): Promise<readonly EventView[]> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** @param isMine false once all have left, and maybe others have come */
  async #begin(isMine: () => boolean): Promise<void> {
    const unsubscribe = await this.#plane.subscribe((event) => {
      if (isMine()) this.#add(event);
    });
    if (!isMine()) {
      unsubscribe();
      return;
    }
    this.#unsubscribe = unsubscribe;
    const recorded = await this.read();
    if (!isMine()) return;
    const since = new Set(this.#list.map(({ id }) => id));
    const older = recorded.filter(({ id }) => !since.has(id));
    this.#list = [...this.#list, ...older].slice(0, kept);
  }

  #add(event: MeshEvent): void {
    const view = eventView(streamId(event), event);
    this.#list = [view, ...this.#list].slice(0, kept);
    this.#onEvent(view);
  }

  async #readNow(): Promise<readonly EventView[]> {
    try {
      const listed = await this.#plane.listEvents({ limit: kept });
      return listed.map(({ event }) => eventView(streamId(event), event));
    } catch {
      return [];
    }
  }
}
