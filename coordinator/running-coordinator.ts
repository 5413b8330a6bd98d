// A whole coordinator: engines, Redis, mesh thread, notifications and HTTP, started bottom-up and stopped top-down.

import { hostname } from "node:os";
import type { Logger } from "pino";
import { freshBootId, freshSeed } from "../agent/io/chance.ts";
import { systemClock } from "../agent/io/clock.ts";
import { KeyFile } from "../agent/io/key-file.ts";
import { insecureRing, parseKeyRing, type KeyRing } from "../proto/key-ring.ts";
import { Random } from "../proto/random.ts";
import { incarnation } from "../proto/units.ts";
import { startHttp, type RunningHttp } from "./api/server.ts";
import type { CoordinatorConfig } from "./config.ts";
import { Plane } from "./control-plane.ts";
import type { EngineNews } from "./core/engine-news.ts";
import type { CoreEvent, MeshEvent } from "./core/event.ts";
import type { JobNews, RevivalJob } from "./core/job.ts";
import type { RevivalOrder } from "./core/recovery.ts";
import { DirectHands } from "./direct-hands.ts";
import { EngineRoom } from "./engine-room.ts";
import { coded } from "./errors.ts";
import { isStillValid, Mesh, type ReceivedOutput } from "./io/mesh.ts";
import { leaseMargin } from "./io/mesh-protocol.ts";
import { actionLease } from "./jobs/token.ts";
import { DeadmanCall } from "./notify/deadman.ts";
import { buildChannels, Notifier } from "./notify/notifier.ts";
import { QueueRoom } from "./queue-room.ts";
import { RecoveryBook } from "./recovery-book.ts";
import { meshSetupOf } from "./setup.ts";

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
  readonly #deadman: DeadmanCall | undefined;
  readonly #plane: Plane;
  readonly #keyFile: KeyFile | undefined;
  #http: RunningHttp | undefined;
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
    this.#mesh = new Mesh(
      meshSetupOf(config, {
        boot,
        incarnation: incarnation(systemClock.wall()),
        hostname: hostname(),
        ring,
        seed,
        actionLease,
        meshHost: "0.0.0.0",
      }),
      {
        onOutput: this.#onOutput.bind(this),
        onLog: (level, text) => {
          log[level](text);
        },
        onDied: (reason) => {
          log.fatal({ reason }, "the mesh thread died");
          onDied();
        },
      },
    );
    this.#engines = new EngineRoom({
      config,
      clock: systemClock,
      random: random.fork(),
      log,
      onNews: this.#onEngineNews.bind(this),
    });
    const { actor } = this.#engines;
    const lifeWatch = this.#mesh;
    this.#queues = new QueueRoom({
      config,
      clock: systemClock,
      random: random.fork(),
      log,
      owner: this.#owner,
      actor,
      lifeWatch,
      deliver: (channel, job) => this.#notifier.deliver(channel, job),
      onNews: this.#onNews.bind(this),
      onReachability: (state) => {
        if (state.kind === "unknown") return;
        log.info({ state }, "Redis");
        this.#mesh.push({ kind: "redis-changed", state: state.kind });
      },
      onRecords: (records) => {
        this.#mesh.push({ kind: "records-loaded", records });
      },
    });
    this.#book = new RecoveryBook({
      save: (record) => {
        this.#queues.store.saveRecovery(record);
      },
      load: (id) => this.#queues.store.getRecovery(id),
    });
    this.#direct = new DirectHands({
      actor,
      lifeWatch,
      clock: systemClock,
      random: random.fork(),
      owner: this.#owner,
      holdsLease: () => this.#holdsLease(),
      onNews: this.#onNews.bind(this),
    });
    this.#notifier = new Notifier({
      id: config.id,
      cluster: config.clusterId,
      channels: buildChannels(config.notify, log),
      ratePerMinute: config.notify.ratePerMinute,
      clock: systemClock,
      enqueue: (job) => {
        void this.#notify(job);
      },
    });
    this.#plane = new Plane({
      config,
      clock: systemClock,
      mesh: this.#mesh,
      queues: this.#queues,
      book: this.#book,
      notifier: this.#notifier,
    });
    const { deadmanUrl } = config.notify;
    if (deadmanUrl !== undefined) {
      const holdsLease = (): boolean => this.#holdsLease();
      this.#deadman = new DeadmanCall({ url: deadmanUrl, holdsLease, clock: systemClock, log });
    }
    if (config.mesh.key?.file !== undefined) {
      this.#keyFile = new KeyFile({
        path: config.mesh.key.file,
        current: ring,
        onRing: (next) => {
          this.#mesh.swapRing(next);
          log.info({ keys: next.keys.length }, "the keys of the mesh were rotated");
        },
        onProblem: (problem) => {
          log.error({ problem }, "the file of the mesh's keys cannot be used; the old keys stay");
        },
      });
    }
  }

  /** Rejects with a coded error that says what could not be had. */
  async start(): Promise<void> {
    await this.#queues.start();
    const { port, damage } = await this.#mesh.start().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw coded("HM_MESH_START", `MESH_PORT ${this.#config.mesh.port}: ${reason}`, error);
    });
    for (const text of damage) this.#log.error({ damage: text }, "the durable vote is damaged");
    this.#engines.start();
    this.#keyFile?.start();
    this.#deadman?.start();
    this.#http = await startHttp(this.#config, this.#plane, this.#log);
    this.#log.info({ meshPort: port, http: this.#http.url }, "running");
    this.#publish({
      kind: "started",
      worker: "",
      recovery: "",
      text: `${this.#config.id} has started`,
      evidence: [],
      notify: false,
    });
  }

  /** Leadership is handed over first; then nothing new is begun; jobs in hand go to another runner. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#direct.stop();
    await this.#mesh.stop();
    await this.#deadman?.stop();
    await this.#http?.stop();
    this.#keyFile?.stop();
    await this.#engines.stop();
    this.#notifier.stop();
    await this.#queues.stop();
  }

  #holdsLease(): boolean {
    const { summary } = this.#mesh;
    return summary?.role === "leader" && summary.leaseFor > 0;
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
        const job = this.#jobOf(output.order);
        this.#book.begin(job);
        void this.#queues.enqueue(job, () => isStillValid(deadline, leaseMargin));
        return;
      }
      case "act-directly": {
        if (this.#isStopping || !isStillValid(output.deadline, leaseMargin)) return;
        const job = this.#jobOf(output.order);
        this.#book.begin(job);
        this.#direct.act(job, output.tryNumber);
        return;
      }
      case "publish":
        this.#publish(output.event);
        return;
      case "save-record":
        this.#queues.saveRecord(output.record);
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

  #jobOf(order: RevivalOrder): RevivalJob {
    const { detectedAgo, ...rest } = order;
    const decidedAt = systemClock.wall();
    return { ...rest, detectedAt: Math.round(decidedAt - detectedAgo), decidedAt };
  }

  #publish(core: CoreEvent): void {
    const event: MeshEvent = { ...core, at: systemClock.wall(), by: this.#config.id };
    // What all three see is the same; what the leader saw is the record.
    const isSeenByAll = event.kind === "verdict-changed" || event.kind === "agent-leaving";
    const isRecorded = !isSeenByAll || this.#isLeader();
    this.#log[isRecorded ? "info" : "debug"](
      { kind: event.kind, worker: event.worker, recovery: event.recovery },
      event.text,
    );
    if (!isRecorded) return;
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
        this.#log.error({ err: error, channel: job.channel }, "a notification was not delivered");
      });
    }
  }
}

function ringOf(config: CoordinatorConfig): KeyRing {
  const { key } = config.mesh;
  if (key === undefined) return insecureRing;
  const ring = parseKeyRing(key.text);
  if (!ring.ok) throw coded("HM_CONFIG", `MESH_KEY: ${ring.detail ?? ring.failure}`);
  return ring.value;
}
