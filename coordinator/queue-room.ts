// Everything that lives in Redis: the server where it is ours, connections, queues, the runner, news and the record.

import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Clock } from "../agent/io/clock.ts";
import type { GossipRecord } from "../proto/messages.ts";
import type { Random } from "../proto/random.ts";
import type { WorkerId } from "../proto/units.ts";
import { ClusterLog } from "./clusters/log.ts";
import type { CoordinatorConfig } from "./config.ts";
import { aged } from "./core/aged-record.ts";
import type { Heard } from "./core/hearing.ts";
import type { JobNews, RevivalJob, Token } from "./core/job.ts";
import { beginRecord, type RecoveryRecord } from "./core/recovery-record.ts";
import { coded } from "./errors.ts";
import { RecordStore } from "./io/record-store.ts";
import { RedisConnections } from "./io/redis.ts";
import { RedisMonitor, type Reachability } from "./io/redis-monitor.ts";
import { PrivateRedis } from "./io/redis-server.ts";
import { parseRedisUrl, type RedisAddress } from "./io/redis-url.ts";
import { Shelf, type Documents } from "./io/shelf.ts";
import { JobQueues } from "./jobs/job-queues.ts";
import { keysOf, type JobQueueName, type Keys } from "./jobs/keys.ts";
import { JobNewsFeed } from "./jobs/news.ts";
import {
  NotificationQueue,
  type Deliver,
  type NotificationJob,
} from "./jobs/notification-queue.ts";
import type { Actor, LifeWatch } from "./jobs/ports.ts";
import { RevivalQueue } from "./jobs/revival-queue.ts";
import { RevivalRunner } from "./jobs/revival-runner.ts";

export interface WorkerMemory {
  readonly records: readonly GossipRecord[];
  readonly heard: readonly Heard[];
}

export interface QueueRoomAsk {
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `<coordinator id>.<boot id>`. */
  readonly owner: string;
  readonly actor: Actor;
  readonly lifeWatch: LifeWatch;
  readonly deliver: Deliver;
  /** After the last try. */
  readonly onUndelivered: (channel: string) => void;
  readonly onNews: (news: JobNews) => void;
  readonly onReachability: (state: Reachability) => void;
  /** What Redis remembers of workers, aged to now; told once, when it was first read. */
  readonly onMemory: (memory: WorkerMemory) => void;
}

/** Reading the record is tried again this often while Redis does not answer: a new leader waits for it before it acts. */
const loadAgain = 50;
/** So are epochs raised that could not be. */
const raiseAgain = 500;

