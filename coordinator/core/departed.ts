// Workers whose container was removed: shown for a while, or until they are recreated; replaced and scaled-down ones are none of them.

import { after, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import { composeOf, isAgent, type NamedWorker } from "./mapping.ts";
import { swarmServiceOf } from "./swarm-task.ts";
import type { ContainerView, WorkerSpec } from "./worker.ts";

/** A removed worker is shown this long; one that is to be recreated stays until it is. */
const goneShown: Duration = 300_000;

/** What is there, of all engines. */
export interface Present {
  containers(): Iterable<ContainerView>;
  container(host: string, id: string): ContainerView | undefined;
}

interface Gone {
  readonly spec: WorkerSpec;
  readonly at: Instant;
  /** Nothing of its project was left at some time: a person took it down, and what comes up later is another one. */
  isTakenDown: boolean;
}

export class Departed {
  readonly #gone = new Map<WorkerId, Gone>();

  /** Adds to `workers` those of `before` whose container has gone, without a container. */
  keep(
    before: ReadonlyMap<WorkerId, WorkerSpec>,
    workers: Map<WorkerId, WorkerSpec>,
    present: Present,
    now: Instant,
  ): void {
    for (const [id, spec] of before) {
      const { container } = spec;
      if (container === undefined || workers.has(id)) continue;
      const state = present.container(container.host, container.id)?.state;
      // On its way out is out: nobody looks again between that and its end.
      if (state === undefined || state === "removing")
        this.#gone.set(id, { spec, at: now, isTakenDown: false });
    }
    for (const [id, gone] of this.#gone) {
      const { spec } = gone;
      gone.isTakenDown ||= !hasProject(spec, present);
      if (workers.has(id) || isReplaced(spec, present)) this.#gone.delete(id);
      else workers.set(id, { ...spec, container: undefined, probe: { kind: "engine-only" } });
    }
  }

  /** Whose agents may still be there, and say so. */
  named(): readonly NamedWorker[] {
    return [...this.#gone.values()].flatMap(({ spec: { container, agent } }) =>
      container === undefined ? [] : [{ container, agent }],
    );
  }

  lastSeen(id: WorkerId): ContainerView | undefined {
    return this.#gone.get(id)?.spec.container;
  }

  /** Whether its project was there all the time since. */
  hasProject(id: WorkerId): boolean {
    return this.#gone.get(id)?.isTakenDown !== true;
  }

  /** True where one is no longer shown. */
  tidy(now: Instant): boolean {
    let changed = false;
    for (const [id, { spec, at, isTakenDown }] of this.#gone) {
      if ((spec.settings.recreate && !isTakenDown) || after(at, goneShown) > now) continue;
      this.#gone.delete(id);
      changed = true;
    }
    return changed;
  }
}

/** Compose or Swarm replaced it, or its service was scaled down: another container of the same service stands where it stood, or anywhere in the Swarm. */
function isReplaced({ container }: WorkerSpec, present: Present): boolean {
  const service = container && swarmServiceOf(container);
  if (service !== undefined) {
    const all = [...present.containers()];
    return all.some((view) => view.state === "running" && swarmServiceOf(view) === service);
  }
  const compose = container && composeOf(container);
  if (container === undefined || compose === undefined) return false;
  return othersOf(container, compose.project, present).some(
    (view) => composeOf(view)?.service === compose.service,
  );
}

function hasProject({ container }: WorkerSpec, present: Present): boolean {
  const compose = container && composeOf(container);
  if (container === undefined || compose === undefined) return true;
  return othersOf(container, compose.project, present).length > 0;
}

/** A project of the same name on another host is another project. */
function othersOf(
  { host }: ContainerView,
  project: string,
  present: Present,
): readonly ContainerView[] {
  return [...present.containers()].filter(
    (view) =>
      view.host === host &&
      composeOf(view)?.project === project &&
      view.state !== "removing" &&
      !isAgent(view),
  );
}
