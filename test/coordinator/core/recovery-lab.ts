// A scripted world for recoveries: workers, a few coordinators' machines and a queue with its runner, in virtual time.

import { Random } from "../../../proto/random.ts";
import { after, instant, term, type Instant, type WorkerId } from "../../../proto/units.ts";
import type { ActionKind, Decision, VerdictKind } from "../../../coordinator/core/decision.ts";
import type { CoreEvent, EventKind } from "../../../coordinator/core/event.ts";
import { exhausted, type JobNews } from "../../../coordinator/core/job.ts";
import {
  Recoveries,
  type RecoveryConfig,
  type RecoveryOutput,
  type RevivalOrder,
} from "../../../coordinator/core/recoveries.ts";
import type { Move } from "../../../coordinator/core/migration/order.ts";
import type { WorkerSpec } from "../../../coordinator/core/worker.ts";
import { config, spec } from "./recovery-specs.ts";

/** How a try goes: recovers; dies within the window; finds another world; or the engine does not answer. */
export type TryResult = "ok" | "dies" | "superseded" | "engine-away";

interface Job {
  readonly order: RevivalOrder;
  tries: number;
  isAlive: boolean;
}

/** `n` coordinators of one mesh. Inputs reach all of them; the queue, the runner and the gossip are simulated. */
export class RecoveryLab {
  now: Instant = instant(1_000);
  readonly machines: Recoveries[];
  readonly deadHosts = new Set<string>();
  readonly specs = new Map<WorkerId, WorkerSpec>();
  readonly verdicts = new Map<WorkerId, VerdictKind>();
  readonly outputs: {
    readonly by: number;
    readonly at: Instant;
    readonly output: RecoveryOutput;
  }[] = [];
  /** Asked at each try. */
  tryResult: (worker: WorkerId, tryNumber: number) => TryResult = () => "ok";
  /** What is concluded of a worker that was healed. */
  healedVerdict: VerdictKind = "healthy";
  /** Undefined: the queue takes nothing (Redis is away) and nothing is heard of it. */
  isRedisUp = true;
  gossips = true;
  readonly jobs = new Map<WorkerId, Job>();
  /** Jobs between their first try and the end, at most. */
  mostAtOnce = 0;
  #timeline: { at: Instant; run: () => void }[] = [];
  #leader: number | undefined;
  #term = 0;
  readonly #dead = new Set<number>();

  constructor(workers: number, machines = 1, over: Partial<RecoveryConfig> = {}) {
    for (let i = 1; i <= workers; i++) {
      const id = `h1/w${i}`;
      this.specs.set(id, spec(id));
      this.verdicts.set(id, "healthy");
    }
    this.machines = Array.from({ length: machines }, (_, i) => this.#newMachine(i, over));
  }

  #newMachine(seed: number, over: Partial<RecoveryConfig>): Recoveries {
    const machine = new Recoveries(
      { ...config, ...over },
      {
        spec: (id) => this.specs.get(id),
        verdict: (id) => this.verdicts.get(id),
        isDead: (host) => this.deadHosts.has(host),
        workerCount: () => this.specs.size,
      },
      new Random(seed + 1),
    );
    // An empty Redis was read.
    machine.onRecordsLoaded([], this.now);
    return machine;
  }

  /** The n-th machine forgets everything: its process was restarted. */
  restart(machine: number): void {
    this.machines[machine] = this.#newMachine(machine, {});
    this.#dead.delete(machine);
  }

  machine(i = 0): Recoveries {
    return this.machines[i]!;
  }

