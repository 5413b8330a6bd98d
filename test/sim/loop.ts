// One JavaScript thread in virtual time, in Node's order: expired timers, then what arrived, then immediates; after each, its promises.

import { Agenda } from "./agenda.ts";
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
  readonly #timers = new Agenda<Timer>();
  #arrived: (() => void)[] = [];
  #immediates: (() => void)[] = [];
  /** Emptied arrays, to be filled again. */
  #spareArrived: (() => void)[] = [];
  #spareImmediates: (() => void)[] = [];
  /** A turn comes at this very instant. */
  #isSoon = false;
  /** When the next one after that comes at the latest; it may find nothing to do. */
  #laterAt = Infinity;

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
    if (running !== this) this.#planAt(this.process.world.now);
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
    if (running !== this) this.#planAt(this.process.world.now);
  }

  /** Its clock stood still for so long. */
  shiftTimers(ms: number): void {
    this.#timers.shift(ms);
    this.#plan();
  }

  block(ms: number): void {
    this.blockedUntil = Math.max(this.blockedUntil, this.process.world.now + ms);
  }

  /** Nothing of it runs any more. */
  end(): void {
    this.#timers.clear();
    this.#arrived = [];
    this.#immediates = [];
  }

  #arm(timer: Timer, wait: number): void {
    const { world, clock } = this.process;
    // A timer is never early, and late by a little.
    const late = world.random.float() * 0.4;
    const at = world.now + wait / clock.rate + late;
    this.#timers.push(at, timer);
    if (running !== this) this.#planAt(at);
  }

  /** After each turn; what is asked for inside one is planned here. */
  #plan(): void {
    if (this.#arrived.length > 0 || this.#immediates.length > 0) {
      this.#planAt(this.process.world.now);
      return;
    }
    // Most timers are waits for an answer that came.
    while (this.#timers.first?.isOver === true) this.#timers.pop();
    if (this.#timers.firstAt < Infinity) this.#planAt(this.#timers.firstAt);
  }

  #planAt(time: number): void {
    const { world, alive } = this.process;
    if (!alive) return;
    const at = Math.max(time, this.blockedUntil);
    if (at <= world.now) this.#planSoon();
    else if (at < this.#laterAt) {
      this.#laterAt = at;
      world.at(at, this.#onLater);
    }
  }

  #planSoon(): void {
    if (this.#isSoon || !this.process.alive) return;
    this.#isSoon = true;
    const { world } = this.process;
    world.at(world.now, this.#onSoon);
  }

  readonly #onSoon = (): void => {
    this.#isSoon = false;
    this.#turn();
  };

  /** Also called for turns that come sooner by now. */
  readonly #onLater = (): void => {
    if (this.#laterAt !== this.process.world.now) return;
    this.#laterAt = Infinity;
    this.#turn();
  };

  #hasWork(now: number): boolean {
    return this.#arrived.length > 0 || this.#immediates.length > 0 || this.#timers.firstAt <= now;
  }

  #turn(): void {
    const { world } = this.process;
    if (!this.process.alive) return;
    if (this.blockedUntil > world.now || !this.#hasWork(world.now)) {
      this.#plan();
      return;
    }
    switchTo(this);
    try {
      this.#runTimers(world.now);
      this.#runArrived();
      const immediates = this.#immediates;
      if (immediates.length > 0) {
        this.#immediates = this.#spareImmediates;
        this.#runAll(immediates);
        immediates.length = 0;
        this.#spareImmediates = immediates;
      }
    } finally {
      switchTo(undefined);
      this.#plan();
    }
  }

  #runTimers(now: number): void {
    while (this.#timers.firstAt <= now) {
      const timer = this.#timers.first;
      this.#timers.pop();
      if (timer === undefined || timer.isOver) continue;
      if (timer.every === undefined) timer.isOver = true;
      else this.#arm(timer, timer.every);
      timer.run();
      drainMicrotasks();
    }
  }

  #runArrived(): void {
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    if (arrived.length > readAtOnce) {
      this.#runAll(arrived.splice(0, readAtOnce));
      return;
    }
    this.#arrived = this.#spareArrived;
    this.#runAll(arrived);
    arrived.length = 0;
    this.#spareArrived = arrived;
  }

  #runAll(callbacks: readonly (() => void)[]): void {
    for (const run of callbacks) {
      run();
      drainMicrotasks();
    }
  }
}
