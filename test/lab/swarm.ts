// A real Docker Swarm of several hosts on this machine: each an engine in a network namespace of its own, on one network, whose cables and power can be cut.

import { obedient } from "./containers.ts";
import { startEngine, type LabEngine } from "./engine.ts";
import { ensureImages, imageNames, type LabImage } from "./images.ts";
import { Lan, type Cut } from "./lan.ts";
import { isStopped, processesOf } from "./leftovers.ts";
import { nodesOf, runningOn, tasksOf, type RunningContainer } from "./swarm-view.ts";
import type { SwarmNode, SwarmTask } from "./swarm-view.ts";
import { until } from "../waiting.ts";

export interface SwarmOptions {
  /** How many; they are called h1, h2 … and have the addresses 10.77.0.1, 10.77.0.2 …; 3 unless given. */
  readonly hosts?: number;
  /** How many of them are managers, from h1 on; 1 unless given. */
  readonly managers?: number;
  /** Of the Swarm nodes, by the host's name. */
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Brought into every engine. */
  readonly images?: readonly LabImage[];
}

export interface SwarmHost {
  /** The machine's host name, and so the Swarm node's. */
  readonly name: string;
  readonly address: string;
  /** Answers on its own socket also while the host is cut off. */
  readonly engine: LabEngine;
  readonly nodeId: string;
  readonly isManager: boolean;
}

/** Resolves when every node is ready and every image is there. */
export async function startSwarm(options: SwarmOptions = {}): Promise<SwarmLab> {
  const names = Array.from({ length: options.hosts ?? 3 }, (_, at) => `h${at + 1}`);
  const lan = await Lan.create(names);
  const starting = names.map(async (name) => {
    const engine = await startEngine({ name, network: (netns) => lan.plug(name, netns) });
    return { name, engine, address: lan.address(name) };
  });
  const started = await Promise.allSettled(starting);
  const hosts = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    for (const one of started) if (one.status === "rejected") throw one.reason;
    const [ids] = await Promise.all([
      formSwarm(hosts, options),
      ...hosts.map(({ engine }) => ensureImages(engine, options.images ?? [])),
    ]);
    return new SwarmLab(
      lan,
      hosts.map((host, at) => ({
        ...host,
        nodeId: ids.get(host.name) ?? "",
        isManager: at < (options.managers ?? 1),
      })),
    );
  } catch (error) {
    await stopAll(lan, hosts);
    throw error;
  }
}

type Member = Pick<SwarmHost, "name" | "address" | "engine">;

/** The nodes' ids by their hosts' names. */
async function formSwarm(
  [first, ...others]: readonly Member[],
  { managers = 1, labels = {} }: SwarmOptions,
): Promise<ReadonlyMap<string, string>> {
  if (first === undefined) throw new Error("a Swarm needs one host at least");
  await ordered(first.engine, "swarm", "init", "--advertise-addr", first.address);
  const token = (role: string): Promise<string> =>
    ordered(first.engine, "swarm", "join-token", "--quiet", role);
  const tokens = { manager: await token("manager"), worker: await token("worker") };
  await Promise.all(
    others.map(({ engine, address }, at) => {
      const role = at + 1 < managers ? "manager" : "worker";
      const to = `${first.address}:2377`;
      const words = ["--advertise-addr", address, "--token", tokens[role], to];
      return ordered(engine, "swarm", "join", ...words);
    }),
  );
  for (const [name, own] of Object.entries(labels)) {
    const words = Object.entries(own).flatMap(([key, value]) => ["--label-add", `${key}=${value}`]);
    await ordered(first.engine, "node", "update", ...words, name);
  }
  const nodes = await until(
    "every node is ready",
    async () => {
      const known = await nodesOf(first.engine);
      const isReady = known.every(({ state }) => state === "ready");
      return isReady && known.length === others.length + 1 ? known : undefined;
    },
    30_000,
    50,
  );
  return new Map(nodes.map(({ name, id }) => [name, id]));
}

/** What the docker command line wrote; throws for an exit code. */
async function ordered(engine: LabEngine, ...words: readonly string[]): Promise<string> {
  const ran = await engine.docker(...words);
  if (ran.code !== 0) throw new Error(`${engine.name}: docker ${words.join(" ")}: ${ran.stderr}`);
  return ran.stdout.trim();
}

async function stopAll(lan: Lan, hosts: readonly Pick<SwarmHost, "engine">[]): Promise<void> {
  const end = async ({ engine }: Pick<SwarmHost, "engine">): Promise<void> => {
    // A member of a Swarm takes its leave for up to 10 s.
    await engine.powerOff();
    await engine.stop();
  };
  await Promise.all(hosts.map(end));
  await lan.stop();
}

export class SwarmLab {
  readonly hosts: readonly SwarmHost[];
  readonly #lan: Lan;
  readonly #off = new Set<string>();
  readonly #frozen = new Set<string>();

