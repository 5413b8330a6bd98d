// The whole of a run: engines with workers and agents, Redis, and coordinators, each a process of the product on simulated edges.

import type { Logger } from "pino";
import { parseAgentConfig } from "../../agent/config.ts";
import { RunningAgent } from "../../agent/running-agent.ts";
import { parseConfig } from "../../coordinator/config.ts";
import { RunningCoordinator } from "../../coordinator/running-coordinator.ts";
import { SimEngine, type SimContainer } from "./engine.ts";
import { setSurroundings, type Disk, type Surroundings } from "./host-of.ts";
import { Loop } from "./loop.ts";
import { Network, newNamespace, type Namespace } from "./network.ts";
import type { Arrangement, SimOptions } from "./options.ts";
import { SimProcess, type ProcessClock } from "./process.ts";
import { RedisServer } from "./redis-server.ts";
import type { World } from "./world.ts";

export interface SimWorker {
  /** `<host>/<container name>` */
  readonly id: string;
  readonly name: string;
  readonly arrangement: Arrangement;
  readonly engine: SimEngine;
  readonly container: SimContainer;
  readonly agent: SimContainer | undefined;
  /** How long each of its runs lasts; undefined: until something happens. */
  livesFor: number | undefined;
  /** When a person last stopped it. */
  stoppedAt: number | undefined;
}

export interface SimCoordinator {
  readonly id: string;
  readonly disk: Disk;
  readonly clock: ProcessClock;
  process: SimProcess | undefined;
  running: RunningCoordinator | undefined;
}

/** A process's own begin, between its container's start and its first line. */
const boots = {
  coordinator: { low: 100, high: 400 },
  agent: { low: 60, high: 160 },
  worker: { low: 30, high: 250 },
};

export class SimCluster {
  readonly world: World;
  readonly options: SimOptions;
  readonly network: Network;
  readonly redis: RedisServer;
  readonly engines = new Map<string, SimEngine>();
  readonly workers: SimWorker[] = [];
  readonly coordinators: SimCoordinator[] = [];
  /** The agent of each running agent container. */
  readonly agents = new Map<SimContainer, SimProcess>();
  /** In which network namespace each running container stands. */
  readonly standsIn = new Map<SimContainer, Namespace | undefined>();
  readonly fatal: string[] = [];
  readonly #byContainer = new Map<SimContainer, SimWorker>();
  /** What hears of each worker's begins and ends: its agent. */
  readonly #lifeListeners = new Map<SimWorker, () => void>();

  constructor(world: World, options: SimOptions) {
    this.world = world;
    this.options = options;
    const { loss, repeated, tail, bursts, delay } = options.weather;
    const weather = { loss, repeated, tail, bursts, delay: { low: delay * 0.3, high: delay } };
    this.network = new Network(world, weather);
    const rollsBack = options.faults.includes("redis-roll-back");
    this.redis = new RedisServer(world, this.network, rollsBack);
    for (let host = 1; host <= options.hosts; host++) this.#buildEngine(`h${host}`);
    for (let index = 0; index < options.workers; index++) this.#buildWorker(index);
    const { coordinators, newcomers = 0 } = options;
    for (let index = 1; index <= coordinators + newcomers; index++) this.#buildCoordinator(index);
  }

  workerOf(container: SimContainer): SimWorker | undefined {
    return this.#byContainer.get(container);
  }

  startCoordinator(one: SimCoordinator): void {
    if (one.process?.alive === true) return;
    const process = new SimProcess(this.world, one.id, one.clock);
    one.process = process;
    const address = addressOf(one.id);
    const namespace = newNamespace();
    this.network.namespaces.set(address, namespace);
    setSurroundings(process, this.#surroundings({ namespace, address, disk: one.disk }));
    const main = new Loop(process);
    main.enter(() => {
      const running = new RunningCoordinator(this.#configOf(one.id), this.#logOf(process), () => {
        this.fatal.push(`${one.id}: its mesh thread died`);
      });
      one.running = running;
      running.start().catch((error: unknown) => {
        if (process.alive) this.fatal.push(`${one.id} did not start: ${String(error)}`);
      });
    });
    this.world.tell(`${one.id} starts`);
  }

  /** SIGTERM; it ends itself within 5 s. */
  stopCoordinator(one: SimCoordinator): void {
    const { process, running } = one;
    if (process?.alive !== true || running === undefined) return;
    const end = (): void => {
      process.kill();
    };
    process.loops[0]?.enter(() => void running.stop().then(end));
    this.world.after(12_000, end);
  }

  restartSoon(one: SimCoordinator, away: number): void {
    const { low, high } = boots.coordinator;
    this.world.after(away + this.world.random.between(low, high), () => {
      this.startCoordinator(one);
    });
  }

  /** A person's `docker stop`. */
  stopWorker(worker: SimWorker): void {
    const { container, engine } = worker;
    engine.inLine(container, (done) => {
      // Whoever does not hear of the kill takes it for a crash.
      const isHeard = engine.eventFaults.lost === 0;
      if (container.state === "running" && isHeard) worker.stoppedAt = this.world.now;
      container.isStoppedByHand = true;
      engine.stop(container, 10_000, done);
    });
  }

