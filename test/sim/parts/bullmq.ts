// BullMQ's queue and worker on the simulated Redis: locks, stalled jobs, delays, deduplication, as measured of the real ones.

import { currentLoop, type Loop, type Timer } from "../loop.ts";
import {
  addRow,
  endRow,
  findStalled,
  holdsLock,
  nextDue,
  renewLocks,
  takeRow,
  toWait,
  type BullQueue,
  type BullRow,
} from "../bull-data.ts";
import { queueOf } from "../redis-server.ts";
import { nothingYet, type SimRedis } from "./redis.ts";

export class DelayedError extends Error {}
export class WaitingError extends Error {}
export class UnrecoverableError extends Error {}

type Data = Readonly<Record<string, unknown>>;
type Script<Value> = (queue: BullQueue, now: number) => Value;

interface Ask {
  readonly connection: SimRedis;
  readonly prefix: string;
}

class Access {
  readonly redis: SimRedis;
  readonly #name: string;

  constructor(name: string, ask: Ask) {
    this.redis = ask.connection;
    this.#name = `${ask.prefix}:${name}`;
  }

  run<Value>(script: Script<Value>, blocks = 0): Promise<Value> {
    return this.redis.call((data, now) => script(queueOf(data, this.#name), now), blocks);
  }
}

const missingLock = (id: string): Error => new Error(`Missing lock for job ${id}.`);

export class Job {
  readonly id: string;
  readonly name: string;
  data: Data;
  attemptsMade: number;
  timestamp: number;
  delay: number;
  finishedOn: number | undefined;
  returnvalue: unknown;
  failedReason: string;
  readonly #access: Access;

  constructor(access: Access, row: BullRow) {
    this.#access = access;
    this.id = row.id;
    this.name = row.name;
    this.data = row.data as Data;
    this.attemptsMade = row.attemptsMade;
    this.timestamp = row.timestamp;
    this.delay = row.delay;
    this.finishedOn = row.finishedOn;
    this.returnvalue = row.returnvalue;
    this.failedReason = row.failedReason;
  }

  getState(): Promise<string> {
    return this.#access.run((queue) => {
      const state = queue.rows.get(this.id)?.state;
      return state === "wait" ? "waiting" : (state ?? "unknown");
    });
  }

  isDelayed(): Promise<boolean> {
    return this.#access.run((queue) => queue.rows.get(this.id)?.state === "delayed");
  }

  async promote(): Promise<void> {
    await this.#access
      .run((queue) => {
        const row = queue.rows.get(this.id);
        if (row?.state !== "delayed") return false;
        toWait(queue, row);
        return true;
      })
      .then((done) => {
        if (!done) throw new Error(`Job ${this.id} is not in the delayed state.`);
      });
  }

  async updateData(data: Data): Promise<void> {
    this.data = data;
    await this.#access.run((queue) => {
      const row = queue.rows.get(this.id);
      if (row !== undefined) row.data = data;
      return row !== undefined;
    });
  }

  async moveToDelayed(wall: number, token: string): Promise<void> {
    const { process } = currentLoop();
    const wait = Math.max(0, wall - process.wall());
    await this.#whileHeld((queue, now) => {
      const row = queue.rows.get(this.id);
      if (!holdsLock(row, token, now)) return false;
      Object.assign(row, { state: "delayed", lock: undefined, delay: wait, dueAt: now + wait });
      return true;
    });
  }

  async moveToWait(token: string): Promise<void> {
    await this.#whileHeld((queue, now) => {
      const row = queue.rows.get(this.id);
      if (!holdsLock(row, token, now)) return false;
      toWait(queue, row);
      return true;
    });
  }

  async #whileHeld(script: Script<boolean>): Promise<void> {
    if (!(await this.#access.run(script))) throw missingLock(this.id);
  }
}

interface AddOptions {
  readonly jobId?: string;
  readonly deduplication?: { readonly id: string };
  readonly attempts?: number;
  readonly removeOnComplete?: unknown;
}

export class Queue {
  readonly #access: Access;

  constructor(name: string, ask: Ask) {
    this.#access = new Access(name, ask);
  }

  on(): this {
    return this;
  }

