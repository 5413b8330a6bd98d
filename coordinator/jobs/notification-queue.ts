// Notifications travel by a queue of their own: capped tries with exponential waits, and a bounded history.

import { Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { backoffDelay } from "../core/backoff.ts";
import type { MeshEvent } from "../core/event.ts";
import type { Random } from "../../proto/random.ts";
import type { Duration } from "../../proto/units.ts";
import type { RedisConnections } from "../io/redis.ts";
import type { Message } from "../notify/message.ts";
import { endsWithin } from "./ends-within.ts";
import { queueNames, workerHash, type Keys } from "./keys.ts";

/** One message for one channel. No secret: addresses and tokens of channels stay in the process. */
export interface NotificationJob {
  /** `slack`, `webhook`, `email`, `log`. */
  readonly channel: string;
  readonly event: MeshEvent;
  /** Messages of one recovery share a thread; empty where it stands alone. */
  readonly thread: string;
  /** The words, where they are made already; in a digest `event` is the last of those that it sums up. */
  readonly message?: Message;
}

/** Delivers one message; throws to be tried again. A `NeverDeliverable` is not tried again. */
export type Deliver = (channel: string, message: NotificationJob) => Promise<void>;

/** Thrown by `Deliver` where another try cannot help: the channel is not configured here, the receiver refused for good. */
export class NeverDeliverable extends Error {
  override readonly name = "NeverDeliverable";
}

const attempts = 5;
const backoff = { base: 1_000, max: 60_000 };
const concurrency = 4;
/** A delivery's own time limit belongs to its channel; it must be shorter than this is long. */
const lockDuration: Duration = 30_000;
/** For deliveries under way. */
const stopWithin: Duration = 3_000;
const history = { age: 30 * 24 * 3_600, count: 1_000 };

export interface NotificationAsk {
  readonly connections: RedisConnections;
  readonly keys: Keys;
  readonly random: Random;
  readonly deliver: Deliver;
  readonly onError: (error: Error) => void;
  /** After the last try. */
  readonly onUndelivered: (job: NotificationJob, reason: string) => void;
}

export class NotificationQueue {
  readonly #ask: NotificationAsk;
  #parts:
    | {
        readonly main: Redis;
        readonly producer: Redis;
        readonly queue: Queue<NotificationJob, null>;
        readonly worker: Worker<NotificationJob, null>;
      }
    | undefined;

  constructor(ask: NotificationAsk) {
    this.#ask = ask;
  }

  start(): void {
    if (this.#parts !== undefined) return;
    const { connections, keys, onError, deliver, random, onUndelivered } = this.#ask;
    const main = connections.open("runner");
    const producer = connections.open("producer");
    const queue = new Queue<NotificationJob, null>(queueNames.notification, {
      connection: producer,
      prefix: keys.prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    const worker = new Worker<NotificationJob, null>(
      queueNames.notification,
      async (job) => {
        await deliverOnce(deliver, job.data);
        return null;
      },
      {
        connection: main,
        prefix: keys.prefix,
        concurrency,
        lockDuration,
        stalledInterval: lockDuration / 2,
        maxStalledCount: attempts,
        drainDelay: 5,
        runRetryDelay: 250,
        settings: {
          backoffStrategy: (failed) => Math.round(backoffDelay(failed, backoff, random)),
        },
      },
    );
    queue.on("error", onError);
    worker.on("error", onError);
    worker.on("failed", (job, error) => {
      if (job?.finishedOn !== undefined) onUndelivered(job.data, error.message);
    });
    this.#parts = { main, producer, queue, worker };
  }

  /** For Bull Board. */
  get board(): Queue | undefined {
    return this.#parts?.queue;
  }

  get isReady(): boolean {
    return this.#parts?.producer.status === "ready";
  }

  /**
   * Rejects at once while Redis is away: the caller delivers directly then. The same message (channel, thread, kind, time)
   * is put in once.
   */
  async add(job: NotificationJob): Promise<void> {
    const parts = this.#parts;
    if (parts?.producer.status !== "ready") throw new Error("Redis is not connected");
    const { event, channel, thread } = job;
    const name = [channel, thread, event.kind, event.worker, event.at, event.by, event.text];
    await parts.queue.add(event.kind, job, {
      jobId: `n-${workerHash(JSON.stringify(name))}`,
      attempts,
      backoff: { type: "custom" },
      removeOnComplete: history,
      removeOnFail: history,
      stackTraceLimit: 1,
    });
  }

  async stop(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts === undefined) return;
    const { connections, onError } = this.#ask;
    await endsWithin(parts.worker.close().catch(onError), stopWithin);
    await endsWithin(parts.queue.close().catch(onError), 500);
    connections.close(parts.main);
    connections.close(parts.producer);
  }
}

async function deliverOnce(deliver: Deliver, job: NotificationJob): Promise<void> {
  try {
    await deliver(job.channel, job);
  } catch (error) {
    if (error instanceof NeverDeliverable) throw new UnrecoverableError(error.message);
    throw error;
  }
}
