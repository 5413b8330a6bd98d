// Hands and eyes for each kind of job: a container's revival, its move to another engine, and a service's.

import type { RevivalJob } from "../core/job.ts";
import { isContainerOrder } from "../core/migration/order.ts";
import type { Actor, LifeWatch } from "./ports.ts";

interface ByKind<Part> {
  readonly revivals: Part;
  readonly services: Part;
  readonly containers: Part;
}

function partOf<Part>(
  { revivals, services, containers }: ByKind<Part>,
  { move }: RevivalJob,
): Part {
  if (move === undefined) return revivals;
  return isContainerOrder(move) ? containers : services;
}

export const actorOf = (actors: ByKind<Actor>): Actor => ({
  perform: (job, mayAct) => partOf(actors, job).perform(job, mayAct),
});

export const lifeWatchOf = (watches: ByKind<LifeWatch>): LifeWatch => ({
  awaitLife: (job, ...rest) => partOf(watches, job).awaitLife(job, ...rest),
  watchWindow: (job, window) => partOf(watches, job).watchWindow(job, window),
});