  async add(name: string, data: Data, options: AddOptions): Promise<{ readonly id: string }> {
    const { process } = currentLoop();
    const timestamp = Math.floor(process.wall());
    this.#access.redis.server.onAdd?.(process);
    const id = await this.#access.run((queue) =>
      addRow(queue, {
        name,
        data,
        id: options.jobId,
        now: timestamp,
        options: {
          attempts: options.attempts ?? 1,
          dedupId: options.deduplication?.id,
          keepsHistory: options.removeOnComplete !== true,
        },
      }),
    );
    return { id };
  }

  getDeduplicationJobId(id: string): Promise<string | null> {
    const { process } = currentLoop();
    return this.#access.run((queue) => {
      this.#access.redis.server.onLookup?.(process);
      return queue.dedup.get(id) ?? null;
    });
  }

  getJob(id: string): Promise<Job | undefined> {
    return this.#access.run((queue) => {
      const row = queue.rows.get(id);
      return row === undefined ? undefined : new Job(this.#access, row);
    });
  }

  getJobs([state]: readonly string[]): Promise<readonly Job[]> {
    return this.#access.run((queue) =>
      [...queue.rows.values()]
        .filter((row) => row.state === state)
        .map((row) => new Job(this.#access, row)),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface WorkerOptions extends Ask {
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly lockRenewTime?: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
  /** Seconds. */
  readonly drainDelay: number;
  readonly runRetryDelay: number;
  readonly settings: {
    readonly backoffStrategy: (made: number, type: string, error: Error, job: Job) => number;
  };
}

type Processor = (job: Job, token: string) => Promise<unknown>;
type Listener = (...values: never[]) => void;

export class Worker {
  readonly #access: Access;
  readonly #process: Processor;
  readonly #options: WorkerOptions;
  readonly #loop: Loop = currentLoop();
  readonly #listeners = new Map<string, Listener>();
  readonly #held = new Map<string, string>();
  readonly #timers: Timer[] = [];
  readonly #id = this.#loop.process.world.random.nonce();
  #fetches = 0;
  #isOpen = true;
  #isPaused = false;

  constructor(name: string, process: Processor, options: WorkerOptions) {
    this.#access = new Access(name, options);
    this.#process = process;
    this.#options = options;
    void this.#fetch();
    const renewEvery = (options.lockRenewTime ?? options.lockDuration / 2) / 2;
    this.#timers.push(
      this.#loop.setTimer(() => void this.#renew(), renewEvery, true),
      this.#loop.setTimer(() => void this.#lookForStalled(), options.stalledInterval, true),
    );
  }

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, listener);
    return this;
  }

  /** Resolves once what is in hand has ended. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    while (this.#held.size > 0 && this.#isOpen) {
      await new Promise<void>((resolve) => this.#loop.setTimer(resolve, 5, false));
    }
  }

  close(_force: boolean): Promise<void> {
    this.#isOpen = false;
    for (const timer of this.#timers) timer.isOver = true;
    return Promise.resolve();
  }

  #emit(name: string, ...values: unknown[]): void {
    (this.#listeners.get(name) as ((...values: unknown[]) => void) | undefined)?.(...values);
  }

  async #fetch(): Promise<void> {
    while (this.#isOpen && !this.#isPaused) {
      if (this.#held.size >= this.#options.concurrency) {
        await this.#pauseFor(20);
        continue;
      }
      try {
        await this.#fetchOne();
      } catch (error) {
        this.#emit("error", error);
        await this.#pauseFor(this.#options.runRetryDelay);
      }
    }
  }

  async #fetchOne(): Promise<void> {
    const token = `${this.#id}:${this.#fetches++}`;
    const { lockDuration, drainDelay } = this.#options;
    const found = await this.#access.run<Job | typeof nothingYet | null>((queue, now) => {
      const row = takeRow(queue, token, now + lockDuration, now);
      if (row !== undefined) return new Job(this.#access, row);
      // A delayed one wakes whoever waits then.
      this.#access.redis.server.wakeAt(nextDue(queue) + 0.5);
      return nothingYet;
    }, drainDelay * 1000);
    if (found !== null && found !== nothingYet) void this.#run(found, token);
  }

  async #pauseFor(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#loop.setTimer(resolve, ms, false));
  }

  async #run(job: Job, token: string): Promise<void> {
    this.#held.set(job.id, token);
    try {
      const value = await this.#process(job, token);
      await this.#complete(job, token, value);
    } catch (error) {
      if (error instanceof DelayedError || error instanceof WaitingError) return;
      await this.#fail(job, token, error as Error).catch((failure: unknown) => {
        this.#emit("error", failure);
      });
    } finally {
      if (this.#held.get(job.id) === token) this.#held.delete(job.id);
    }
  }

  async #complete(job: Job, token: string, value: unknown): Promise<void> {
    const done = await this.#access
      .run((queue, now) => {
        const row = queue.rows.get(job.id);
        if (!holdsLock(row, token, now)) return false;
        row.attemptsMade++;
        endRow(queue, row, { state: "completed", reason: "", value }, now);
        return true;
      })
      .catch((error: unknown) => {
        this.#emit("error", error);
        return false;
      });
    if (done) this.#emit("completed", job, value);
    else this.#emit("error", missingLock(job.id));
  }

  async #fail(job: Job, token: string, error: Error): Promise<void> {
    const made = job.attemptsMade + 1;
    const delay = Math.max(0, this.#options.settings.backoffStrategy(made, "custom", error, job));
    const after = await this.#access.run((queue, now) => {
      const row = queue.rows.get(job.id);
      if (!holdsLock(row, token, now)) return undefined;
      row.attemptsMade++;
      row.failedReason = error.message;
      const isLast =
        row.attemptsMade >= row.options.attempts || error instanceof UnrecoverableError;
      if (isLast) endRow(queue, row, { state: "failed", reason: error.message, value: null }, now);
      else Object.assign(row, { state: "delayed", lock: undefined, delay, dueAt: now + delay });
      return new Job(this.#access, row);
    });
    if (after === undefined) throw missingLock(job.id);
    this.#emit("failed", after, error);
  }

  async #renew(): Promise<void> {
    const held = [...this.#held].map(([id, token]) => ({ id, token }));
    if (held.length === 0) return;
    const { lockDuration } = this.#options;
    const lost = await this.#access
      .run((queue, now) => renewLocks(queue, held, now + lockDuration, now))
      .catch(() => []);
    if (lost.length > 0) this.#emit("lockRenewalFailed", lost);
  }

  async #lookForStalled(): Promise<void> {
    const { stalledInterval, maxStalledCount } = this.#options;
    const failed = await this.#access
      .run((queue, now) => findStalled(queue, stalledInterval, maxStalledCount, now))
      .catch(() => []);
    for (const row of failed) {
      this.#emit("failed", new Job(this.#access, row), new Error(row.failedReason));
    }
  }
}
