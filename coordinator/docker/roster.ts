// What is known of one engine's containers that matter: full lists and single inspections, told in an order that never goes back in time.

import type { EngineNews } from "../core/engine-news.ts";
import type { ContainerView, EngineEvent } from "../core/worker.ts";
import { isUnavailable, type EngineClient } from "./engines.ts";
import { mapBounded } from "./map-bounded.ts";
import { relevantContainers, type Relevance, type Summary } from "./relevance.ts";
import { viewOf, type RawInspection } from "./views.ts";

/** Inspections at a time, for one engine. */
const inspectionsAtOnce = 8;

const goneRemembered = 1_000;

/** After these a container looks different; `kill` and `stop` stand beside a `die` that is looked at anyway. */
const changing: ReadonlySet<EngineEvent["action"]> = new Set([
  "create",
  "start",
  "die",
  "pause",
  "unpause",
  "rename",
  "health-starting",
  "health-healthy",
  "health-unhealthy",
]);

interface RosterParts {
  readonly client: EngineClient;
  readonly relevance: Relevance;
  readonly emit: (news: EngineNews) => void;
  readonly onInspected?: (host: string, raw: RawInspection) => void;
}

export class Roster {
  readonly #parts: RosterParts;
  readonly #views = new Map<string, ContainerView>();
  /** Containers being inspected because of an event; `again` when another one came meanwhile. */
  readonly #inspecting = new Map<string, "once" | "again">();
  /** Ids that are never seen again; an inspection that was under way must not bring one back. */
  readonly #gone = new Set<string>();
  /** While a full list is made: what events touched since its begin, so that the list does not overwrite newer knowledge. */
  #touched: Set<string> | undefined;

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  has(id: string): boolean {
    return this.#views.has(id);
  }

  /** Of a container that matters. Returns at once; the inspection is told when it is there. */
  onEvent(event: EngineEvent): void {
    this.#touched?.add(event.containerId);
    if (event.action === "destroy") this.#becomeGone(event.containerId, event.name);
    else if (changing.has(event.action)) this.#inspectSoon(event.containerId);
  }

  /** Lists all, inspects what matters, tells it as one snapshot. Throws where the engine does not answer the list. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const touched = new Set<string>();
    this.#touched = touched;
    try {
      const { client, relevance } = this.#parts;
      const relevant = relevantContainers(await client.summaries(), relevance);
      const views = await mapBounded(relevant, inspectionsAtOnce, (one) => this.#viewOf(one));
      if (signal.aborted) return;
      this.#becomeListed(
        views.filter((view) => view !== undefined),
        touched,
      );
    } finally {
      this.#touched = undefined;
    }
    for (const id of touched) if (this.#views.has(id)) this.#inspectSoon(id);
  }

  #becomeListed(listed: readonly ContainerView[], touched: ReadonlySet<string>): void {
    const next = new Map<string, ContainerView>();
    for (const view of listed) {
      if (!touched.has(view.id) && !this.#gone.has(view.id)) next.set(view.id, view);
    }
    // Of a touched one the events know more than the list: also that it is gone.
    for (const id of touched) {
      const known = this.#views.get(id);
      if (known !== undefined) next.set(id, known);
    }
    this.#views.clear();
    for (const [id, view] of next) this.#views.set(id, view);
    const containers = [...next.values()];
    this.#parts.emit({ kind: "engine-snapshot", host: this.#parts.client.host, containers });
  }

  /** What was known before, where this one container cannot be inspected just now (the engine holds its lock); it is not gone for that. */
  async #viewOf(summary: Summary): Promise<ContainerView | undefined> {
    try {
      return await this.#inspect(summary.id);
    } catch (error) {
      const known = this.#views.get(summary.id);
      if (known === undefined || !isUnavailable(error)) throw error;
      return known;
    }
  }

  async #inspect(id: string): Promise<ContainerView | undefined> {
    const { client, onInspected } = this.#parts;
    const raw = await client.inspectRaw(id);
    if (raw === undefined) return undefined;
    onInspected?.(client.host, raw);
    return viewOf(client.host, raw);
  }

  #inspectSoon(id: string): void {
    if (this.#inspecting.has(id)) {
      this.#inspecting.set(id, "again");
      return;
    }
    void this.#inspectUntilQuiet(id);
  }

  /** One at a time for a container, so that an older answer never follows a newer one. */
  async #inspectUntilQuiet(id: string): Promise<void> {
    try {
      do {
        this.#inspecting.set(id, "once");
        const view = await this.#inspect(id);
        if (view === undefined) this.#becomeGone(id, this.#views.get(id)?.name ?? "");
        else this.#becomeSeen(view);
      } while (this.#inspecting.get(id) === "again");
    } catch {
      // The engine does not answer or refuses: pings notice the one, the next full list tells what was missed.
    } finally {
      this.#inspecting.delete(id);
    }
  }

  #becomeSeen(view: ContainerView): void {
    if (this.#gone.has(view.id)) return;
    this.#touched?.add(view.id);
    this.#views.set(view.id, view);
    this.#parts.emit({ kind: "container-changed", view });
  }

  #becomeGone(id: string, name: string): void {
    this.#gone.add(id);
    if (this.#gone.size > goneRemembered) {
      for (const first of this.#gone) {
        this.#gone.delete(first);
        break;
      }
    }
    if (!this.#views.delete(id)) return;
    this.#touched?.add(id);
    const { emit, client } = this.#parts;
    emit({ kind: "container-gone", host: client.host, containerId: id, name });
  }
}
