// Which hosts have room for how many more tasks of a service, and why the others have none: Swarm's own filters, asked beforehand.

import { satisfies, type Constraint } from "./constraints.ts";
import {
  byName,
  isUsable,
  isWanted,
  type Resources,
  type ServicePort,
  type SwarmHost,
  type SwarmService,
  type SwarmTask,
  type SwarmView,
} from "./swarm-view.ts";

export interface Room {
  readonly host: SwarmHost;
  /** How many more tasks fit; Infinity where nothing bounds them. */
  readonly count: number;
  /** Why not more: what bounds it first; empty where nothing does. */
  readonly reason: string;
}

interface Load {
  tasks: number;
  readonly byService: Map<string, number>;
  /** Which services have a port of the host in use, by `80/tcp`. */
  readonly ports: Map<string, Set<SwarmService>>;
  nanoCpus: number;
  memoryBytes: number;
}

export class Ground {
  readonly hosts: readonly SwarmHost[];
  readonly services: readonly SwarmService[];
  readonly #services: ReadonlyMap<string, SwarmService>;
  readonly #tasks = new Map<string, SwarmTask[]>();
  readonly #loads = new Map<string, Load>();
  readonly #images = new Map<string, Set<string>>();

  constructor(view: SwarmView) {
    this.hosts = view.hosts.toSorted(byName);
    this.services = view.services.toSorted(byName);
    this.#services = new Map(view.services.map((service) => [service.id, service]));
    for (const { id } of view.hosts) {
      const none = { tasks: 0, nanoCpus: 0, memoryBytes: 0 };
      this.#loads.set(id, { ...none, byService: new Map(), ports: new Map() });
    }
    for (const task of view.tasks) {
      const own = this.#tasks.get(task.serviceId) ?? [];
      own.push(task);
      this.#tasks.set(task.serviceId, own);
      if (isWanted(task)) this.#add(task.hostId, task.serviceId, task.reservations);
      if (task.state === "running") setOf(this.#images, task.image).add(task.hostId);
    }
  }

  tasksOf({ id }: SwarmService): readonly SwarmTask[] {
    return this.#tasks.get(id) ?? [];
  }

  hostNamed(id: string): string {
    return this.hosts.find((host) => host.id === id)?.name ?? id;
  }

  /** The ids of hosts where a task of this very image runs now. */
  hostsRunning(image: string): ReadonlySet<string> {
    return this.#images.get(image) ?? new Set();
  }

  /** Tasks that run or are about to. */
  tasksOn(host: SwarmHost): number {
    return this.#loads.get(host.id)?.tasks ?? 0;
  }

  /** What no task has reserved; undefined where the host does not say what it has. */
  unreservedOn({ id, resources }: SwarmHost): Resources | undefined {
    const load = this.#loads.get(id);
    if (load === undefined || resources.memoryBytes === 0) return undefined;
    return {
      nanoCpus: resources.nanoCpus - load.nanoCpus,
      memoryBytes: resources.memoryBytes - load.memoryBytes,
    };
  }

  /** Of every host that the picture has, in the order of their names. */
  roomsFor(service: SwarmService, constraints: readonly Constraint[]): readonly Room[] {
    return this.hosts.map((host) => this.#roomOn(host, service, constraints));
  }

  /** These replicas are going there: services that are planned afterwards find less room. */
  reserve(service: SwarmService, hosts: readonly SwarmHost[]): void {
    for (const { id } of hosts) this.#add(id, service.id, service.reservations);
  }

  /** The first of its ports of the host that another service has there, as `8080/tcp of web`. */
  #takenPort(host: SwarmHost, service: SwarmService): string | undefined {
    const taken = this.#loads.get(host.id)?.ports;
    for (const port of fixedHostPorts(service)) {
      const [other] = [...(taken?.get(portText(port)) ?? [])]
        .filter(({ id }) => id !== service.id)
        .sort(byName);
      if (other !== undefined) return `${portText(port)} of ${other.name}`;
    }
    return undefined;
  }

  #roomOn(host: SwarmHost, service: SwarmService, constraints: readonly Constraint[]): Room {
    const none = (reason: string): Room => ({ host, count: 0, reason });
    if (host.state !== "ready") return none(`it is ${host.state}`);
    if (!isUsable(host)) return none(`its availability is ${host.availability}`);
    const broken = constraints.find((constraint) => !satisfies(host, constraint));
    if (broken !== undefined) return none(`it does not satisfy ${broken.text}`);
    if (!hasPlatform(host, service)) return none(`the image does not run on ${platformText(host)}`);
    const driver = missingDriver(host, service);
    if (driver !== undefined) return none(`it has no volume driver ${driver}`);
    const taken = this.#takenPort(host, service);
    if (taken !== undefined) return none(`port ${taken} is taken there`);
    const bounds = [
      this.#portBound(host, service),
      this.#replicaBound(host, service),
      this.#resourceBound(host, service),
    ];
    const least = bounds.reduce((a, b) => (b.count < a.count ? b : a));
    return { host, ...least };
  }

