// What the agents of hosts measure, brought into the picture that plans are made from.

import type { HostSummary } from "../hosts/host.ts";
import type { SwarmHost, SwarmView } from "./swarm-view.ts";

/** By the id that the Swarm gave it, or by its name where HOSTS lists it. */
export const isNodeOf = ({ id, node }: HostSummary, host: SwarmHost): boolean =>
  node === undefined ? id === host.name : node.id === host.id;

/** A host whose agent does not answer is not measured. */
export function measured(view: SwarmView, watched: readonly HostSummary[]): SwarmView {
  const hosts = view.hosts.map((host) => {
    const known = watched.find((one) => isNodeOf(one, host));
    return known?.standing === "up" ? { ...host, ...measuresOf(known) } : host;
  });
  return { ...view, hosts };
}

function measuresOf({ load, capacity }: HostSummary): Pick<SwarmHost, "load" | "free"> {
  if (load === undefined || capacity === undefined || capacity.processors === 0) return {};
  const { processors, available } = capacity;
  const idle = Math.max(0, processors - load);
  return {
    load: load / processors,
    free: { nanoCpus: Math.round(idle * 1e9), memoryBytes: available },
  };
}
