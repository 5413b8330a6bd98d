// A whole coordinator: engines, Redis, mesh thread, notifications and HTTP, started bottom-up and stopped top-down.

import { hostname } from "node:os";
import type { Logger } from "pino";
import { freshBootId, freshSeed } from "../agent/io/chance.ts";
import { systemClock } from "../agent/io/clock.ts";
import { KeyFile } from "../agent/io/key-file.ts";
import type { KeyRing } from "../proto/key-ring.ts";
import { Random } from "../proto/random.ts";
import { incarnation } from "../proto/units.ts";
import { startCheckPort, type RunningCheckPort } from "./api/check-port.ts";
import { ClusterRoom } from "./cluster-room.ts";
import { startHttp, type RunningHttp } from "./api/server.ts";
import type { CoordinatorConfig } from "./config.ts";
import { Plane } from "./control-plane.ts";
import type { EngineNews } from "./core/engine-news.ts";
import { eventOf, type CoreEvent, type MeshEvent } from "./core/event.ts";
import type { JobNews } from "./core/job.ts";
import { jobOf } from "./core/recovery.ts";
import { DirectHands } from "./direct-hands.ts";
import { EngineRoom } from "./engine-room.ts";
import { coded } from "./errors.ts";
import { ringOf } from "./secret.ts";
import { isStillValid, Mesh, type ReceivedOutput } from "./io/mesh.ts";
import { leaseMargin } from "./io/mesh-protocol.ts";
import { Tally } from "./metrics/tally.ts";
import { actorOf, lifeWatchOf } from "./jobs/by-kind.ts";
import type { Actor, LifeWatch } from "./jobs/ports.ts";
import { queueActor } from "./jobs/queue-actor.ts";
import { actionLease } from "./jobs/token.ts";
import { DeadmanCall } from "./notify/deadman.ts";
import { logLevelOf } from "./notify/message.ts";
import { buildChannels, Notifier } from "./notify/notifier.ts";
import { QueueRoom } from "./queue-room.ts";
import { RecoveryBook } from "./recovery-book.ts";
import { Reign } from "./reign.ts";
import { ScalingLoop } from "./scaling-loop.ts";
import { meshSetupOf, type ProcessFacts } from "./setup.ts";

const seenByAll: ReadonlySet<string> = new Set([
  "verdict-changed",
  "agent-leaving",
  "coordinators-changed",
]);

