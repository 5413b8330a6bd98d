// Starting, healthy, unhealthy: what the results of checks mean and when the next one begins, in virtual time.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  WorkerCheck,
  type CheckOutput,
  type CheckResult,
  type CheckTiming,
} from "../../../agent/core/worker-check.ts";
import { instant } from "../../../proto/units.ts";

const timing: CheckTiming = { interval: 1000, timeout: 500, threshold: 2, startPeriod: 3000 };
const ok: CheckResult = { ok: true };
const failed: CheckResult = { ok: false, reason: "connection refused" };

/** Drives a check as the driver would; `answers` says how long a check takes and how it ends; undefined: it hangs. */
class Run {
  readonly check: WorkerCheck;
  now = 0;
  begun: number[] = [];
  abandoned: number[] = [];
  answer: (at: number) => { after: number; result: CheckResult } | undefined;
  #pending: { id: number; at: number; result: CheckResult }[] = [];

  constructor(
    answer: (at: number) => { after: number; result: CheckResult } | undefined,
    settings: CheckTiming = timing,
  ) {
    this.answer = answer;
    this.check = new WorkerCheck(settings);
    this.#take(this.check.step({ kind: "started" }, instant(0)));
  }

  until(end: number): this {
    for (;;) {
      const result = this.#pending.at(0);
      const deadline = this.check.nextDeadline() ?? Infinity;
      const next = Math.min(result?.at ?? Infinity, deadline);
      if (next > end) break;
      this.now = next;
      if (result !== undefined && result.at <= next) {
        this.#pending.shift();
        const { id } = result;
        const input = { kind: "check-finished", id, result: result.result } as const;
        this.#take(this.check.step(input, instant(next)));
      } else {
        this.#take(this.check.step({ kind: "timer-fired" }, instant(next)));
      }
    }
    this.now = end;
    return this;
  }

  get state(): string {
    return this.check.health(instant(this.now)).state;
  }

  #take(outputs: readonly CheckOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "abandon-check") {
        this.abandoned.push(output.id);
        this.#pending = this.#pending.filter((pending) => pending.id !== output.id);
        continue;
      }
      this.begun.push(this.now);
      const answer = this.answer(this.now);
      if (answer === undefined) continue;
      this.#pending.push({ id: output.id, at: this.now + answer.after, result: answer.result });
    }
  }
}

describe("a worker's check", () => {
  it("is made at the interval while all is well", () => {
    const run = new Run(() => ({ after: 5, result: ok })).until(3500);
    deepEqual(run.begun, [0, 1000, 2000, 3000]);
    equal(run.state, "healthy");
  });

  it("leaves the worker starting while it fails within the start period, and asks often", () => {
    const run = new Run(() => ({ after: 5, result: failed })).until(2999);
    equal(run.state, "starting");
    deepEqual(run.begun.slice(0, 4), [0, 250, 500, 750]);
    equal(run.until(3600).state, "unhealthy");
  });

  it("ends the start period with the first success", () => {
    const run = new Run((at) => ({ after: 5, result: at < 500 ? failed : ok })).until(600);
    equal(run.state, "healthy");
    run.answer = () => ({ after: 5, result: failed });
    equal(run.until(1510).state, "healthy");
    equal(run.until(1760).state, "unhealthy");
  });

  it("calls the worker unhealthy after the threshold, with the reason, and healthy after one success", () => {
    const run = new Run((at) => ({ after: 5, result: at < 1000 || at > 3000 ? ok : failed }));
    run.until(1100);
    equal(run.state, "healthy");
    run.until(1300);
    deepEqual(run.check.health(instant(1300)), {
      state: "unhealthy",
      checkedAgo: 50,
      reason: "connection refused",
    });
    equal(run.until(3300).state, "healthy");
  });

  it("sees a hang within two seconds: interval, and two timeouts one after the other", () => {
    const run = new Run((at) => (at < 1000 ? { after: 5, result: ok } : undefined));
    // The worker hangs just after the check that began at 0.
    equal(run.until(1999).state, "healthy");
    run.until(2000);
    deepEqual(run.check.health(instant(2000)), {
      state: "unhealthy",
      checkedAgo: 500,
      reason: "no answer within 500 ms",
    });
    deepEqual(run.abandoned.slice(0, 2), [2, 3]);
  });

  it("ignores the late result of a check that was given up", () => {
    const run = new Run(() => undefined, { ...timing, startPeriod: 0 }).until(1000);
    equal(run.state, "unhealthy");
    deepEqual(run.check.step({ kind: "check-finished", id: 1, result: ok }, instant(1000)), []);
    equal(run.state, "unhealthy");
  });

  it("gives an open check more time when it was the agent itself that stalled", () => {
    const check = new WorkerCheck({ ...timing, startPeriod: 0, threshold: 1 });
    check.step({ kind: "started" }, instant(0));
    deepEqual(check.step({ kind: "timer-fired" }, instant(900)), []);
    equal(check.health(instant(900)).state, "starting");
    equal(check.nextDeadline(), 1300);
    check.step({ kind: "check-finished", id: 1, result: ok }, instant(901));
    equal(check.health(instant(901)).state, "healthy");
  });

  it("gives that time once, so that a machine that is always late still finds a hang", () => {
    const check = new WorkerCheck({ ...timing, startPeriod: 0, threshold: 1 });
    check.step({ kind: "started" }, instant(0));
    check.step({ kind: "timer-fired" }, instant(900));
    check.step({ kind: "timer-fired" }, instant(1500));
    equal(check.health(instant(1500)).state, "unhealthy");
  });

  it("tells the age of the check that gave the health, from its begin", () => {
    const run = new Run(() => ({ after: 300, result: ok })).until(1100);
    equal(run.check.health(instant(1100)).checkedAgo, 1100);
    equal(run.check.health(instant(run.until(1400).now)).checkedAgo, 400);
  });

  it("begins a new start period with a new process of the worker", () => {
    const run = new Run(() => ({ after: 5, result: ok })).until(4000);
    run.answer = () => ({ after: 5, result: failed });
    run.until(6000);
    equal(run.state, "unhealthy");
    run.check.step({ kind: "worker-started" }, instant(6000));
    equal(run.state, "starting");
  });
});