export class QueueRoom {
  readonly #ask: QueueRoomAsk;
  readonly #keys: Keys;
  #server: PrivateRedis | undefined;
  #given: RedisAddress | undefined;
  #parts: Parts | undefined;
  #mover: RevivalRunner | undefined;
  #loadTimer: NodeJS.Timeout | undefined;
  /** Tokens that Redis has not taken yet; at most one a worker. */
  readonly #unraised = new Map<WorkerId, Token>();
  #raiseTimer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(ask: QueueRoomAsk) {
    this.#ask = ask;
    this.#keys = keysOf(ask.config.clusterId);
  }

  async start(): Promise<void> {
    this.#given = await this.#address();
    this.#parts = this.#build(this.#given);
    const { monitor, runner, feed, notifications } = this.#parts;
    monitor.start();
    runner.start();
    feed.start();
    notifications.start();
    void this.#loadMemory();
  }

  /** Where Redis is; undefined before the start. */
  get address(): RedisAddress | undefined {
    return this.#given;
  }

  get store(): RecordStore {
    return this.#built.store;
  }

  /** @param kind in plural: `templates` */
  shelf<Document>(kind: string): Documents<Document> {
    return new Shelf({ redis: this.#built.producer, key: this.#keys.record, kind });
  }

  clusterLog(): ClusterLog {
    return new ClusterLog({ redis: this.#built.producer, key: this.#keys.record });
  }

  get queues(): readonly Queue[] {
    const { queues, notifications } = this.#built;
    return [...queues.boards, ...(notifications.board === undefined ? [] : [notifications.board])];
  }

  /** Never rejects; the answer also goes to `onNews`. */
  async enqueue(job: RevivalJob, isValid: () => boolean): Promise<void> {
    const { queues, feed } = this.#built;
    feed.inject(await queues.enqueue(job, isValid));
  }

  /** As it is on record, or as its job tells where all who had begun a record were killed before they wrote it. */
  async loadRecovery(id: string): Promise<RecoveryRecord | undefined> {
    const { store, queues } = this.#built;
    const record = await store.getRecovery(id);
    if (record !== undefined) return record;
    const order = await queues.orderOf(id);
    return order === undefined ? undefined : beginRecord(order);
  }

  /** What Redis remembers of workers, aged to now. */
  async workerRecords(): Promise<readonly GossipRecord[]> {
    const saved = await this.store.loadWorkerRecords();
    const now = this.#ask.clock.wall();
    return saved.map(({ record, savedAt }) => aged(record, now - savedAt));
  }

  /** Rejects at once while Redis is away. */
  notify(job: NotificationJob): Promise<void> {
    return this.#built.notifications.add(job);
  }

  /** A Swarm or a second engine is there: moves are jobs of a queue of their own, with a runner of their own. */
  openMigrations(): void {
    const parts = this.#parts;
    if (this.#mover !== undefined || parts === undefined || this.#isStopping) return;
    parts.queues.openMigrations();
    this.#mover = parts.runnerOf("migration");
    this.#mover.start();
  }

  /** Its token fences every older job of the worker: one that waits, and one that runs at its next check. */
  saveRecord(record: GossipRecord): void {
    this.store.saveWorkerRecord({ record, savedAt: this.#ask.clock.wall() });
    const { worker, term, epoch } = record;
    this.#unraised.set(worker, { worker, term, epoch });
    this.#raise();
  }

  /** The runner first, so that nothing new is begun; jobs in hand are handed on. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#loadTimer);
    clearTimeout(this.#raiseTimer);
    const parts = this.#parts;
    if (parts === undefined) return;
    await Promise.all([parts.runner.stop(), this.#mover?.stop()]);
    await parts.notifications.stop();
    await parts.store.stop();
    parts.monitor.stop();
    await parts.feed.stop();
    await parts.queues.stop();
    parts.connections.stop();
    await this.#server?.stop();
  }

  get #built(): Parts {
    if (this.#parts === undefined) throw new Error("the queue room has not started");
    return this.#parts;
  }

  async #address(): Promise<RedisAddress> {
    const { config, log } = this.#ask;
    if (config.redisUrl !== undefined) {
      const parsed = parseRedisUrl(config.redisUrl.text);
      if (!parsed.ok) throw coded("HM_CONFIG", `REDIS_URL: ${parsed.detail ?? parsed.failure}`);
      return parsed.value;
    }
    this.#server = new PrivateRedis({
      dataDir: config.dataDir,
      onExit: (reason, restarts) => {
        log.error({ reason, restarts }, "the private redis-server died and is started again");
      },
      onLog: (line) => {
        log.debug({ line }, "redis-server");
      },
    });
    await this.#server.start();
    return this.#server.address;
  }

  #build(address: RedisAddress): Parts {
    const { config, clock, random, log, owner, actor, lifeWatch, onNews } = this.#ask;
    const keys = this.#keys;
    // Errors of a connection repeat while Redis is away; the monitor tells of that once.
    const onError = (error: Error): void => {
      log.debug({ err: error }, "redis");
    };
    const connections = new RedisConnections({ address, owner, onError });
    const producer = connections.open("producer");
    const queueOf = (name: JobQueueName): RevivalQueue =>
      new RevivalQueue({ redis: producer, keys, clock, queue: name, onError });
    const queues = new JobQueues(queueOf("revival"), () => queueOf("migration"));
    const store = new RecordStore({
      redis: producer,
      key: keys.record,
      clock,
      retention: config.retention.age,
      origin: owner,
      onError,
    });
    const monitor = new RedisMonitor({
      connections,
      clock,
      probeKey: `${keys.prefix}:probe:${config.id}`,
      onChange: (state) => {
        this.#ask.onReachability(state);
      },
    });
    const runnerOf = (name: JobQueueName): RevivalRunner =>
      new RevivalRunner({
        connections,
        keys,
        queue: name,
        name: owner,
        actor,
        lifeWatch,
        clock,
        random: random.fork(),
        onError,
        onRestart: (reason, restarts) => {
          log.warn({ reason, restarts }, `the runner of ${name} jobs was made anew`);
        },
      });
    const runner = runnerOf("revival");
    const feed = new JobNewsFeed({
      redis: connections.open("follower"),
      keys,
      queue: queues,
      clock,
      onNews,
      onError,
    });
    const notifications = new NotificationQueue({
      connections,
      keys,
      random: random.fork(),
      deliver: this.#ask.deliver,
      onError,
      onUndelivered: (job, reason) => {
        log.error({ channel: job.channel, reason }, "a notification could not be delivered");
        this.#ask.onUndelivered(job.channel);
      },
    });
    return { connections, producer, queues, store, monitor, runner, runnerOf, feed, notifications };
  }

  /** A newer record of the same worker replaces what could not be written while Redis was away. */
  #raise(): void {
    clearTimeout(this.#raiseTimer);
    if (this.#isStopping) return;
    for (const [worker, token] of this.#unraised) {
      this.#unraised.delete(worker);
      this.#built.queues.raiseEpoch(token).catch(() => {
        if (!this.#unraised.has(worker)) this.#unraised.set(worker, token);
        clearTimeout(this.#raiseTimer);
        this.#raiseTimer = setTimeout(() => {
          this.#raise();
        }, raiseAgain);
      });
    }
  }

  async #loadMemory(): Promise<void> {
    if (this.#isStopping) return;
    try {
      const { store } = this;
      const [records, heard] = await Promise.all([this.workerRecords(), store.loadHeard()]);
      this.#ask.onMemory({ records, heard });
    } catch {
      this.#loadTimer = setTimeout(() => {
        void this.#loadMemory();
      }, loadAgain);
    }
  }
}

interface Parts {
  readonly connections: RedisConnections;
  readonly producer: Redis;
  readonly queues: JobQueues;
  readonly store: RecordStore;
  readonly monitor: RedisMonitor;
  readonly runner: RevivalRunner;
  readonly runnerOf: (name: JobQueueName) => RevivalRunner;
  readonly feed: JobNewsFeed;
  readonly notifications: NotificationQueue;
}
