// A simulated process: its clocks, its threads, and the moment at which it dies between two of its effects.

import type { Loop } from "./loop.ts";
import type { World } from "./world.ts";

export interface ProcessClock {
  /** Against real time; a bound of 1 % is assumed by the leases. */
  readonly rate: number;
  readonly offset: number;
}

/** Wall time at the begin of a run: 2026-01-01, as good as any. */
export const wallBegin = 1_767_225_600_000;

export class SimProcess {
  readonly world: World;
  readonly name: string;
  readonly clock: ProcessClock;
  readonly loops: Loop[] = [];
  alive = true;
  /** What its machine's wall clock is wrong by, ms. */
  wallError = 0;
  /** How long its machine slept in all. */
  slept = 0;
  /** Closes what the kernel closes when a process ends. */
  readonly onEnd: (() => void)[] = [];
  /** So many effects more, then it dies. */
  #effectsLeft = Infinity;

  constructor(world: World, name: string, clock: ProcessClock) {
    this.world = world;
    this.name = name;
    this.clock = clock;
  }

  /** ms; stands still while the machine sleeps. */
  monotonic(): number {
    return this.clock.offset + (this.world.now - this.slept) * this.clock.rate;
  }

  /** ms; runs on while the machine sleeps. */
  boottime(): number {
    return this.clock.offset + this.world.now * this.clock.rate;
  }

  wall(): number {
    return wallBegin + this.world.now + this.wallError;
  }

  /** To be asked before anything that others can see; false: it is dead, and nothing happens. */
  effect(): boolean {
    if (!this.alive) return false;
    if (this.#effectsLeft-- > 0) return true;
    this.kill();
    return false;
  }

  /** Dies after `count` more effects, wherever in its code that is. */
  killAfter(count: number): void {
    this.#effectsLeft = count;
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const loop of this.loops) loop.end();
    for (const end of this.onEnd) end();
  }

  /** SIGSTOP and, later, SIGCONT: its clocks run on. */
  freeze(ms: number): void {
    for (const loop of this.loops) loop.block(ms);
  }

  /** Its machine sleeps: the monotonic clock stands still, and with it every timer. */
  sleep(ms: number): void {
    this.slept += ms;
    for (const loop of this.loops) {
      loop.block(ms);
      loop.shiftTimers(ms);
    }
  }
}
