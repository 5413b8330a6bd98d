// The queue, its runners and their hands as a script: what `enqueue` becomes on an engine, told to all coordinators as news.

import type { JobNews, RevivalJob } from "../../../coordinator/core/job.ts";
import type { LifeAwaited, LifeResult, WindowResult } from "../../../coordinator/core/vigil.ts";
import type { RevivalOrder } from "../../../coordinator/core/recoveries.ts";
import type { ScriptedEngine } from "./scripted-engine.ts";

export interface QueueStage {
  readonly at: (ms: number, run: () => void) => void;
  readonly engine: ScriptedEngine;
  /** Ids of the coordinators whose runners live. */
  readonly runners: () => readonly string[];
  /** To one coordinator, or to all. */
  readonly tell: (news: JobNews, to?: string) => void;
  readonly awaitLife: (
    runner: string,
    wait: Omit<LifeAwaited, "id" | "isSecondLook">,
    done: (result: LifeResult) => void,
  ) => void;
  readonly watchWindow: (
    runner: string,
    worker: string,
    window: number,
    done: (result: WindowResult) => void,
  ) => void;
}

interface Job {
  order: RevivalOrder;
  failed: number;
  isAlive: boolean;
  runner: string;
  /** Where one coordinator runs it without the queue. */
  readonly by: string | undefined;
  hasActed: boolean;
  /** Raised when another runner takes it: what the one before still says counts no more. */
  run: number;
}

/** Jobs of a runner that died are picked up by another after this. */
const stalledFor = 4_000;

export class ScriptedQueue {
  isUp = true;
  readonly jobs = new Map<string, Job>();
  readonly #stage: QueueStage;
  #turn = 0;

  constructor(stage: QueueStage) {
    this.#stage = stage;
  }

