// Deaths that an event told of: an inspection made before one and read after it must not bring the container back.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { ContainerView } from "./worker.ts";

/** An inspection takes no longer than this to arrive. Later, an event that was replayed late is the one that is wrong. */
const believed: Duration = 2_000;

export class Deaths {
  readonly #deaths = new Map<
    string,
    { readonly startedAt: string; readonly exitCode: number; readonly at: Instant }
  >();

  onDied(view: ContainerView, exitCode: number, now: Instant): void {
    this.#deaths.set(view.id, { startedAt: view.startedAt, exitCode, at: now });
  }

  /** It runs again, or it is long known to: news of both may come late together. */
  onStarted(containerId: string): void {
    this.#deaths.delete(containerId);
  }

  /** The view as it must be: the run that ended has ended. */
  corrected(view: ContainerView, now: Instant): ContainerView {
    const death = this.#deaths.get(view.id);
    if (death === undefined) return view;
    const isOver = after(death.at, believed) < now || death.startedAt !== view.startedAt;
    if (isOver || view.state !== "running") {
      this.#deaths.delete(view.id);
      return view;
    }
    return { ...view, state: "exited", exitCode: death.exitCode, isForetold: true };
  }
}
