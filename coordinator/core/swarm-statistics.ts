// The numbers of a Swarm: how much there is, how much runs, how much is used. Pure.

import type { SwarmStatistics } from "../../proto/swarm-rest.ts";
import type { HostSummary } from "./hosts/host.ts";
import { countTasks, type SwarmRows } from "./swarm-grades.ts";

export interface Used {
  /** Busy ones, on average. */
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes that its containers wrote; null where that is not known. */
  readonly disk: number | null;
}

/** Of one node whose engine could be asked. */
export interface NodeUsage {
  readonly node: string;
  /** Bytes of images, containers and volumes. */
  readonly disk: number | null;
  /** By the service's id. */
  readonly services: ReadonlyMap<string, Used>;
}

/** @param hosts what their agents tell */
export function statisticsOf(
  { nodes, services, tasks }: SwarmRows,
  usages: readonly NodeUsage[],
  hosts: readonly Pick<HostSummary, "node" | "load" | "capacity">[],
  timestamp: string,
): SwarmStatistics {
  const { running, failed, pending } = countTasks(tasks);
  const managers = nodes.filter(({ role }) => role === "manager").length;
  return {
    nodes: {
      total: nodes.length,
      ready: nodes.filter(({ state }) => state === "ready").length,
      managers,
      workers: nodes.length - managers,
    },
    services: {
      total: services.length,
      replicasDesired: sum(services.map(({ desired }) => desired)),
      replicasRunning: sum(services.map((one) => one.running)),
    },
    tasks: {
      running,
      failed,
      pending,
      successRate: running + failed === 0 ? 1 : running / (running + failed),
    },
    eachNode: nodes.map(({ id, hostname, processors, memory, runningTasks }) => {
      const host = hosts.find(({ node }) => node?.id === id);
      const usage = usages.find(({ node }) => node === id);
      return {
        ...{ id, hostname, processors, memory, runningTasks },
        load: host?.load ?? null,
        memoryAvailable: host?.capacity?.available ?? null,
        diskUsed: usage?.disk ?? null,
      };
    }),
    eachService: services.map(({ id, name, desired, running: run }) => ({
      ...{ id, name, desired, running: run },
      ...usedBy(id, usages),
    })),
    timestamp,
  };
}

/** Of the nodes whose engines could be asked; null where none of them runs it. */
function usedBy(
  service: string,
  usages: readonly NodeUsage[],
): {
  readonly processorsUsed: number | null;
  readonly memoryUsed: number | null;
  readonly diskUsed: number | null;
} {
  const all = usages.flatMap(({ services }) => services.get(service) ?? []);
  if (all.length === 0) return { processorsUsed: null, memoryUsed: null, diskUsed: null };
  const disks = all.flatMap(({ disk }) => disk ?? []);
  return {
    processorsUsed: sum(all.map(({ processors }) => processors)),
    memoryUsed: sum(all.map(({ memory }) => memory)),
    diskUsed: disks.length === 0 ? null : sum(disks),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
