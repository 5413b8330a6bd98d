// The queue of revivals as the leader sees it: one unfinished job a worker, fenced by its token, adopted where one lives.

import { Queue, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { compareTokens, type JobNews, type RevivalJob, type Token } from "../core/job.ts";
import type { Clock } from "../../agent/io/clock.ts";
import { endsWithin } from "./ends-within.ts";
import { jobNames, queueNames, workerHash, type JobQueueName, type Keys } from "./keys.ts";
import type { Acted } from "./stages.ts";
import { TokenStore } from "./token.ts";

/** What a revival job holds in Redis: the order, and what has been done of it. */
export interface StoredRevival {
  readonly order: RevivalJob;
  /** The last action, and in which try; `isRunning` once that try has failed with the container running. */
  readonly acted?: Acted & { readonly tryNumber: number; readonly isRunning: boolean };
}

/** What a revival job returns when it ends well, or not at all. */
export type RevivalResult =
  { readonly outcome: "recovered" } | { readonly outcome: "superseded"; readonly reason: string };

export interface Unfinished {
  readonly job: RevivalJob;
  readonly triesUsed: number;
  /** Wall-clock ms. */
  readonly enqueuedAt: number;
  readonly state: "waiting" | "active" | "delayed";
  readonly acted: StoredRevival["acted"];
}

/** How a job stands that may have ended. */
export type JobFate =
  | { readonly kind: "alive"; readonly job: RevivalJob; readonly triesUsed: number }
  | { readonly kind: "completed"; readonly result: RevivalResult; readonly at: number }
  | {
      readonly kind: "failed";
      readonly job: RevivalJob;
      readonly reason: string;
      readonly triesUsed: number;
      readonly at: number;
    }
  | { readonly kind: "missing" };

/** More unfinished jobs than workers can exist cannot be; a bound all the same. */
const unfinishedRead = 50_000;
/** Ended jobs kept for Bull Board. */
const history = { age: 30 * 24 * 3_600, count: 2_000 };

type RevivalQueueJob = Job<StoredRevival, RevivalResult>;

export class RevivalQueue {
  readonly #redis: Redis;
  readonly #queue: Queue<StoredRevival, RevivalResult>;
  readonly #tokens: TokenStore;
  readonly #clock: Clock;
  readonly #jobName: string;

  /** @param ask.redis a producer's connection, which rejects fast; it stays the caller's to close */
  constructor(ask: {
    readonly redis: Redis;
    readonly keys: Keys;
    readonly clock: Clock;
    /** Default `revival`. */
    readonly queue?: JobQueueName;
    readonly onError: (error: Error) => void;
  }) {
    const { queue = "revival" } = ask;
    this.#jobName = jobNames[queue];
    this.#redis = ask.redis;
    this.#clock = ask.clock;
    this.#tokens = new TokenStore(ask.redis, ask.keys);
    this.#queue = new Queue(queueNames[queue], {
      connection: ask.redis,
      prefix: ask.keys.prefix,
      // A version check that failed once, while Redis hung, would end this queue for good.
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on("error", ask.onError);
  }

  /** For Bull Board. */
  get board(): Queue {
    return this.#queue;
  }

  /**
   * Puts the job in, or adopts the one that lives. Never throws: what cannot be done is `job-refused`, with the reason.
   * @param isValid the leader's lease; asked right before every write
   */
  async enqueue(job: RevivalJob, isValid: () => boolean): Promise<JobNews> {
    if (this.#redis.status !== "ready") {
      return refused(job.token, "Redis is not connected");
    }
    try {
      return await this.#enqueue(job, isValid);
    } catch (error) {
      return refused(job.token, `Redis did not take it: ${textOf(error)}`);
    }
  }

  /** Every job that has not ended, for a new leader. */
  async unfinished(): Promise<readonly Unfinished[]> {
    const states = [
      ["wait", "waiting"],
      ["prioritized", "waiting"],
      ["active", "active"],
      ["delayed", "delayed"],
    ] as const;
    const found = new Map<string, Unfinished>();
    for (const [bullState, state] of states) {
      for (const job of await this.#queue.getJobs([bullState], 0, unfinishedRead)) {
        if (!this.#isOurs(job)) continue;
        const { order, acted } = job.data;
        found.set(order.recovery, {
          job: order,
          triesUsed: job.attemptsMade,
          enqueuedAt: job.timestamp,
          state,
          acted,
        });
      }
    }
    return [...found.values()];
  }

  /** Also of a job that has ended, while it is kept. */
  async orderOf(recovery: string): Promise<RevivalJob | undefined> {
    return (await this.#queue.getJob(recovery))?.data.order;
  }

  async fateOf(recovery: string): Promise<JobFate> {
    const job = await this.#queue.getJob(recovery);
    return job === undefined ? { kind: "missing" } : await this.#fate(job);
  }

  /**
   * Fences older tokens without a job: after a person's silence, or after acting directly, once Redis is back. An older
   * job that waits between two tries is woken, so that a runner finds at once that it is superseded. False: a newer is known.
   */
  async raiseEpoch(token: Token): Promise<boolean> {
    if ((await this.#tokens.raiseEpoch(token)).kind === "fenced") return false;
    const id = await this.#queue.getDeduplicationJobId(workerHash(token.worker));
    const job = id === null ? undefined : await this.#queue.getJob(id);
    if (!this.#isOurs(job)) return true;
    if (compareTokens(job.data.order.token, token) >= 0 || !(await job.isDelayed())) return true;
    // Its time may have come between the two questions: then a runner has it anyway.
    await job.promote().catch(() => undefined);
    return true;
  }

  async stop(): Promise<void> {
    await endsWithin(
      this.#queue.close().catch(() => undefined),
      500,
    );
  }

  // BullMQ types a job as present; one that was removed between two reads is not.
  #isOurs(job: RevivalQueueJob | undefined): job is RevivalQueueJob {
    return job?.name === this.#jobName;
  }

  async #enqueue(job: RevivalJob, isValid: () => boolean): Promise<JobNews> {
    const { token } = job;
    const [holder, same] = await Promise.all([
      this.#queue.getDeduplicationJobId(workerHash(token.worker)),
      this.#queue.getJob(job.recovery),
    ]);
    if (same !== undefined) {
      const fate = await this.#fate(same);
      if (fate.kind === "alive") return enqueued(job, same.timestamp);
      if (fate.kind !== "missing") return refused(token, `${job.recovery} has ended already`);
    }
    const adopted = holder === null ? undefined : await this.#adopt(token, holder);
    if (adopted !== undefined) return adopted;
    if (!isValid()) return refused(token, "the leader's lease has ended");
    const raised = await this.#tokens.raiseEpoch(token);
    if (raised.kind === "fenced") {
      const { term, epoch } = raised.newer;
      return refused(token, `a newer token is known: term ${term}, epoch ${epoch}`);
    }
    // BullMQ answers with an older job silently. One that ended meanwhile makes room, so a second attempt decides.
    for (let round = 0; round < 2; round++) {
      if (!isValid()) return refused(token, "the leader's lease has ended");
      // A runner may have it before we hear that it was taken.
      const at = this.#clock.wall();
      const added = await this.#add(job);
      if (added === job.recovery) return enqueued(job, at);
      const other = await this.#adopt(token, added);
      if (other !== undefined) return other;
    }
    return refused(token, "another job of this worker came and went; decide again");
  }

  async #add(job: RevivalJob): Promise<string> {
    const added = await this.#queue.add(
      this.#jobName,
      { order: job },
      {
        jobId: job.recovery,
        deduplication: { id: workerHash(job.token.worker) },
        attempts: job.maxTries,
        backoff: { type: "custom" },
        removeOnComplete: history,
        removeOnFail: history,
        stackTraceLimit: 1,
      },
    );
    return added.id ?? "";
  }

  async #adopt(token: Token, id: string): Promise<JobNews | undefined> {
    const job = await this.#queue.getJob(id);
    if (job === undefined) return undefined;
    const fate = await this.#fate(job);
    if (fate.kind !== "alive") return undefined;
    return { kind: "job-adopted", token, found: fate.job, triesUsed: fate.triesUsed };
  }

  async #fate(job: RevivalQueueJob): Promise<JobFate> {
    const state = await job.getState();
    if (state === "unknown") return { kind: "missing" };
    if (state === "completed" || state === "failed") {
      // Read again: what was read before it ended knows neither result nor reason.
      const ended = (await this.#queue.getJob(job.id ?? "")) ?? job;
      const at = ended.finishedOn ?? this.#clock.wall();
      return state === "completed"
        ? { kind: "completed", result: ended.returnvalue, at }
        : {
            kind: "failed",
            job: job.data.order,
            reason: ended.failedReason,
            triesUsed: ended.attemptsMade,
            at,
          };
    }
    return { kind: "alive", job: job.data.order, triesUsed: job.attemptsMade };
  }
}

const enqueued = ({ token, recovery }: RevivalJob, at: number): JobNews => ({
  kind: "job-enqueued",
  token,
  recovery,
  at,
});

const refused = (token: Token, reason: string): JobNews => ({ kind: "job-refused", token, reason });

export const textOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
