// One run of a revival job on a runner: one try, or the rest of one that a killed runner left behind.

import { DelayedError, WaitingError, type Job } from "bullmq";
import type { JobNews, RevivalJob } from "../core/job.ts";
import type { Duration } from "../../proto/units.ts";
import { LeaseHold } from "./lease-hold.ts";
import { textOf, type RevivalResult, type StoredRevival } from "./revival-queue.ts";
import {
  followingTry,
  lookAgain,
  performOnce,
  verifyLife,
  type Acted,
  type StageEnd,
  type StagePorts,
} from "./stages.ts";
import type { TokenStore } from "./token.ts";

export type BullRevival = Job<StoredRevival, RevivalResult>;

/** How long a try waits that the engine, or Redis, prevented. */
const postponement: Duration = 1_000;

export interface RunAsk extends StagePorts {
  readonly job: BullRevival;
  /** BullMQ's name of the lock on this job. */
  readonly lock: string;
  readonly tokens: TokenStore;
  readonly runner: string;
  /** Unique to this run. */
  readonly owner: string;
  readonly onError: (error: Error) => void;
}

export class RevivalRun {
  readonly #ask: RunAsk;
  readonly #tryNumber: number;
  /** What may be acted on in this try. */
  readonly #order: RevivalJob;
  readonly #lease: LeaseHold;
  readonly #interruption: Promise<void>;
  #resolveInterruption: () => void = () => undefined;
  #interrupted: "stopping" | "lock-lost" | undefined;
  #hasBegun = false;
  #saved: Promise<void> = Promise.resolve();

