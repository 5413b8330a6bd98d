// One JavaScript thread in virtual time, in Node's order: expired timers, then what arrived, then immediates; after each, its promises.

import { pop, push, type Happening } from "../coordinator/core/happenings.ts";
import { drainMicrotasks } from "./microtasks.ts";
import type { SimProcess } from "./process.ts";

/** What libuv reads of a socket in one turn. */
const readAtOnce = 32;

export class Timer {
  isOver = false;
  readonly run: () => void;
  readonly every: number | undefined;

  constructor(run: () => void, every: number | undefined) {
    this.run = run;
    this.every = every;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/** The thread whose code runs just now. */
let running: Loop | undefined;

export function currentLoop(): Loop {
  if (running === undefined) throw new Error("no simulated thread is running");
  return running;
}

/** @returns which thread ran before */
function switchTo(loop: Loop | undefined): Loop | undefined {
  const before = running;
  running = loop;
  return before;
}

export class Loop {
  readonly process: SimProcess;
  /** `performance.now()` begins at 0 in each thread. */
  readonly origin: number;
  /** Real time until which nothing runs: its process is stopped, or a long computation holds it. */
  blockedUntil = 0;
  #timers: Happening[] = [];
  #arrived: (() => void)[] = [];
  #immediates: (() => void)[] = [];
  #order = 0;
  #turnAt = Infinity;

  constructor(process: SimProcess) {
    this.process = process;
    this.origin = process.world.now;
    process.loops.push(this);
  }

  /** Code that begins on this thread: a process's start, a test's call. */
  enter<Value>(run: () => Value): Value {
    const outer = switchTo(this);
    try {
      const value = run();
      drainMicrotasks();
      return value;
    } finally {
      switchTo(outer);
      this.#plan();
    }
  }

  setTimer(run: () => void, ms: number, isRepeated: boolean): Timer {
    const wait = Number.isFinite(ms) && ms >= 1 ? ms : 1;
    const timer = new Timer(run, isRepeated ? wait : undefined);
    this.#arm(timer, wait);
    return timer;
  }

  setImmediate(run: () => void): void {
    this.#immediates.push(run);
    this.#planAt(this.process.world.now);
  }

  /** Its own `performance.now()`. */
  now(): number {
    const { process, origin } = this;
    return process.monotonic() - process.clock.offset - origin * process.clock.rate;
  }

  /** Something for this thread: a datagram, an answer, a message of another thread. */
  deliver(run: () => void): void {
    if (!this.process.alive) return;
    this.#arrived.push(run);
    this.#planAt(this.process.world.now);
  }

  /** Its clock stood still for so long. */
  shiftTimers(ms: number): void {
    this.#timers = this.#timers.map((one) => ({ ...one, at: one.at + ms }));
    this.#turnAt = Infinity;
    this.#plan();
  }

  block(ms: number): void {
    this.blockedUntil = Math.max(this.blockedUntil, this.process.world.now + ms);
  }

  /** Nothing of it runs any more. */
  end(): void {
    this.#timers = [];
    this.#arrived = [];
    this.#immediates = [];
  }

  #arm(timer: Timer, wait: number): void {
    const { world, clock } = this.process;
    // A timer is never early, and late by a little.
    const late = world.random.float() * 0.4;
    const at = world.now + wait / clock.rate + late;
    const run = (): void => {
      if (timer.isOver) return;
      if (timer.every === undefined) timer.isOver = true;
      else this.#arm(timer, timer.every);
      timer.run();
    };
    push(this.#timers, { at, order: this.#order++, run });
    this.#planAt(at);
  }

  #plan(): void {
    if (this.#arrived.length > 0 || this.#immediates.length > 0) {
      this.#planAt(this.process.world.now);
      return;
    }
    const first = this.#timers[0];
    if (first !== undefined) this.#planAt(first.at);
  }

  #planAt(time: number): void {
    const at = Math.max(time, this.blockedUntil);
    if (at >= this.#turnAt || !this.process.alive) return;
    this.#turnAt = at;
    this.process.world.at(at, () => {
      if (this.#turnAt === at) this.#turn();
    });
  }

  #turn(): void {
    this.#turnAt = Infinity;
    const { world } = this.process;
    if (!this.process.alive) return;
    if (this.blockedUntil > world.now) {
      this.#plan();
      return;
    }
    switchTo(this);
    try {
      this.#runTimers(world.now);
      this.#runAll(this.#arrived.splice(0, readAtOnce));
      const immediates = this.#immediates;
      this.#immediates = [];
      this.#runAll(immediates);
    } finally {
      switchTo(undefined);
      this.#plan();
    }
  }

  #runTimers(now: number): void {
    for (let first = this.#timers[0]; first !== undefined && first.at <= now;) {
      pop(this.#timers);
      first.run();
      drainMicrotasks();
      first = this.#timers[0];
    }
  }

  #runAll(callbacks: readonly (() => void)[]): void {
    for (const run of callbacks) {
      run();
      drainMicrotasks();
    }
  }
}
