// How far a move has come, by what Swarm says of the service's tasks.

import { parseConstraints, satisfies } from "./constraints.ts";
import type { OutHost } from "./order.ts";
import { isWanted, type SwarmService, type SwarmTask, type SwarmView } from "./swarm-view.ts";

export interface Progress {
  /** Replicas that run on hosts that are not out and that its placement allows. A task with a health check runs once that has passed. */
  readonly running: number;
  /** All of them do. */
  readonly isRunning: boolean;
  /** They do, and Swarm wants none anywhere else any more: its update settings may be restored without a replacement. */
  readonly isSettled: boolean;
  /** Swarm's own words for replicas that find no host, each once; empty where all have one. */
  readonly waiting: string;
  /** Where its tasks run, or are about to: the ids of hosts, also of those that are out. */
  readonly places: readonly string[];
}

export function progressOf(
  service: SwarmService,
  view: SwarmView,
  out: readonly OutHost[],
): Progress {
  const { known } = parseConstraints(service.constraints);
  const fit = new Set(
    view.hosts.flatMap((host) => {
      const isOut = out.some(({ id }) => id === host.id);
      return !isOut && known.every((one) => satisfies(host, one)) ? [host.id] : [];
    }),
  );
  const wanted = view.tasks.filter((task) => task.serviceId === service.id && isWanted(task));
  const runs = ({ state, hostId }: SwarmTask): boolean => state === "running" && fit.has(hostId);
  const slots = new Set(wanted.filter(runs).map(({ slot }) => slot));
  const isRunning = slots.size >= service.replicas;
  const errors = wanted.filter(({ hostId, error }) => hostId === "" && error !== "");
  return {
    running: slots.size,
    isRunning,
    isSettled: isRunning && wanted.every(({ hostId }) => hostId === "" || fit.has(hostId)),
    waiting: [...new Set(errors.map(({ error }) => error))].sort().join("; "),
    places: [...new Set(wanted.map(({ hostId }) => hostId).filter((id) => id !== ""))].sort(),
  };
}