  /** @returns what ends that very pause; undefined where it does not run */
  pauseWorker({ container, engine }: SimWorker): (() => void) | undefined {
    if (container.state !== "running") return undefined;
    container.state = "paused";
    engine.emit(container, "pause");
    const { life } = container;
    return () => {
      if (container.life === life) this.unpauseWorker({ container, engine });
    };
  }

  unpauseWorker({ container, engine }: Pick<SimWorker, "container" | "engine">): void {
    if (container.state !== "paused") return;
    container.state = "running";
    engine.emit(container, "unpause");
  }

  /** What a check finds: true answers, false is refused, undefined hangs. */
  answerOf(worker: SimWorker): boolean | undefined {
    const { container } = worker;
    if (container.state === "paused" || container.isHung) return undefined;
    if (container.state !== "running") return false;
    const bootTime =
      boots.worker.low + ((worker.name.length * 37) % (boots.worker.high - boots.worker.low));
    return this.world.now - container.runsSince >= bootTime;
  }

  /** Whether its user would say that it works: it runs, answers, and stands in a living network. */
  isWell(worker: SimWorker): boolean {
    const { container, agent, engine } = worker;
    if (this.answerOf(worker) !== true) return false;
    const owner = engine.ownerOf(container);
    if (owner === undefined) return false;
    const namespace = this.network.namespaces.get(owner.address);
    if (this.standsIn.get(container) !== namespace || namespace === undefined) return false;
    if (agent === undefined) return true;
    const process = this.agents.get(agent);
    if (process?.alive !== true || process.loops.some((loop) => loop.blockedUntil > this.world.now))
      return false;
    return agent.state === "running" && this.standsIn.get(agent) === namespace;
  }

