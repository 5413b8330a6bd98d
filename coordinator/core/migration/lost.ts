// Which replicas of a service are lost with a host, and where its others are.

import { satisfies, type Constraint } from "./constraints.ts";
import type { Ground } from "./ground.ts";
import { isUsable, isWanted, type SwarmHost, type SwarmService } from "./swarm-view.ts";

export interface Replicas {
  /** That run on the host, or have run there and wait in vain for another place. */
  readonly lost: number;
  /** The ids of the hosts of the others, one for each replica. */
  readonly elsewhere: readonly string[];
}

/** @param constraints those of the service as they are now */
export function replicasOf(
  service: SwarmService,
  host: SwarmHost,
  ground: Ground,
  constraints: readonly Constraint[],
): Replicas {
  const tasks = ground.tasksOf(service);
  const wanted = tasks.filter(isWanted);
  const here = wanted.filter(({ hostId }) => hostId === host.id);
  const waiting = wanted.filter(({ hostId }) => hostId === "");
  const wasHere = new Set(tasks.filter(({ hostId }) => hostId === host.id).map(({ slot }) => slot));
  // History may be gone; where nobody else would do, the host that does is the one it waits for.
  const onlyHere = fitsOnlyHere(host, ground, constraints);
  const others = wanted.filter(({ hostId }) => hostId !== "" && hostId !== host.id);
  // While it moves, the old task and its successor share a slot.
  const replaced = new Set(
    others.filter(({ state, slot }) => state === "running" && slot > 0).map(({ slot }) => slot),
  );
  const lost = [...here, ...waiting.filter(({ slot }) => onlyHere || wasHere.has(slot))]
    .filter(({ slot }) => !replaced.has(slot))
    .map(({ slot, id }) => (slot === 0 ? id : String(slot)));
  return { lost: new Set(lost).size, elsewhere: others.map(({ hostId }) => hostId).sort() };
}

function fitsOnlyHere(
  host: SwarmHost,
  ground: Ground,
  constraints: readonly Constraint[],
): boolean {
  const fits = (one: SwarmHost): boolean => constraints.every((each) => satisfies(one, each));
  return (
    fits(host) && !ground.hosts.some((one) => one.id !== host.id && isUsable(one) && fits(one))
  );
}
