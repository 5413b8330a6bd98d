// Hands and eyes for both kinds of jobs: a container's, and a service's.

import type { Actor, LifeWatch } from "./ports.ts";

export const actorOf = (containers: Actor, services: Actor): Actor => ({
  perform: (job, mayAct) => (job.move === undefined ? containers : services).perform(job, mayAct),
});

export const lifeWatchOf = (containers: LifeWatch, services: LifeWatch): LifeWatch => {
  const of = ({ move }: { readonly move?: object }): LifeWatch =>
    move === undefined ? containers : services;
  return {
    awaitLife: (job, ...rest) => of(job).awaitLife(job, ...rest),
    watchWindow: (job, window) => of(job).watchWindow(job, window),
  };
};
