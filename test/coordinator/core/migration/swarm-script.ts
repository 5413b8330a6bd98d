// Pictures of a Swarm for tests: hosts h1, h2 … and services whose tasks stand where they are put.

import type {
  SwarmHost,
  SwarmService,
  SwarmTask,
  SwarmView,
} from "../../../../coordinator/core/migration/swarm-view.ts";

const gibibyte = 2 ** 30;

export const none = { nanoCpus: 0, memoryBytes: 0 };
export const memory = (gibibytes: number) => ({ nanoCpus: 0, memoryBytes: gibibytes * gibibyte });

/** Ready and empty, with 8 GiB and 4 processors; its id is `id-<name>`. */
export const host = (name: string, some: Partial<SwarmHost> = {}): SwarmHost => ({
  id: `id-${name}`,
  name,
  role: "worker",
  availability: "active",
  state: "ready",
  address: `10.0.0.${name.replace(/\D/g, "")}`,
  labels: {},
  engineLabels: {},
  os: "linux",
  arch: "x86_64",
  resources: { nanoCpus: 4e9, memoryBytes: 8 * gibibyte },
  volumeDrivers: ["local"],
  ...some,
});

/** With `node.labels.type` set. */
export const typed = (name: string, type: string, some: Partial<SwarmHost> = {}): SwarmHost =>
  host(name, { labels: { type }, ...some });

export const service = (name: string, some: Partial<SwarmService> = {}): SwarmService => ({
  id: `id-${name}`,
  name,
  version: 7,
  labels: {},
  containerLabels: {},
  mode: "replicated",
  replicas: 1,
  constraints: [],
  maxReplicasPerHost: 0,
  platforms: [],
  reservations: none,
  genericReservations: [],
  mounts: [],
  ports: [],
  stopGracePeriod: 10_000,
  image: `${name}:1`,
  updateConfig: undefined,
  updateState: "",
  ...some,
});

/** Running there; a host's name of `""` means that it waits for one. */
export function task(
  of: SwarmService,
  slot: number,
  hostName: string,
  some: Partial<SwarmTask> = {},
): SwarmTask {
  return {
    id: `${of.name}.${slot}.${hostName}`,
    serviceId: of.id,
    slot,
    hostId: hostName === "" ? "" : `id-${hostName}`,
    desired: "running",
    state: hostName === "" ? "pending" : "running",
    error: "",
    image: of.image,
    reservations: of.reservations,
    ...some,
  };
}

/** One replica on each of these hosts, in slots 1, 2 … */
export const tasksOn = (of: SwarmService, ...hosts: readonly string[]): SwarmTask[] =>
  hosts.map((name, at) => task(of, at + 1, name));

export const view = (
  hosts: readonly SwarmHost[],
  services: readonly SwarmService[],
  tasks: readonly SwarmTask[],
): SwarmView => ({ hosts, services, tasks });
