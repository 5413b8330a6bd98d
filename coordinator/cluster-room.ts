// Everything that clusters of containers need, composed: the log in Redis, hands on engines, the executor and the desk of the API.

import type { Logger } from "pino";
import type { Clock } from "../agent/io/clock.ts";
import type { Term } from "../proto/units.ts";
import { Desk, type ClusterDesk } from "./clusters/desk.ts";
import { EngineBook } from "./clusters/engine-book.ts";
import type { Marks } from "./clusters/engine-hands.ts";
import { ClusterExecutor, type CallEnded } from "./clusters/executor.ts";
import { ClusterHands } from "./clusters/hands.ts";
import type { ClusterLog } from "./clusters/log.ts";
import { Rounds } from "./clusters/rounds.ts";
import { SwarmHands } from "./clusters/swarm-hands.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { HostSummary } from "./core/hosts/host.ts";
import type { CoordinatorSummary } from "./core/summary.ts";
import type { EngineClient } from "./docker/engines.ts";
import type { SwarmReader } from "./docker/swarm.ts";

export interface ClusterRoomAsk {
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of DOCKER_HOST, in its order. */
  readonly clients: readonly EngineClient[];
  readonly swarm: SwarmReader;
  /** There once Redis is. */
  readonly clusterLog: ClusterLog;
  readonly summary: () => CoordinatorSummary | undefined;
  readonly holdsLease: () => boolean;
  readonly onEnded: (ended: CallEnded) => void;
}

export class ClusterRoom {
  readonly desk: ClusterDesk;
  readonly #book: EngineBook;
  readonly #executor: ClusterExecutor;

  constructor(ask: ClusterRoomAsk) {
    const { config, clock, clients, clusterLog: log, onEnded } = ask;
    const marks = marksOf(config);
    this.#book = new EngineBook(clients, config.docker.engines);
    const { nodeImage } = config.clusters;
    const engines = new ClusterHands({ book: this.#book, marks, nodeImage });
    const swarm = new SwarmHands({ read: () => ask.swarm.read(), engines: clients, marks });
    const leads = (): Term | undefined => {
      const summary = ask.summary();
      return summary?.role === "leader" && ask.holdsLease() ? summary.term : undefined;
    };
    const loadOfEngine = (engine: string): number | undefined =>
      loadOf(ask.summary()?.hosts ?? [], engine);
    const rounds = new Rounds({
      hands: engines,
      clock,
      loadOfEngine: (engine) => loadOfEngine(engine) ?? 0,
    });
    const onProblem = (text: string): void => {
      ask.log.warn({ problem: text }, "clusters of containers");
    };
    const work = { log, engines, swarm, rounds, clock, leads, onEnded, onProblem };
    this.#executor = new ClusterExecutor(work);
    const executor = this.#executor;
    this.desk = new Desk({ log, executor, engines, swarm, clock, leads, loadOfEngine });
  }

  start(): void {
    this.#executor.start();
  }

  stop(): void {
    this.#executor.stop();
    this.#book.close();
  }
}

function marksOf({ clusterId, workerLabels }: CoordinatorConfig): Marks {
  const [first] = workerLabels;
  const watch = first === undefined ? {} : { [first.key]: first.value ?? "true" };
  return { mesh: clusterId, watch };
}

/** Per processor, as the agent of that host tells. */
function loadOf(hosts: readonly HostSummary[], engine: string): number | undefined {
  const host = hosts.find(({ id, node }) => id === engine || node?.hostname === engine);
  if (host?.load === undefined) return undefined;
  return host.load / Math.max(1, host.capacity?.processors ?? 1);
}
