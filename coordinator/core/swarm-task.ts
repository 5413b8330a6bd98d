// Containers of a Swarm's tasks. What lasts is the slot of the service: Swarm replaces its container by another one, on another host even.

import { after, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import { isLater, type ContainerView } from "./worker.ts";

const taskLabel = "com.docker.swarm.task.id";
const taskNameLabel = "com.docker.swarm.task.name";
const nodeLabel = "com.docker.swarm.node.id";

export const isSwarmTask = (view: Pick<ContainerView, "labels">): boolean =>
  taskLabel in view.labels;

/** The id of the service that a task belongs to. */
export const swarmServiceOf = (view: ContainerView): string | undefined =>
  view.labels["com.docker.swarm.service.id"];

/** What a worker is called by a container of it: `<host>/<container>`; of a Swarm's task `swarm/<service>.<slot>`, of a global service `swarm/<service>.<host>`. */
export function workerIdOf(view: ContainerView): WorkerId {
  const [slot] = slotNames(view);
  return slot === undefined ? `${view.host}/${view.name}` : `swarm/${slot}`;
}

/** How a task's slot may be called, by its agent too; none for any other container. Of a global service its node stands for the slot. */
export function slotNames(view: ContainerView): readonly string[] {
  const task = view.labels[taskLabel];
  if (task === undefined) return [];
  const name = view.labels[taskNameLabel] ?? view.name;
  const slot = name.endsWith(`.${task}`) ? name.slice(0, -task.length - 1) : name;
  const node = view.labels[nodeLabel];
  if (node === undefined || !slot.endsWith(`.${node}`)) return [slot];
  return [`${slot.slice(0, -node.length)}${view.host}`, slot];
}

/** A slot whose container died is shown this long without a successor; then it stands elsewhere, or nowhere any more. */
const deadShown: Duration = 300_000;

/** Which container stands for each slot. Swarm keeps the dead ones of before, and runs two at a time while it updates. */
export class Slots {
  readonly #deadSince = new Map<WorkerId, Instant>();

  /**
   * By worker: the one that runs, of several the one that began last; a dead one only where its slot was watched before.
   * @param known the workers of before
   */
  standing(
    views: Iterable<ContainerView>,
    known: ReadonlyMap<WorkerId, unknown>,
    now: Instant,
  ): ReadonlyMap<WorkerId, ContainerView> {
    const standing = new Map<WorkerId, ContainerView>();
    for (const view of views) {
      if (!isSwarmTask(view)) continue;
      const id = workerIdOf(view);
      const rival = standing.get(id);
      if (rival === undefined || goesBefore(view, rival)) standing.set(id, view);
    }
    for (const id of this.#deadSince.keys()) {
      const view = standing.get(id);
      if (view === undefined || isThere(view)) this.#deadSince.delete(id);
    }
    for (const [id, view] of standing) {
      if (isThere(view)) continue;
      const since = this.#deadSince.get(id) ?? (known.has(id) ? now : undefined);
      if (since !== undefined) this.#deadSince.set(id, since);
      if (since === undefined || after(since, deadShown) <= now) standing.delete(id);
    }
    return standing;
  }

  /** Whether the time of one that is shown dead is over. */
  isOver(now: Instant): boolean {
    for (const since of this.#deadSince.values()) {
      if (after(since, deadShown) <= now) return true;
    }
    return false;
  }
}

const isThere = ({ state }: ContainerView): boolean => state === "running" || state === "paused";

function goesBefore(view: ContainerView, rival: ContainerView): boolean {
  if (isThere(view) !== isThere(rival)) return isThere(view);
  return isLater(view.startedAt, rival.startedAt);
}