  constructor(ask: RunAsk) {
    const { order, acted } = ask.job.data;
    this.#ask = ask;
    this.#tryNumber = ask.job.attemptsMade + 1;
    this.#order = acted === undefined ? order : followingTry(order, acted);
    this.#lease = new LeaseHold({
      tokens: ask.tokens,
      clock: ask.clock,
      token: order.token,
      owner: ask.owner,
      tryNumber: this.#tryNumber,
    });
    this.#interruption = new Promise((resolve) => {
      this.#resolveInterruption = resolve;
    });
  }

  /** The runner stops, or its lock on the job is gone: nothing more is changed, and somebody else goes on. */
  interrupt(why: "stopping" | "lock-lost"): void {
    this.#interrupted ??= why;
    this.#resolveInterruption();
  }

  /** The result of a job that is over; throws where BullMQ shall try again, wait, or let another runner go on. */
  async run(): Promise<RevivalResult> {
    const end = await this.#try();
    await this.#saved;
    switch (end.kind) {
      case "recovered":
        return { outcome: "recovered" };
      case "superseded":
        return { outcome: "superseded", reason: end.reason };
      case "failed":
        return await this.#fail(end);
      case "postponed":
        return await this.#postpone(end.reason);
      case "interrupted":
        return await this.#handOn();
    }
  }

  async #try(): Promise<StageEnd> {
    const { acted } = this.#ask.job.data;
    if (acted?.tryNumber === this.#tryNumber) return await this.#goOn(acted);
    if (acted?.isRunning === true) {
      const seen = await this.#lookAgain(acted);
      if (seen !== undefined) return seen;
    }
    const lease = await this.#takeLease();
    if (lease.kind !== "granted") return lease;
    try {
      this.#tellStart();
      const performed = await performOnce(
        this.#order,
        this.#ask,
        () => this.#interrupted === undefined && this.#lease.isHeld(),
        lease.takenBefore,
      );
      if (performed.kind !== "acted") return performed;
      this.#onActed(performed.acted);
      await this.#lease.release();
      return await this.#verify(performed.acted);
    } finally {
      await this.#lease.release();
    }
  }

  /** Somebody acted and said so, and could not see what came of it: the rest is to look. */
  async #goOn(acted: Acted): Promise<StageEnd> {
    const ended = await this.#checkToken();
    if (ended !== undefined) return ended;
    this.#tellStart();
    this.#tellActed(acted);
    return await this.#verify(acted);
  }

  async #lookAgain(acted: Acted): Promise<StageEnd | undefined> {
    const ended = await this.#checkToken();
    if (ended !== undefined) return ended;
    this.#tellStart();
    return await lookAgain(this.#order, acted, this.#ports(), this.#interruption);
  }

  /** How it ends where the token is not known to be in force. */
  async #checkToken(): Promise<StageEnd | undefined> {
    try {
      const answer = await this.#ask.tokens.checkToken(this.#order.token);
      return answer.kind === "fenced" ? supersededBy(answer.newer) : undefined;
    } catch (error) {
      return { kind: "postponed", reason: `the token could not be checked: ${textOf(error)}` };
    }
  }

  /** Waits for a predecessor's lease to run out; whoever cannot ask Redis may not act. */
  async #takeLease(): Promise<
    { readonly kind: "granted"; readonly takenBefore: boolean } | StageEnd
  > {
    while (this.#interrupted === undefined) {
      try {
        const answer = await this.#lease.take();
        if (answer.kind === "granted") return answer;
        if (answer.kind === "superseded") return supersededBy(answer.newer);
        const wait = new Promise((resolve) =>
          setTimeout(resolve, Math.min(answer.remaining + 10, 500)),
        );
        await Promise.race([wait, this.#interruption]);
      } catch (error) {
        return { kind: "postponed", reason: `the token could not be checked: ${textOf(error)}` };
      }
    }
    return { kind: "interrupted" };
  }

  #verify(acted: Acted): Promise<StageEnd> {
    return verifyLife(this.#order, acted, this.#ports(), this.#interruption);
  }

  async #fail(end: Extract<StageEnd, { kind: "failed" }>): Promise<never> {
    const { acted } = this.#ask.job.data;
    if (acted !== undefined && end.isRunning) this.#save({ ...acted, isRunning: true });
    await this.#saved;
    if (this.#interrupted === "lock-lost") throw new WaitingError();
    throw new Error(end.reason);
  }

  async #postpone(reason: string): Promise<never> {
    const { job, lock } = this.#ask;
    if (this.#interrupted !== undefined) return await this.#handOn();
    await job.moveToDelayed(this.#ask.clock.wall() + postponement, lock);
    this.#tell({
      kind: "try-failed",
      token: this.#order.token,
      recovery: this.#order.recovery,
      tryNumber: this.#tryNumber,
      reason,
      counts: false,
      nextTryIn: postponement,
      at: this.#ask.clock.wall(),
    });
    throw new DelayedError();
  }

  async #handOn(): Promise<never> {
    if (this.#interrupted === "stopping") {
      // Without Redis the lock runs out and another runner finds the job stalled.
      await this.#ask.job.moveToWait(this.#ask.lock).catch(this.#ask.onError);
    }
    throw new WaitingError();
  }

  #onActed(acted: Acted): void {
    this.#save({ ...acted, tryNumber: this.#tryNumber, isRunning: false });
    this.#tellActed(acted);
  }

  /** Not awaited before looking for life: were we killed now, the successor would find the new start itself. */
  #save(acted: NonNullable<StoredRevival["acted"]>): void {
    const { job, onError } = this.#ask;
    const saved = job.updateData({ ...job.data, acted });
    this.#saved = this.#saved.then(() => saved).catch(onError);
  }

  #tellStart(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { job, clock, runner } = this.#ask;
    const { token, recovery } = this.#order;
    if (this.#tryNumber === 1) {
      this.#tell({ kind: "job-enqueued", token, recovery, at: job.timestamp });
    }
    const tryNumber = this.#tryNumber;
    this.#tell({ kind: "try-started", token, recovery, tryNumber, runner, at: clock.wall() });
  }

  #tellActed({ containerId, startedAt, what }: Acted): void {
    const { token, recovery } = this.#order;
    this.#tell({
      kind: "acted",
      token,
      recovery,
      at: this.#ask.clock.wall(),
      newContainerId: containerId,
      newStartedAt: startedAt,
      ...(what === undefined ? {} : { what }),
    });
  }

  #ports(): StagePorts {
    const { actor, lifeWatch, clock } = this.#ask;
    return {
      actor,
      lifeWatch,
      clock,
      onNews: (news) => {
        this.#tell(news);
      },
    };
  }

  /** Who has lost the job is silent: its successor speaks. */
  #tell(news: JobNews): void {
    if (this.#interrupted !== "lock-lost") this.#ask.onNews(news);
  }
}

const supersededBy = (newer: { readonly term: number; readonly epoch: number }): StageEnd => ({
  kind: "superseded",
  reason: `a newer token is known: term ${newer.term}, epoch ${newer.epoch}`,
});