  #buildEngine(host: string): void {
    const engine = new SimEngine(this.world, host, this.network, {
      onStarted: (container) => {
        this.#onStarted(engine, container);
      },
      onEnded: (container) => {
        this.#onEnded(container);
      },
    });
    this.engines.set(host, engine);
  }

  #buildWorker(index: number): void {
    const { hosts, arrangements, restartPolicies } = this.options;
    const engine = this.engines.get(`h${1 + (index % hosts)}`);
    const arrangement = arrangements[index % arrangements.length];
    if (engine === undefined || arrangement === undefined)
      throw new Error("no engine, no arrangement");
    const name = `w${index + 1}`;
    const address = `10.1.${Math.floor(index / 200)}.${1 + (index % 200)}`;
    this.network.names.set(address, name);
    const policies = ["no", "always", "unless-stopped", "on-failure"] as const;
    const restartPolicy = restartPolicies ? (policies[index % 4] ?? "no") : "no";
    const check = arrangement === "checked" ? { "heartmesh.check": `http://${address}:80/` } : {};
    const ownLabels = { role: "node", ...check };
    const agentLabels = { "heartmesh.agent": "true", "heartmesh.worker": name };
    const agentName = `${name}-agent`;
    const base = { address, restartPolicy, labels: ownLabels } as const;
    const agentBase = {
      address,
      restartPolicy: "no",
      labels: agentLabels,
      name: agentName,
    } as const;
    let container: SimContainer;
    let agent: SimContainer | undefined;
    if (arrangement === "around") {
      agent = engine.create({ ...agentBase, networkMode: "bridge" });
      container = engine.create({ ...base, name, networkMode: `container:${agent.id}` });
    } else {
      container = engine.create({ ...base, name, networkMode: "bridge" });
      if (arrangement === "inside") {
        agent = engine.create({ ...agentBase, networkMode: `container:${container.id}` });
      }
    }
    const worker: SimWorker = {
      id: `${engine.host}/${name}`,
      name,
      arrangement,
      engine,
      container,
      agent,
      livesFor: undefined,
      stoppedAt: undefined,
    };
    this.workers.push(worker);
    this.#byContainer.set(container, worker);
    if (agent !== undefined) this.#byContainer.set(agent, worker);
    for (const one of arrangement === "around" ? [agent, container] : [container, agent]) {
      if (one !== undefined) engine.run(one);
    }
  }

  #buildCoordinator(index: number): void {
    const { random } = this.world;
    const { drift } = this.options;
    const id = `c${index}`;
    this.network.names.set(addressOf(id), id);
    const one: SimCoordinator = {
      id,
      disk: { ballot: undefined, state: "fine" },
      clock: { rate: 1 + drift * random.between(-1, 1), offset: random.between(0, 1e6) },
      process: undefined,
      running: undefined,
    };
    this.coordinators.push(one);
    this.restartSoon(one, 0);
  }

  #onStarted(engine: SimEngine, container: SimContainer): void {
    const owner = engine.ownerOf(container);
    const namespace = owner === undefined ? undefined : this.network.namespaces.get(owner.address);
    this.standsIn.set(container, namespace);
    const worker = this.#byContainer.get(container);
    // Called for the first time before the worker is known: its agent is made together with it.
    const isAgent = Object.hasOwn(container.labels, "heartmesh.agent");
    const { life } = container;
    if (isAgent) {
      const { low, high } = boots.agent;
      this.world.after(this.world.random.between(low, high), () => {
        if (container.life === life && namespace !== undefined)
          this.#startAgent(container, namespace);
      });
      return;
    }
    if (worker === undefined) return;
    this.#lifeListeners.get(worker)?.();
    if (worker.livesFor === undefined) return;
    this.world.after(worker.livesFor, () => {
      if (container.life === life) engine.end(container, 1);
    });
  }

  #onEnded(container: SimContainer): void {
    this.agents.get(container)?.kill();
    this.agents.delete(container);
    this.standsIn.delete(container);
    const worker = this.#byContainer.get(container);
    if (worker?.container === container) this.#lifeListeners.get(worker)?.();
  }

  #startAgent(container: SimContainer, namespace: Namespace): void {
    const worker = this.#byContainer.get(container);
    if (worker === undefined) return;
    const { random } = this.world;
    const clock = {
      rate: 1 + this.options.drift * random.between(-1, 1),
      offset: random.between(0, 1e6),
    };
    const process = new SimProcess(this.world, container.name, clock);
    const { address } = container;
    const isBeside = (): boolean => this.standsIn.get(worker.container) === namespace;
    this.#lifeListeners.delete(worker);
    setSurroundings(process, {
      ...this.#surroundings({ namespace, address, disk: undefined }),
      workerAnswers: () => (isBeside() ? this.answerOf(worker) : false),
      workerProcess: () => (isBeside() ? `${worker.container.life}@1` : undefined),
      onWorkerLife: (listener) => {
        this.#lifeListeners.set(worker, listener);
      },
    });
    this.agents.set(container, process);
    new Loop(process).enter(() => {
      const parsed = parseAgentConfig(
        {
          WORKER_NAME: worker.name,
          WORKER_CHECK: "http://127.0.0.1:80/",
          COORDINATORS: this.#coordinatorList(""),
          MESH_INSECURE: "1",
          ...(this.options.obituaries === true ? { WORKER_PROCESS: "worker" } : {}),
        },
        () => ({ ok: false, failure: "unreadable" }),
      );
      if (!parsed.ok) throw new Error(parsed.problems.join("; "));
      new RunningAgent(parsed.config).start().catch((error: unknown) => {
        if (process.alive) this.fatal.push(`${container.name} did not start: ${String(error)}`);
      });
    });
  }

  #surroundings(own: Pick<Surroundings, "namespace" | "address" | "disk">): Surroundings {
    const { network, redis, engines } = this;
    return {
      ...own,
      network,
      redis,
      engines,
      workerAnswers: (address) => {
        const name = network.names.get(address);
        const worker = this.workers.find((one) => one.name === name);
        return worker === undefined ? false : this.answerOf(worker);
      },
      workerProcess: () => undefined,
      onWorkerLife: () => undefined,
    };
  }

  /** A newcomer names itself too. */
  #coordinatorList(self: string): string {
    const ids = Array.from({ length: this.options.coordinators }, (_, index) => `c${index + 1}`);
    if (self !== "" && !ids.includes(self)) ids.push(self);
    return ids.map((id) => `${id}=${addressOf(id)}:7700`).join(",");
  }

  #configOf(id: string): ConstructorParameters<typeof RunningCoordinator>[0] {
    const engines = [...this.engines.keys()].map((host) => `${host}=tcp://${host}:2375`);
    const parsed = parseConfig(
      {
        COORDINATOR_ID: id,
        COORDINATORS: this.#coordinatorList(id),
        MESH_INSECURE: "1",
        REDIS_URL: "redis://redis:6379",
        DATA_DIR: "/nowhere",
        HTTP_HOST: "127.0.0.1",
        DOCKER_HOST: engines.join(","),
        ...this.options.env,
      },
      () => undefined,
    );
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    return parsed.config;
  }

  #logOf(process: SimProcess): Logger {
    const quiet = (): void => undefined;
    const say = (fields: unknown, text?: string): void => {
      if (process.alive) this.world.tell(`${process.name}: ${text ?? ""} ${brief(fields)}`);
    };
    const fatal = (fields: unknown, text?: string): void => {
      if (process.alive) this.fatal.push(`${process.name}: ${text ?? ""} ${brief(fields)}`);
    };
    return {
      trace: quiet,
      debug: quiet,
      info: say,
      warn: say,
      error: say,
      fatal,
    } as unknown as Logger;
  }
}

function brief(fields: unknown): string {
  if (typeof fields === "string") return fields;
  const text = JSON.stringify(fields, (key, value: unknown) =>
    key === "news" && typeof value === "object" ? (value as { kind: string }).kind : value,
  );
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

/** Of a coordinator. */
export const addressOf = (id: string): string => `10.0.0.${id.slice(1)}`;
