// The engines of this coordinator: their watchers, the hands that act on them, and the specs that a recreation needs.

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../agent/io/clock.ts";
import type { Random } from "../proto/random.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { EngineNews } from "./core/engine-news.ts";
import type { SwarmNodes } from "./core/hosts/host.ts";
import { EngineActor } from "./docker/act.ts";
import { Carrier } from "./docker/carrier.ts";
import { NodeSwitch } from "./docker/availability.ts";
import { EngineClient } from "./docker/engines.ts";
import { OwnActions } from "./docker/own-actions.ts";
import { Recreator } from "./docker/recreate.ts";
import type { Relevance } from "./docker/relevance.ts";
import { SpecStore } from "./docker/spec-store.ts";
import { Mover } from "./docker/mover.ts";
import { ManagedSwarm } from "./docker/other-swarms.ts";
import { SwarmReader } from "./docker/swarm.ts";
import { SwarmNodesReader } from "./docker/swarm-nodes.ts";
import { EngineWatcher } from "./docker/watch.ts";
import type { HostSummary } from "./core/hosts/host.ts";
import type { Actor, LifeWatch } from "./jobs/ports.ts";

export interface EngineRoomAsk {
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onNews: (news: EngineNews) => void;
  readonly onNodes: (news: SwarmNodes) => void;
  /** What this coordinator concludes and measures of hosts. */
  readonly hosts: () => readonly HostSummary[];
  /** By which a container that was moved is seen to live. */
  readonly lifeWatch: LifeWatch;
}

export class EngineRoom {
  readonly actor: Actor;
  readonly mover: Mover;
  readonly carrier: Carrier;
  readonly swarm: SwarmReader;
  readonly clients: readonly EngineClient[];
  readonly nodeSwitch: NodeSwitch;
  /** Of SWARMS. */
  readonly otherSwarms: readonly ManagedSwarm[];
  readonly #watchers: readonly EngineWatcher[];
  readonly #nodes: readonly SwarmNodesReader[];
  readonly #recreator: Recreator;
  readonly #log: Logger;
  /** Engines that have answered since the start. */
  readonly #resumed = new Set<string>();
  #isStopping = false;

  constructor(ask: EngineRoomAsk) {
    const { config, clock, log } = ask;
    this.#log = log;
    const relevance: Relevance = {
      labels: config.workerLabels,
      names: config.staticWorkers.flatMap(({ container }) => container ?? []),
    };
    const own = new OwnActions(() => clock.now());
    const onProblem = (text: string): void => {
      log.warn({ problem: text }, "recreation");
    };
    const specs = new SpecStore(config.dataDir, onProblem);
    const { dataDir } = config;
    const now = (): number => clock.now();
    this.#recreator = new Recreator({ dataDir, specs, own, relevance, now, onProblem });
    this.clients = config.docker.engines.map((spec) => new EngineClient(spec));
    const reader = new SwarmReader(this.clients);
    this.swarm = reader;
    this.otherSwarms = config.docker.swarms.map((spec) => new ManagedSwarm(spec, now));
    this.mover = new Mover({ reader, labels: config.migration, hosts: ask.hosts, now, sleep });
    this.carrier = new Carrier({
      engines: this.clients,
      ...{ specs, own, relevance, now, hosts: ask.hosts, lifeWatch: ask.lifeWatch },
      wall: () => clock.wall(),
    });
    this.nodeSwitch = new NodeSwitch(this.clients);
    this.#nodes = this.clients.map((client) => new SwarmNodesReader(client, ask.onNodes));
    this.actor = new EngineActor({
      engines: this.clients,
      relevance,
      own,
      recreator: this.#recreator,
      now,
    });
    this.#watchers = this.clients.map(
      (client) =>
        new EngineWatcher({
          client,
          relevance,
          own,
          random: ask.random.fork(),
          emit: (news) => {
            if (news.kind === "engine-snapshot") this.#resume(news.host);
            ask.onNews(news);
          },
          onInspected: (host, raw) => {
            specs.onInspected(host, raw);
          },
        }),
    );
  }

  start(): void {
    for (const one of [...this.#watchers, ...this.#nodes]) one.start();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#watchers, ...this.#nodes].map((one) => one.stop()));
    for (const one of [...this.clients, ...this.otherSwarms]) one.close();
  }

  /** Once for each engine, when it has first answered: what a kill of this process broke off. */
  #resume(host: string): void {
    if (this.#isStopping || this.#resumed.has(host)) return;
    this.#resumed.add(host);
    const clients = this.clients.filter((client) => client.host === host);
    void this.#recreator
      .resumeRecreations(clients, () => !this.#isStopping)
      .then((results) => {
        for (const { worker, result } of results) {
          // Another engine's, which has its own turn.
          if (result.kind === "engine-unavailable") continue;
          this.#log.info({ worker, result }, "went on with a recreation that was broken off");
        }
      })
      .catch((error: unknown) => {
        this.#log.error({ err: error }, "a broken-off recreation could not be finished");
      });
  }
}