  lead(machine = 0): void {
    if (this.#leader !== undefined && !this.#dead.has(this.#leader))
      this.#take(this.#leader, this.machine(this.#leader).becomeFollower(this.now));
    this.#leader = machine;
    this.#term += 1;
    this.#take(machine, this.machine(machine).becomeLeader(term(this.#term), this.now));
    this.lease(machine);
  }

  get term(): number {
    return this.#term;
  }

  lease(machine = 0, length = 1_000_000_000): void {
    this.machine(machine).onLease(after(this.now, length));
    this.#tick();
  }

  /** It acts and hears no more. */
  kill(machine: number): void {
    this.#dead.add(machine);
    if (this.#leader === machine) this.#leader = undefined;
  }

  each(call: (machine: Recoveries) => readonly RecoveryOutput[]): void {
    this.machines.forEach((machine, i) => {
      if (!this.#dead.has(i)) this.#take(i, call(machine));
    });
  }

  /** What one machine hears alone. */
  only(i: number, outputs: readonly RecoveryOutput[]): void {
    this.#take(i, outputs);
  }

  fail(
    worker: WorkerId,
    over: {
      readonly verdict?: VerdictKind;
      readonly action?: ActionKind;
      readonly notBefore?: Instant;
      readonly waitReason?: string;
      readonly commonCause?: string;
      readonly move?: Move;
    } = {},
  ): void {
    const verdict = over.verdict ?? "stopped";
    this.verdicts.set(worker, verdict);
    this.decide({
      kind: "act",
      worker,
      verdict: { worker, kind: verdict, reason: `it is ${verdict}`, evidence: [] },
      action: over.action ?? "start",
      notBefore: over.notBefore ?? this.now,
      waitReason: over.waitReason ?? "",
      commonCause: over.commonCause ?? "",
      ...(over.move !== undefined && { move: over.move }),
    });
  }

  leave(worker: WorkerId, verdict: VerdictKind, reason = ""): void {
    this.verdicts.set(worker, verdict);
    this.decide({
      kind: "leave",
      worker,
      verdict: { worker, kind: verdict, reason: `it is ${verdict}`, evidence: [] },
      reason,
    });
  }

  decide(decision: Decision): void {
    this.each((machine) => machine.onDecision(decision, this.now));
  }

  news(news: JobNews): void {
    this.each((machine) => machine.onJobNews(news, this.now));
  }

  redis(state: "reachable" | "unreachable"): void {
    this.isRedisUp = state === "reachable";
    this.each((machine) => machine.onRedis(state, this.now));
  }

  /** Lets `ms` pass: timers, runner and gossip. */
  pass(ms: number): void {
    const end = after(this.now, ms);
    for (let round = 0; ; round++) {
      if (round > 100_000) throw new Error("the machines never come to rest");
      const next = this.#nextEvent();
      if (next > end) break;
      this.now = instant(Math.max(this.now, next));
      const due = this.#timeline.filter(({ at }) => at <= this.now);
      this.#timeline = this.#timeline.filter(({ at }) => at > this.now);
      for (const { run } of due) run();
      this.#tick();
    }
    this.now = end;
  }

  gossip(): void {
    this.machines.forEach((from, i) => {
      if (this.#dead.has(i)) return;
      const page = from.recordsPage(8, this.now);
      this.machines.forEach((to, j) => {
        if (i !== j && !this.#dead.has(j)) this.#take(j, to.onRecords(page, this.now));
      });
    });
  }

  orders(worker?: WorkerId): RevivalOrder[] {
    const orders: RevivalOrder[] = [];
    for (const { output } of this.outputs) {
      if (output.kind !== "enqueue" && output.kind !== "act-directly") continue;
      if (worker === undefined || output.order.token.worker === worker) orders.push(output.order);
    }
    return orders;
  }

  direct(): Extract<RecoveryOutput, { kind: "act-directly" }>[] {
    return this.outputs.flatMap(({ output }) => (output.kind === "act-directly" ? [output] : []));
  }

  saved(): Extract<RecoveryOutput, { kind: "save-record" }>[] {
    return this.outputs.flatMap(({ output }) => (output.kind === "save-record" ? [output] : []));
  }

  events(kind?: EventKind): CoreEvent[] {
    return this.outputs.flatMap(({ output }) =>
      output.kind === "publish" && (kind === undefined || output.event.kind === kind)
        ? [output.event]
        : [],
    );
  }

  kinds(): EventKind[] {
    return this.events().map(({ kind }) => kind);
  }

  at(ms: number, run: () => void): void {
    this.#timeline.push({ at: after(this.now, ms), run });
  }

  #nextEvent(): number {
    const timers = this.machines.flatMap((machine, i) =>
      this.#dead.has(i) ? [] : [machine.nextDeadline() ?? Infinity],
    );
    return Math.min(...timers, ...this.#timeline.map(({ at }) => at));
  }

  #tick(): void {
    this.machines.forEach((machine, i) => {
      const due = machine.nextDeadline();
      if (!this.#dead.has(i) && due !== undefined && due <= this.now)
        this.#take(i, machine.onTick(this.now));
    });
  }

  #take(by: number, outputs: readonly RecoveryOutput[]): void {
    for (const output of outputs) {
      this.outputs.push({ by, at: this.now, output });
      if (output.kind === "enqueue") {
        // Lost with Redis; otherwise a millisecond to get there.
        this.at(1, () => {
          if (this.isRedisUp) this.#enqueue(output.order);
        });
      } else if (output.kind === "act-directly") {
        this.at(1, () => {
          this.#try(output.order, output.tryNumber, by);
        });
      }
    }
    if (outputs.length > 0 && this.gossips)
      this.at(100, () => {
        this.gossip();
      });
  }

  #enqueue(order: RevivalOrder): void {
    const { worker } = order.token;
    const old = this.jobs.get(worker);
    const at = 0;
    if (old?.isAlive === true) {
      const found = { ...old.order, detectedAt: 0, decidedAt: 0 };
      this.news({ kind: "job-adopted", token: order.token, found, triesUsed: old.tries });
      return;
    }
    const job: Job = { order, tries: 0, isAlive: true };
    this.jobs.set(worker, job);
    this.mostAtOnce = Math.max(
      this.mostAtOnce,
      [...this.jobs.values()].filter(({ isAlive }) => isAlive).length,
    );
    this.news({ kind: "job-enqueued", token: order.token, recovery: order.recovery, at });
    this.at(2, () => {
      this.#try(order, 1);
    });
  }

  /** @param by the machine that hears of it; undefined: all, by way of Redis. */
  #try(order: RevivalOrder, tryNumber: number, by?: number): void {
    const { token, recovery } = order;
    const { worker } = token;
    const tell = (ms: number, make: () => JobNews): void => {
      this.at(ms, () => {
        const job = this.jobs.get(worker);
        if (by === undefined && (!this.isRedisUp || job?.order !== order)) return;
        const news = make();
        if (by === undefined) this.news(news);
        else if (!this.#dead.has(by)) this.#take(by, this.machine(by).onJobNews(news, this.now));
      });
    };
    const base = { token, recovery, at: 0 };
    const end = (): void => {
      const job = this.jobs.get(worker);
      if (job?.order === order) job.isAlive = false;
    };
    const result = this.tryResult(worker, tryNumber);
    tell(0, () => ({ kind: "try-started", ...base, tryNumber, runner: "r1" }));
    if (result === "superseded") {
      tell(10, () => {
        end();
        return { kind: "superseded", ...base, reason: "it was started by somebody else" };
      });
      return;
    }
    const failed = (reason: string, counts: boolean): void => {
      const job = this.jobs.get(worker);
      if (job !== undefined && counts) job.tries = tryNumber;
      const isLast = counts && tryNumber >= order.maxTries;
      if (by === undefined && !isLast)
        this.at(1_000, () => {
          if (this.isRedisUp && this.jobs.get(worker)?.order === order)
            this.#try(order, counts ? tryNumber + 1 : tryNumber);
        });
      if (isLast)
        tell(1, () => {
          end();
          return exhausted(order, tryNumber, reason, 0);
        });
    };
    if (result === "engine-away") {
      const reason = "the engine did not answer";
      tell(100, () => {
        failed(reason, false);
        return { kind: "try-failed", ...base, tryNumber, reason, counts: false, nextTryIn: 1_000 };
      });
      return;
    }
    tell(250, () => ({ kind: "acted", ...base, newContainerId: "n", newStartedAt: "later" }));
    tell(300, () => ({ kind: "verified", ...base }));
    if (result === "dies") {
      const reason = "it died within the window";
      tell(800, () => {
        failed(reason, true);
        return { kind: "try-failed", ...base, tryNumber, reason, counts: true, nextTryIn: 1_000 };
      });
      return;
    }
    this.at(300, () => {
      this.leave(worker, this.healedVerdict);
    });
    tell(300 + order.verifyWindow, () => {
      end();
      return { kind: "recovered", ...base };
    });
  }
}

/** A worker that fails as soon as it is healed, for as long as heartmesh goes along. */
export function crashLoop(lab: RecoveryLab, times: number, worker = "h1/w1"): void {
  for (let i = 0; i < times; i++) {
    lab.fail(worker);
    lab.pass(6_000);
  }
}