  enqueue(order: RevivalOrder, by: string): void {
    const { token, recovery } = order;
    if (!this.isUp) {
      this.#stage.tell({ kind: "job-refused", token, reason: "Redis is not connected" }, by);
      return;
    }
    const old = this.jobs.get(token.worker);
    if (old?.isAlive === true) {
      const found: RevivalJob = { ...old.order, detectedAt: 0, decidedAt: 0 };
      this.#stage.tell({ kind: "job-adopted", token, found, triesUsed: old.failed }, by);
      return;
    }
    const job = newJob(order, undefined);
    this.jobs.set(token.worker, job);
    this.#stage.tell({ kind: "job-enqueued", token, recovery, at: 0 });
    this.#later(job, 2, () => {
      this.#try(job);
    });
  }

  actDirectly(order: RevivalOrder, tryNumber: number, by: string): void {
    const job = newJob(order, by);
    job.failed = tryNumber - 1;
    this.#later(job, 1, () => {
      this.#try(job);
    });
  }

  onRunnerDead(runner: string): void {
    for (const job of this.jobs.values()) {
      if (!job.isAlive || job.runner !== runner) continue;
      job.run++;
      this.#later(job, stalledFor, () => {
        this.#try(job);
      });
    }
  }

  #try(job: Job): void {
    const runners = this.#stage.runners();
    job.runner = job.by ?? runners[this.#turn++ % runners.length] ?? "";
    const { order, runner } = job;
    const tryNumber = job.failed + 1;
    this.#tell(job, { kind: "try-started", ...base(order), tryNumber, runner });
    if (job.hasActed) {
      this.#verify(job);
      return;
    }
    const refusal = this.#refusal(order);
    if (refusal === undefined) this.#act(job, tryNumber);
    else if (this.#isPredecessorsWork(job)) this.#finish(job);
    else {
      job.isAlive = false;
      this.#tell(job, { kind: "superseded", ...base(order), reason: refusal });
    }
  }

  /** As the actor looks again before it acts. */
  #refusal({ action, target, agent }: RevivalOrder): string | undefined {
    const view = this.#stage.engine.views.get(target.containerId);
    if (action === "recreate") return view === undefined ? undefined : "it is there again";
    if (view === undefined) return `${target.name} is gone`;
    if (view.startedAt !== target.startedAt) return `${target.name} was started again`;
    const states = action === "start" ? ["exited", "restarting"] : ["running"];
    const isExpected = states.includes(view.state);
    if (!isExpected) return `${target.name} is ${view.state}`;
    const known = agent && this.#stage.engine.views.get(agent.containerId);
    const isStarted = action === "revive-agent" && known?.startedAt !== agent?.startedAt;
    return isStarted ? "its agent was started anew" : undefined;
  }

  #act(job: Job, tryNumber: number): void {
    const { engine } = this.#stage;
    const { order, runner } = job;
    const { name } = order.target;
    const agent = `${name}-agent`;
    const arrangement = engine.workers.get(name)?.arrangement;
    const restart = (one: string): void => {
      engine.kill(one, runner);
      this.#stage.at(40, () => {
        engine.start(one, runner);
      });
    };
    const isAgents =
      order.action === "revive-agent" || (order.action === "agent-then-worker" && tryNumber === 1);
    let takes = 300;
    if (order.action === "kill") {
      engine.kill(name, runner);
      takes = 40;
    } else if (isAgents) {
      restart(agent);
      if (arrangement === "around") {
        this.#later(job, 320, () => {
          restart(name);
        });
        takes = 640;
      }
    } else {
      if (order.action === "start") engine.start(name, runner);
      else if (order.action === "recreate") engine.recreate(name, runner);
      else restart(name);
      if (arrangement === "inside") {
        engine.kill(agent, runner);
        this.#later(job, 320, () => {
          engine.start(agent, runner);
        });
        takes = 600;
      }
    }
    this.#later(job, takes, () => {
      this.#onActed(job);
    });
  }

  /** A runner that was killed had begun this try and started what stands there now. */
  #isPredecessorsWork({ run, order: { target } }: Job): boolean {
    const view = this.#stage.engine.views.get(target.containerId);
    return run > 0 && view !== undefined && view.startedAt !== target.startedAt;
  }

  /** It had killed the agent that joins the worker's namespace, and may not have started it again. */
  #finish(job: Job): void {
    const { name } = job.order.target;
    const { engine } = this.#stage;
    const isInside = engine.workers.get(name)?.arrangement === "inside";
    if (isInside) engine.start(`${name}-agent`, job.runner);
    this.#later(job, 300, () => {
      this.#onActed(job);
    });
  }

  #onActed(job: Job): void {
    const { order } = job;
    const view = this.#stage.engine.view(order.target.name);
    const isKilled = order.action === "kill";
    const newContainerId = view?.id ?? "";
    const newStartedAt = isKilled ? "" : (view?.startedAt ?? "");
    job.hasActed = true;
    if (!isKilled) job.order = { ...order, target: { ...order.target, startedAt: newStartedAt } };
    this.#tell(job, { kind: "acted", ...base(order), newContainerId, newStartedAt });
    this.#verify(job);
  }

  #verify(job: Job): void {
    const { order, runner, run } = job;
    const { worker } = order.token;
    const startedAt = order.action === "revive-agent" ? "" : order.target.startedAt;
    const isSuccessor = order.action === "kill" ? ({ isSuccessor: true } as const) : {};
    const wait = { worker, startedAt, timeout: order.verifyTimeout, ...isSuccessor };
    this.#stage.awaitLife(runner, wait, (life) => {
      if (job.run !== run) return;
      if (life === "stopped") {
        this.#supersede(job);
        return;
      }
      if (life !== "alive") {
        this.#fail(job, "no healthy answer in time");
        return;
      }
      this.#tell(job, { kind: "verified", ...base(order) });
      this.#stage.watchWindow(runner, worker, order.verifyWindow, (result) => {
        if (job.run !== run) return;
        if (result === "died") this.#fail(job, "it failed again");
        else if (result === "stopped") this.#supersede(job);
        else {
          job.isAlive = false;
          this.#tell(job, { kind: "recovered", ...base(order) });
        }
      });
    });
  }

  #supersede(job: Job): void {
    job.isAlive = false;
    this.#tell(job, { kind: "superseded", ...base(job.order), reason: "stopped by somebody" });
  }

  #fail(job: Job, reason: string): void {
    job.failed++;
    job.hasActed = false;
    const { order, failed: tryNumber } = job;
    const nextTryIn = 1_000;
    this.#tell(job, {
      kind: "try-failed",
      ...base(order),
      tryNumber,
      reason,
      counts: true,
      nextTryIn,
    });
    if (job.by !== undefined) {
      job.isAlive = false;
      return;
    }
    if (tryNumber < order.maxTries) {
      this.#later(job, nextTryIn, () => {
        this.#try(job);
      });
      return;
    }
    job.isAlive = false;
    this.#tell(job, { kind: "exhausted", ...base(order), tries: tryNumber, reason });
  }

  #tell(job: Job, news: JobNews): void {
    if (job.by !== undefined) this.#stage.tell(news, job.by);
    else if (this.isUp) this.#stage.tell(news);
  }

  /** Unless its runner has died meanwhile. */
  #later(job: Job, ms: number, run: () => void): void {
    const begun = job.run;
    this.#stage.at(ms, () => {
      if (job.run === begun && job.isAlive) run();
    });
  }
}

const newJob = (order: RevivalOrder, by: string | undefined): Job => ({
  order,
  failed: 0,
  isAlive: true,
  runner: "",
  by,
  hasActed: false,
  run: 0,
});

const base = (order: RevivalOrder): { token: RevivalOrder["token"]; recovery: string; at: 0 } => ({
  token: order.token,
  recovery: order.recovery,
  at: 0,
});