  constructor(lan: Lan, hosts: readonly SwarmHost[]) {
    this.#lan = lan;
    this.hosts = hosts;
  }

  host(name: string): SwarmHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** The first manager that nothing was done to. */
  get manager(): SwarmHost {
    const isSound = (name: string): boolean => this.#lan.isSound(name) && !this.#frozen.has(name);
    const sound = this.hosts.find(({ name, isManager }) => isManager && isSound(name));
    if (sound === undefined) throw new Error("no manager is on, awake and has a sound cable");
    return sound;
  }

  /** The docker command line on a manager; what it wrote. Throws for an exit code. */
  docker(...words: readonly string[]): Promise<string> {
    return ordered(this.manager.engine, ...words);
  }

  /**
   * `docker service create` with these words; its id, at once. By default each task is a busybox that ends at once on SIGTERM.
   * @param program the image and its command
   */
  createService(
    name: string,
    words: readonly string[] = [],
    program: readonly string[] = [imageNames.worker, ...obedient],
  ): Promise<string> {
    // No registry could be asked.
    const always = ["--detach", "--no-resolve-image", "--quiet", "--name", name];
    return this.docker("service", "create", ...always, ...words, ...program);
  }

  /** What a manager says of the service's tasks that should run and do. */
  async runningTasks(service: string): Promise<readonly SwarmTask[]> {
    const tasks = await tasksOf(this.manager.engine, service);
    return tasks.filter(({ desired, state }) => desired === "running" && state === "running");
  }

  /** Waits until a manager says that exactly so many run. */
  untilRunning(service: string, count: number, patience = 20_000): Promise<readonly SwarmTask[]> {
    return until(
      `${count} tasks of ${service} run`,
      async () => {
        const tasks = await this.runningTasks(service);
        return tasks.length === count ? tasks : undefined;
      },
      patience,
      50,
    );
  }

  async node(name: string): Promise<SwarmNode> {
    const nodes = await nodesOf(this.manager.engine);
    const node = nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`the Swarm has no node ${name}`);
    return node;
  }

  async untilNode(name: string, state: string, patience = 40_000): Promise<void> {
    const isSo = async (): Promise<boolean> => (await this.node(name)).state === state;
    await until(`${name} is ${state}`, async () => (await isSo()) || undefined, patience, 50);
  }

  /** The service's containers that really run there, asked of the host's own engine; none on one without power. */
  async containers(host: string, service: string): Promise<readonly RunningContainer[]> {
    const running = await this.containersOn(host);
    return running.filter((container) => container.service === service);
  }

  /** Of all services. */
  async containersOn(host: string): Promise<readonly RunningContainer[]> {
    return this.#off.has(host) ? [] : runningOn(this.host(host).engine);
  }

  /** Resolves when it is in force, on top of what was wrong with the host before. */
  cut(host: string, way: Cut = "link"): Promise<void> {
    return this.#lan.harm(this.host(host).name, { cut: way });
  }

  /**
   * Packets to and from the host are lost with this probability, in one direction or in both. For loss in the whole
   * network `in` at every host: each packet arrives at one.
   */
  lose(host: string, probability: number, way: Exclude<Cut, "link"> = "both"): Promise<void> {
    return this.#lan.harm(this.host(host).name, { cut: way, probability });
  }

  /** Ends every cut and loss of this host. */
  heal(host: string): Promise<void> {
    return this.#lan.heal(this.host(host).name);
  }

  /** The host loses its power: nobody on it says goodbye. Its disk stays. */
  async powerOff(host: string): Promise<void> {
    this.#off.add(host);
    this.#frozen.delete(host);
    await this.#lan.unplug(host);
    await this.host(host).engine.powerOff();
  }

  /**
   * Stops every process of the host, engine, containers and all; only its kernel still acknowledges what arrives.
   * Resolves when none runs on. For the engine alone there is `engine.pause()`.
   */
  async freeze(host: string): Promise<void> {
    this.#frozen.add(host);
    const { netns } = this.host(host).engine;
    const isStill = (): boolean => {
      // Again each time: one may have started another meanwhile.
      this.#signal(host, "SIGSTOP");
      return processesOf(netns).every(isStopped);
    };
    await until(`${host} stands still`, () => isStill() || undefined, 5_000);
  }

  thaw(host: string): void {
    this.#frozen.delete(host);
    this.#signal(host, "SIGCONT");
  }

  #signal(host: string, signal: NodeJS.Signals): void {
    for (const pid of processesOf(this.host(host).engine.netns)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended.
      }
    }
  }

  /** Resolves when its engine answers. */
  async powerOn(host: string): Promise<void> {
    await this.host(host).engine.powerOn();
    this.#off.delete(host);
  }

  /** Idempotent; also right after a failure. */
  stop(): Promise<void> {
    return stopAll(this.#lan, this.hosts);
  }
}
