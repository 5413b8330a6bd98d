// Takes the news of engines: census, hosts and intent are told in the right order, and an event counts before its inspection.

import type { Instant, WorkerId } from "../../proto/units.ts";
import type { Census } from "./census.ts";
import { Deaths } from "./deaths.ts";
import type { EngineNews } from "./engine-news.ts";
import { afterEvent, type Hosts } from "./hosts.ts";
import type { Intent } from "./intent.ts";
import type { EngineEvent } from "./worker.ts";

export interface DeskEffect {
  /** The engine has just restarted this one by its own policy. */
  readonly restarted: WorkerId | undefined;
  /** What is to be judged anew besides the workers that changed: all of a host, or those that are held. */
  readonly touched:
    { readonly kind: "host"; readonly host: string } | { readonly kind: "holds" | "nothing" };
}

const nothing: DeskEffect = { restarted: undefined, touched: { kind: "nothing" } };
const hostTouched = (host: string): DeskEffect => ({
  restarted: undefined,
  touched: { kind: "host", host },
});

export class EngineDesk {
  readonly #census: Census;
  readonly #hosts: Hosts;
  readonly #intent: Intent;
  readonly #deaths = new Deaths();

  constructor(parts: { readonly census: Census; readonly hosts: Hosts; readonly intent: Intent }) {
    this.#census = parts.census;
    this.#hosts = parts.hosts;
    this.#intent = parts.intent;
  }

  onNews(news: EngineNews, now: Instant): DeskEffect {
    switch (news.kind) {
      case "engine-event":
        return this.#onEvent(news.event, now);
      case "engine-snapshot": {
        if (this.#hosts.onSeen(news.host, now)) this.#intent.onEngineBack(news.host, now);
        const views = news.containers.map((view) => this.#deaths.corrected(view, now));
        this.#intent.onContainers(news.host, views, now);
        this.#census.onSnapshot(news.host, views, now);
        return nothing;
      }
      case "container-changed": {
        const view = this.#deaths.corrected(news.view, now);
        this.#intent.onContainer(view, now);
        this.#census.onChanged(view, now);
        return nothing;
      }
      case "container-gone":
        this.#census.onGone(news.host, news.containerId, now);
        return nothing;
      case "engine-lost":
        this.#hosts.onLost(news.host, news.reason, now);
        return hostTouched(news.host);
      case "engine-back":
        this.#intent.onEngineBack(news.host, now);
        this.#hosts.onBack(news.host, news.restarted, now);
        return hostTouched(news.host);
    }
  }

  /** The event comes before the inspection that confirms it; what it says of the state holds until then. */
  #onEvent(event: EngineEvent, now: Instant): DeskEffect {
    const told = this.#intent.onEngineEvent(event, now);
    const restarted = told === "engine-restarted" ? `${event.host}/${event.name}` : undefined;
    const view = this.#census.container(event.host, event.containerId);
    if (view !== undefined && event.action === "die") {
      this.#deaths.onDied(view, event.exitCode, now);
    }
    if (event.action === "start") this.#deaths.onStarted(event.containerId);
    // Judged once more it would be remembered once more, as one of its project that nobody stopped.
    if (event.action === "destroy") this.#census.onGone(event.host, event.containerId, now);
    const changed = view === undefined ? undefined : afterEvent(view, event);
    if (changed !== undefined) this.#census.onChanged(changed, now);
    return { restarted, touched: { kind: "holds" } };
  }
}