  #portBound(host: SwarmHost, service: SwarmService): Bound {
    const [port] = fixedHostPorts(service);
    if (port === undefined) return unbound;
    const count = Math.max(0, 1 - this.#runningOf(host, service));
    return { count, reason: `port ${portText(port)} fits once on a host` };
  }

  #replicaBound(host: SwarmHost, service: SwarmService): Bound {
    const most = service.maxReplicasPerHost;
    if (most === 0) return unbound;
    const running = this.#runningOf(host, service);
    return {
      count: Math.max(0, most - running),
      reason: `max_replicas_per_node is ${most}, and it runs ${running}`,
    };
  }

  #resourceBound(host: SwarmHost, { reservations }: SwarmService): Bound {
    const left = this.unreservedOn(host);
    if (left === undefined) return unbound;
    const byMemory = fitting(left.memoryBytes, reservations.memoryBytes);
    const byCpus = fitting(left.nanoCpus, reservations.nanoCpus);
    return byMemory <= byCpus
      ? {
          count: byMemory,
          reason: `${bytesText(left.memoryBytes)} of memory are unreserved, and a replica reserves ${bytesText(reservations.memoryBytes)}`,
        }
      : {
          count: byCpus,
          reason: `${cpusText(left.nanoCpus)} processors are unreserved, and a replica reserves ${cpusText(reservations.nanoCpus)}`,
        };
  }

  #runningOf(host: SwarmHost, service: SwarmService): number {
    return this.#loads.get(host.id)?.byService.get(service.id) ?? 0;
  }

  #add(hostId: string, serviceId: string, reserved: Resources): void {
    const load = this.#loads.get(hostId);
    if (load === undefined) return;
    load.tasks++;
    load.byService.set(serviceId, (load.byService.get(serviceId) ?? 0) + 1);
    load.nanoCpus += reserved.nanoCpus;
    load.memoryBytes += reserved.memoryBytes;
    const service = this.#services.get(serviceId);
    if (service === undefined) return;
    for (const port of fixedHostPorts(service)) setOf(load.ports, portText(port)).add(service);
  }
}

function setOf<Value>(sets: Map<string, Set<Value>>, key: string): Set<Value> {
  const known = sets.get(key);
  if (known !== undefined) return known;
  const made = new Set<Value>();
  sets.set(key, made);
  return made;
}

interface Bound {
  readonly count: number;
  readonly reason: string;
}

const unbound: Bound = { count: Infinity, reason: "" };

/** How many of this size; a size of 0 is no bound. */
const fitting = (left: number, each: number): number =>
  each === 0 ? Infinity : Math.max(0, Math.floor(left / each));

/** Those that can be in use only once on a host. */
export const fixedHostPorts = ({ ports }: SwarmService): readonly ServicePort[] =>
  ports.filter(({ mode, published }) => mode === "host" && published > 0);

/** `80/tcp` */
export const portText = ({ published, protocol }: ServicePort): string =>
  `${published}/${protocol}`;

function hasPlatform(host: SwarmHost, { platforms }: SwarmService): boolean {
  const isSame = (wanted: string, own: string): boolean =>
    wanted === "" || architecture(wanted) === architecture(own);
  return (
    platforms.length === 0 ||
    platforms.some(({ os, arch }) => isSame(os, host.os) && isSame(arch, host.arch))
  );
}

/** Images and kernels have different words for the same. */
function architecture(word: string): string {
  const lower = word.toLowerCase();
  if (lower === "x86_64") return "amd64";
  return lower === "aarch64" ? "arm64" : lower;
}

const platformText = ({ os, arch }: SwarmHost): string => `${os}/${arch}`;

/** A plugin's name may be written with or without its tag. */
function missingDriver(host: SwarmHost, { mounts }: SwarmService): string | undefined {
  if (host.volumeDrivers.length === 0) return undefined;
  const tagged = (name: string): string => (name.includes(":") ? name : `${name}:latest`);
  const known = new Set(host.volumeDrivers.map(tagged));
  return mounts
    .filter(({ type, driver }) => type === "volume" && driver !== "" && driver !== "local")
    .map(({ driver }) => driver)
    .find((driver) => !known.has(tagged(driver)));
}

/** `1.5 GiB`, `200 MiB`. */
function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1024
    ? `${Math.round(mebibytes / 102.4) / 10} GiB`
    : `${Math.round(mebibytes)} MiB`;
}

const cpusText = (nanoCpus: number): string => String(Math.round(nanoCpus / 1e7) / 100);
