// Every coordinator's runner of revival jobs: a BullMQ worker whose options suit jobs that hold for seconds and must survive their runner.

import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Clock } from "../../agent/io/clock.ts";
import { exhausted, type JobNews } from "../core/job.ts";
import { backoffDelay } from "../core/backoff.ts";
import type { Random } from "../../proto/random.ts";
import type { Duration } from "../../proto/units.ts";
import type { RedisConnections } from "../io/redis.ts";
import { Canary, canaryName } from "./canary.ts";
import { endsWithin } from "./ends-within.ts";
import { jobNames, queueNames, type JobQueueName, type Keys } from "./keys.ts";
import { NewsWriter } from "./news.ts";
import type { Actor, LifeWatch } from "./ports.ts";
import { type RevivalResult, type StoredRevival } from "./revival-queue.ts";
import { RevivalRun, type BullRevival } from "./revival-run.ts";
import { TokenStore } from "./token.ts";

/**
 * Jobs that one runner holds at a time; nearly all of that time is waiting. More wait in the queue. A move is one update of
 * a service and Swarm does the rest, so a host's services move side by side.
 */
const concurrencies: Readonly<Record<JobQueueName, number>> = { revival: 16, migration: 64 };
/**
 * A killed runner's job is found stalled at most `lockDuration` + 2 × `stalledInterval` after the last renewal. Renewed every
 * 0.75–1.5 s, so a stall of our own thread, or of Redis, of 2.5 s loses no lock.
 */
const lockDuration: Duration = 4_000;
const lockRenewTime: Duration = 1_500;
const stalledInterval: Duration = 1_000;
const maxStalledCount = 3;
/** For an action that is under way; the rest is handed on at once. */
const stopWithin: Duration = 8_000;

export interface RunnerAsk {
  readonly connections: RedisConnections;
  readonly keys: Keys;
  /** Default `revival`. */
  readonly queue?: JobQueueName;
  /** `<coordinator id>.<boot id>`: unique to this process. */
  readonly name: string;
  readonly actor: Actor;
  readonly lifeWatch: LifeWatch;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: Error) => void;
  /** The worker was found dead, or its password changed, and has been made anew; `restarts` counts. */
  readonly onRestart: (reason: string, restarts: number) => void;
  /** Default 2 s and 8; see `Canary`. */
  readonly canary?: { readonly every: Duration; readonly missed: number };
}

type RevivalWorker = Worker<StoredRevival, RevivalResult>;

export class RevivalRunner {
  readonly #ask: RunnerAsk;
  readonly #queue: JobQueueName;
  readonly #runs = new Map<string, Set<RevivalRun>>();
  #runCount = 0;
  #restarts = 0;
  #parts: RunnerParts | undefined;
  #isStopping = false;

  constructor(ask: RunnerAsk) {
    this.#ask = ask;
    this.#queue = ask.queue ?? "revival";
  }

  start(): void {
    this.#parts ??= this.#build();
  }

