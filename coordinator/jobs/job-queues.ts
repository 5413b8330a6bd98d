// The two queues of jobs as one: revivals, and migrations, once there is a Swarm or a second engine.

import type { Queue } from "bullmq";
import type { JobNews, RevivalJob, Token } from "../core/job.ts";
import type { JobFate, RevivalQueue, Unfinished } from "./revival-queue.ts";

export class JobQueues {
  readonly #revivals: RevivalQueue;
  readonly #openMigrations: () => RevivalQueue;
  #migrations: RevivalQueue | undefined;

  /** @param openMigrations makes their queue; called once, when it is first needed */
  constructor(revivals: RevivalQueue, openMigrations: () => RevivalQueue) {
    this.#revivals = revivals;
    this.#openMigrations = openMigrations;
  }

  openMigrations(): RevivalQueue {
    return (this.#migrations ??= this.#openMigrations());
  }

  get boards(): readonly Queue[] {
    return this.#all.map(({ board }) => board);
  }

  enqueue(job: RevivalJob, isValid: () => boolean): Promise<JobNews> {
    const queue = job.move === undefined ? this.#revivals : this.openMigrations();
    return queue.enqueue(job, isValid);
  }

  async unfinished(): Promise<readonly Unfinished[]> {
    return (await Promise.all(this.#all.map((queue) => queue.unfinished()))).flat();
  }

  async fateOf(recovery: string): Promise<JobFate> {
    const fates = await Promise.all(this.#all.map((queue) => queue.fateOf(recovery)));
    return fates.find(({ kind }) => kind !== "missing") ?? { kind: "missing" };
  }

  async orderOf(recovery: string): Promise<RevivalJob | undefined> {
    const orders = await Promise.all(this.#all.map((queue) => queue.orderOf(recovery)));
    return orders.find((order) => order !== undefined);
  }

  /** The token is one for both: whichever holds an older job of the worker wakes it. */
  async raiseEpoch(token: Token): Promise<boolean> {
    const raised = await Promise.all(this.#all.map((queue) => queue.raiseEpoch(token)));
    return raised.every(Boolean);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((queue) => queue.stop()));
  }

  get #all(): readonly RevivalQueue[] {
    return this.#migrations === undefined ? [this.#revivals] : [this.#revivals, this.#migrations];
  }
}