export class RunningCoordinator {
  readonly #config: CoordinatorConfig;
  readonly #log: Logger;
  readonly #owner: string;
  readonly #mesh: Mesh;
  readonly #engines: EngineRoom;
  readonly #queues: QueueRoom;
  readonly #book: RecoveryBook;
  readonly #direct: DirectHands;
  readonly #notifier: Notifier;
  readonly #tally = new Tally();
  readonly #scaling: ScalingLoop;
  readonly #deadman: DeadmanCall | undefined;
  readonly #plane: Plane;
  readonly #reign = new Reign({
    listEvents: (ask) => this.#queues.store.listEvents(ask),
    wall: () => systemClock.wall(),
  });
  readonly #keyFile: KeyFile | undefined;
  #clusters: ClusterRoom | undefined;
  #http: RunningHttp | undefined;
  #checkPort: RunningCheckPort | undefined;
  #isStopping = false;

  /** @param onDied the mesh thread is gone: the process must end, so that whoever watches it starts it anew. */
  constructor(config: CoordinatorConfig, log: Logger, onDied: () => void) {
    this.#config = config;
    this.#log = log;
    const boot = freshBootId();
    const seed = freshSeed();
    const random = new Random(seed);
    const ring = ringOf(config);
    this.#owner = `${config.id}.${boot}`;
    log.info({ boot, seed }, "starting");
    this.#mesh = this.#buildMesh({ boot, seed, ring }, onDied);
    this.#engines = new EngineRoom({
      config,
      clock: systemClock,
      random: random.fork(),
      log,
      onNews: this.#onEngineNews.bind(this),
      onNodes: (news) => {
        if (news.nodes.length > 0) {
          this.#queues.openMigrations();
          this.#scaling.start();
        }
        this.#mesh.push(news);
      },
      hosts: () => this.#mesh.summary?.hosts ?? [],
      lifeWatch: this.#mesh,
    });
    const { actor: revivals, mover: services, carrier: containers } = this.#engines;
    const actor = actorOf({ revivals, services, containers });
    const lifeWatch = lifeWatchOf({ revivals: this.#mesh, services, containers });
    this.#queues = this.#buildQueues(random.fork(), actor, lifeWatch);
    this.#book = new RecoveryBook({
      save: (record) => {
        this.#queues.store.saveRecovery(record);
      },
      load: (id) => this.#queues.loadRecovery(id),
    });
    this.#direct = new DirectHands({
      actor,
      lifeWatch,
      clock: systemClock,
      random: random.fork(),
      owner: this.#owner,
      holdsLease: () => this.#mesh.holdsLease(),
      onNews: this.#onNews.bind(this),
      onAbandoned: this.#book.onNews.bind(this.#book),
    });
    this.#notifier = this.#buildNotifier();
    this.#scaling = this.#buildScaling();
    this.#plane = new Plane({
      config,
      clock: systemClock,
      mesh: this.#mesh,
      startedAt: Math.round(systemClock.wall()),
      reign: this.#reign,
      queues: this.#queues,
      book: this.#book,
      notifier: this.#notifier,
      tally: this.#tally,
      swarm: this.#engines.swarm,
      nodeSwitch: this.#engines.nodeSwitch,
      scaling: this.#scaling,
      engines: this.#engines.clients,
      otherSwarms: this.#engines.otherSwarms,
      clusters: () => this.#clusterRoom().desk,
      publish: this.#publish.bind(this),
    });
    this.#deadman = this.#buildDeadman();
    this.#keyFile = this.#buildKeyFile(ring);
  }

  /** Rejects with a coded error that says what could not be had. */
  async start(): Promise<void> {
    await this.#queues.start();
    const { port, damage } = await this.#mesh.start().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw coded("HM_MESH_START", `MESH_PORT ${this.#config.mesh.port}: ${reason}`, error);
    });
    for (const text of damage) this.#log.error({ damage: text }, "the durable vote is damaged");
    // Containers may move between them, once one is seen whose label allows it.
    if (this.#config.docker.engines.length > 1) this.#queues.openMigrations();
    this.#engines.start();
    this.#keyFile?.start();
    this.#deadman?.start();
    this.#clusterRoom().start();
    this.#http = await startHttp(this.#config, this.#plane, this.#log);
    this.#checkPort = await this.#startCheckPort();
    this.#log.info({ meshPort: port, http: this.#http.url }, "running");
    this.#publish(eventOf("", "started", `${this.#config.id} has started`));
  }

  /** Leadership is handed over first; then nothing new is begun; jobs in hand go to another runner. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#direct.stop();
    await this.#mesh.stop();
    await this.#scaling.stop();
    await this.#deadman?.stop();
    this.#clusters?.stop();
    await this.#checkPort?.stop();
    await this.#http?.stop();
    this.#keyFile?.stop();
    await this.#engines.stop();
    this.#notifier.stop();
    await this.#queues.stop();
  }

  #buildMesh(own: Pick<ProcessFacts, "boot" | "seed" | "ring">, onDied: () => void): Mesh {
    const setup = meshSetupOf(this.#config, {
      ...own,
      incarnation: incarnation(systemClock.wall()),
      hostname: hostname(),
      actionLease,
      meshHost: "0.0.0.0",
    });
    return new Mesh(setup, {
      onOutput: this.#onOutput.bind(this),
      onSummary: (summary) => {
        this.#reign.onSummary(summary);
      },
      onLog: (level, text) => {
        this.#log[level](text);
      },
      onDied: (reason) => {
        this.#log.fatal({ reason }, "the mesh thread died");
        onDied();
      },
    });
  }

  #buildQueues(random: Random, actor: Actor, lifeWatch: LifeWatch): QueueRoom {
    return new QueueRoom({
      config: this.#config,
      clock: systemClock,
      random,
      log: this.#log,
      owner: this.#owner,
      actor: queueActor(actor, () => this.#mesh.summary?.redisByQuorum !== "unreachable"),
      lifeWatch,
      deliver: (channel, job) => this.#notifier.deliver(channel, job),
      onUndelivered: (channel) => {
        this.#tally.onDelivery(channel, "lost");
      },
      onNews: this.#onNews.bind(this),
      onReachability: (state) => {
        if (state.kind === "unknown") return;
        this.#log.info({ state }, "Redis");
        this.#mesh.push({ kind: "redis-changed", state: state.kind });
      },
      onMemory: (memory) => {
        this.#mesh.push({ kind: "records-loaded", ...memory });
      },
    });
  }

  /** Made once Redis is there. */
  #clusterRoom(): ClusterRoom {
    this.#clusters ??= new ClusterRoom({
      config: this.#config,
      clock: systemClock,
      log: this.#log,
      clients: this.#engines.clients,
      swarm: this.#engines.swarm,
      clusterLog: this.#queues.clusterLog(),
      summary: () => this.#mesh.summary,
      holdsLease: () => this.#mesh.holdsLease(),
      onEnded: (ended) => {
        this.#plane.onClusterEnded(ended);
      },
    });
    return this.#clusters;
  }

  #buildNotifier(): Notifier {
    const { id, clusterId, notify } = this.#config;
    return new Notifier({
      id,
      cluster: clusterId,
      channels: buildChannels(notify),
      ratePerMinute: notify.ratePerMinute,
      clock: systemClock,
      enqueue: (job) => {
        void this.#notify(job);
      },
      onDelivery: this.#tally.onDelivery.bind(this.#tally),
    });
  }

  async #startCheckPort(): Promise<RunningCheckPort | undefined> {
    const { host, checkPort: port } = this.#config.http;
    if (port === undefined) return undefined;
    return startCheckPort({ host, port }, () => this.#mesh.summary).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw coded("HM_CHECK_PORT", `CHECK_PORT ${port}: ${reason}`, error);
    });
  }

  #buildScaling(): ScalingLoop {
    const verb = "scale-service";
    const by = "scaling policy";
    return new ScalingLoop({
      policies: () => this.#queues.shelf("scaling"),
      summary: () => this.#mesh.summary,
      holdsLease: () => !this.#isStopping && this.#mesh.holdsLease(),
      swarm: this.#engines.swarm,
      engines: this.#engines.clients,
      onScaled: (subject, outcome) => {
        this.#plane.onSwarmChange({ verb, subject, outcome }, by);
      },
      clock: systemClock,
      log: this.#log,
    });
  }

  #buildDeadman(): DeadmanCall | undefined {
    const { deadmanUrl: url } = this.#config.notify;
    if (url === undefined) return undefined;
    const holdsLease = (): boolean => this.#mesh.holdsLease();
    return new DeadmanCall({ url, holdsLease, clock: systemClock, log: this.#log });
  }

  /** Undefined where the keys do not come from a file: then they cannot change. */
  #buildKeyFile(current: KeyRing): KeyFile | undefined {
    const path = this.#config.mesh.key?.file;
    if (path === undefined) return undefined;
    return new KeyFile({
      path,
      current,
      onRing: (ring) => {
        this.#mesh.swapRing(ring);
        this.#log.info({ keys: ring.keys.length }, "the keys of the mesh were rotated");
      },
      onProblem: (problem) => {
        this.#log.error({ problem }, "the file of the keys cannot be used; the old keys stay");
      },
    });
  }

  #onEngineNews(news: EngineNews): void {
    if (news.kind === "engine-lost" || news.kind === "engine-back") {
      this.#log.warn({ news }, news.kind);
    }
    this.#mesh.push(news);
  }

  #onNews(news: JobNews): void {
    this.#book.onNews(news);
    this.#mesh.push({ kind: "job-news", news });
  }

  #onOutput(output: ReceivedOutput): void {
    switch (output.kind) {
      case "enqueue": {
        const { deadline } = output;
        if (this.#isStopping || !isStillValid(deadline, leaseMargin)) return;
        const job = this.#book.begin(jobOf(output.order, systemClock.wall()));
        void this.#queues.enqueue(job, () => isStillValid(deadline, leaseMargin));
        return;
      }
      case "act-directly": {
        if (this.#isStopping || !isStillValid(output.deadline, leaseMargin)) return;
        const job = this.#book.begin(jobOf(output.order, systemClock.wall()));
        this.#direct.act(job, output.tryNumber);
        return;
      }
      case "publish":
        this.#publish(output.event);
        return;
      case "change-ended":
        this.#plane.onChangeEnded(output);
        return;
      case "save-record":
        this.#queues.saveRecord(output.record);
        return;
      case "save-heard":
        this.#queues.store.saveHeard(output.heard);
        return;
      case "read-swarm":
        void this.#readSwarm();
        return;
      case "role-changed":
        this.#log.info(
          { role: output.role, term: output.term, leader: output.leader, reason: output.reason },
          "role",
        );
        if (output.role !== "leader") this.#direct.interrupt();
        return;
    }
  }

  async #readSwarm(): Promise<void> {
    const reading = await this.#engines.swarm.read();
    this.#mesh.push({ kind: "swarm-read", picture: reading });
  }

  #publish(core: CoreEvent): void {
    const event: MeshEvent = { ...core, at: systemClock.wall(), by: this.#config.id };
    // What all three see is the same; what the leader saw is the record.
    const isSeenByAll = seenByAll.has(event.kind);
    const isRecorded = !isSeenByAll || this.#isLeader();
    this.#log[isRecorded ? logLevelOf(event.kind) : "debug"](
      { kind: event.kind, worker: event.worker, recovery: event.recovery, change: event.change },
      event.text,
    );
    if (!isRecorded) return;
    this.#tally.onEvent(event, this.#book.get(event.recovery));
    this.#queues.store.appendEvent(event);
    this.#plane.onEvent(event);
    this.#notifier.onEvent(event);
  }

  #isLeader(): boolean {
    return this.#mesh.summary?.role === "leader";
  }

  /** By the queue; while Redis is away, at once from here. */
  async #notify(job: Parameters<QueueRoom["notify"]>[0]): Promise<void> {
    try {
      await this.#queues.notify(job);
    } catch {
      await this.#notifier.deliver(job.channel, job).catch((error: unknown) => {
        this.#tally.onDelivery(job.channel, "lost");
        this.#log.error({ err: error, channel: job.channel }, "a notification was not delivered");
      });
    }
  }
}