  /** Jobs in hand. */
  get active(): number {
    let count = 0;
    for (const runs of this.#runs.values()) count += runs.size;
    return count;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Closes the BullMQ worker and makes a new one; jobs in hand are handed on. */
  async restart(reason: string): Promise<void> {
    const old = this.#parts;
    if (old === undefined || this.#isStopping) return;
    for (const run of this.#allRuns()) run.interrupt("stopping");
    this.#parts = this.#build();
    this.#restarts++;
    this.#ask.onRestart(reason, this.#restarts);
    await this.#takeDown(old, 1_000);
  }

  /** No new job, no further change to any container; jobs that are being verified go to another runner. At most ~8 s. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const run of this.#allRuns()) run.interrupt("stopping");
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts !== undefined) await this.#takeDown(parts, stopWithin);
  }

  #build(): RunnerParts {
    const { connections, keys, name, onError } = this.#ask;
    const main = connections.open("runner");
    const producer = connections.open("producer");
    const worker: RevivalWorker = new Worker(
      queueNames[this.#queue],
      async (job, lock) => await this.#process(parts, job, lock ?? ""),
      {
        connection: main,
        prefix: keys.prefix,
        name,
        concurrency: concurrencies[this.#queue],
        lockDuration,
        lockRenewTime,
        stalledInterval,
        maxStalledCount,
        /** Seconds. Also how soon a worker notices that its blocking connection was lost. */
        drainDelay: 1,
        // The version is asked for here: without it BullMQ blocks for whole seconds, and so long would a delayed try wait.
        skipVersionCheck: false,
        runRetryDelay: 250,
        settings: {
          backoffStrategy: (failed, _type, _error, job) =>
            job === undefined ? 0 : this.#backoff(failed, job),
        },
      },
    );
    const canaries = new Queue(queueNames[this.#queue], {
      connection: producer,
      prefix: keys.prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    canaries.on("error", onError);
    const parts: RunnerParts = {
      main,
      producer,
      worker,
      canaries,
      canary: this.#buildCanary(canaries, producer),
      tokens: new TokenStore(producer, keys),
      news: new NewsWriter(main, keys, `${name}.${this.#restarts}`),
    };
    this.#listen(parts);
    parts.canary.start();
    return parts;
  }

  #listen({ worker, news }: RunnerParts): void {
    const { onError, clock } = this.#ask;
    const jobName = jobNames[this.#queue];
    const tell = (one: JobNews): void => {
      news.write(one).catch(onError);
    };
    worker.on("error", onError);
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids) for (const run of this.#runs.get(id) ?? []) run.interrupt("lock-lost");
    });
    worker.on("completed", (job, result) => {
      if (job.name !== jobName) return;
      const { token, recovery } = job.data.order;
      const at = clock.wall();
      if (result.outcome === "recovered") tell({ kind: "recovered", token, recovery, at });
      else tell({ kind: "superseded", token, recovery, reason: result.reason, at });
    });
    worker.on("failed", (job, error) => {
      if (job?.name !== jobName) return;
      const { token, recovery } = job.data.order;
      const at = clock.wall();
      const tries = job.attemptsMade;
      const reason = error.message;
      const isOver = job.finishedOn !== undefined;
      const nextTryIn = isOver ? 0 : job.delay;
      const counts = true;
      tell({
        kind: "try-failed",
        token,
        recovery,
        tryNumber: tries,
        reason,
        counts,
        nextTryIn,
        at,
      });
      if (isOver) tell(exhausted(job.data.order, tries, reason, at));
    });
  }

  #buildCanary(queue: Queue, producer: Redis): Canary {
    const { name } = this.#ask;
    const { every, missed } = this.#ask.canary ?? { every: 2_000, missed: 8 };
    return new Canary({
      every,
      missed,
      add: async () => {
        if (producer.status !== "ready") throw new Error("Redis is not connected");
        await queue.add(
          canaryName,
          {},
          // At most one of ours waits, however long nobody takes it.
          {
            deduplication: { id: `canary-${name}` },
            attempts: 1,
            removeOnComplete: true,
            removeOnFail: true,
          },
        );
      },
      isBusy: () => this.active >= concurrencies[this.#queue],
      onDead: (count) => {
        void this.restart(`the worker took none of ${count} canaries`).catch(this.#ask.onError);
      },
    });
  }

  async #process(parts: RunnerParts, job: BullRevival, lock: string): Promise<RevivalResult> {
    if (job.name === canaryName) {
      parts.canary.onTaken();
      return { outcome: "recovered" };
    }
    const { actor, lifeWatch, clock, onError, name } = this.#ask;
    const run = new RevivalRun({
      job,
      lock,
      tokens: parts.tokens,
      runner: name,
      owner: `${name}.${++this.#runCount}`,
      actor,
      lifeWatch,
      clock,
      onError,
      onNews: (news) => {
        parts.news.write(news).catch(onError);
      },
    });
    const id = job.id ?? "";
    const runs = this.#runs.get(id) ?? new Set();
    this.#runs.set(id, runs.add(run));
    // A worker that is on its way out may still have fetched a last job.
    if (this.#isStopping || parts !== this.#parts) run.interrupt("stopping");
    try {
      return await run.run();
    } finally {
      runs.delete(run);
      if (runs.size === 0) this.#runs.delete(id);
    }
  }

  #backoff(failed: number, job: { readonly name: string; readonly data: unknown }): Duration {
    if (job.name !== jobNames[this.#queue]) return 0;
    const { backoff, backoffMax } = (job.data as StoredRevival).order;
    return Math.round(backoffDelay(failed, { base: backoff, max: backoffMax }, this.#ask.random));
  }

  *#allRuns(): Iterable<RevivalRun> {
    for (const runs of this.#runs.values()) yield* runs;
  }

  /** A worker that is alive ends its jobs first; one that is dead is closed by force. */
  async #takeDown(parts: RunnerParts, within: Duration): Promise<void> {
    parts.canary.stop();
    const { onError, connections } = this.#ask;
    // Without Redis nothing can be handed on: locks run out by themselves.
    const patience = parts.main.status === "ready" ? within : Math.min(within, 200);
    await endsWithin(parts.worker.pause().catch(onError), patience);
    await endsWithin(parts.worker.close(true).catch(onError), 1_000);
    connections.close(parts.main);
    connections.close(parts.producer);
  }
}

interface RunnerParts {
  readonly main: Redis;
  readonly producer: Redis;
  readonly worker: RevivalWorker;
  readonly canaries: Queue;
  readonly canary: Canary;
  readonly tokens: TokenStore;
  readonly news: NewsWriter;
}
