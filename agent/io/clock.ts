// The one place where a process reads its clocks, and the detector of a suspended machine.

import { closeSync, openSync, readSync } from "node:fs";
import { instant, type Duration, type Instant } from "../../proto/units.ts";

export interface Clock {
  /** Monotonic; never goes backwards; does not run while the machine is suspended. */
  now(): Instant;
  /** Milliseconds since 1970, for people and incarnations; may jump. */
  wall(): number;
}

export const systemClock: Clock = {
  now: () => instant(performance.now()),
  wall: () => Date.now(),
};

/** Below this, a difference between the two clocks is the rounding of `/proc/uptime` (10 ms) and of the scheduler between two reads. */
const noticed: Duration = 200;

/**
 * Tells how long the machine slept. `/proc/uptime` is CLOCK_BOOTTIME, which runs during a suspend;
 * the monotonic clock does not. Where there is no `/proc/uptime`, no suspend is ever seen.
 */
export class SuspendWatch {
  readonly #clock: Clock;
  readonly #readBoottime: () => Duration | undefined;
  #offset: Duration | undefined;

  constructor(clock: Clock, readBoottime: () => Duration | undefined = boottimeReader()) {
    this.#clock = clock;
    this.#readBoottime = readBoottime;
    this.#offset = this.#currentOffset();
  }

  /** How long the machine was suspended since the last call (or construction); 0 when it was not. Costs a few µs. */
  suspendedFor(): Duration {
    const offset = this.#currentOffset();
    if (offset === undefined || this.#offset === undefined) {
      this.#offset = offset;
      return 0;
    }
    const slept = offset - this.#offset;
    if (slept < noticed) {
      // The lowest offset seen is the least disturbed one: a read that was held up shows a larger one.
      this.#offset = Math.min(this.#offset, offset);
      return 0;
    }
    this.#offset = offset;
    return slept;
  }

  #currentOffset(): Duration | undefined {
    const monotonic = this.#clock.now();
    const boottime = this.#readBoottime();
    return boottime === undefined ? undefined : boottime - monotonic;
  }
}

function boottimeReader(): () => Duration | undefined {
  const bytes = new Uint8Array(64);
  return () => {
    let file: number | undefined;
    try {
      file = openSync("/proc/uptime", "r");
      const length = readSync(file, bytes, 0, bytes.length, 0);
      const seconds = Number.parseFloat(Buffer.from(bytes.buffer, 0, length).toString("latin1"));
      return Number.isFinite(seconds) ? seconds * 1000 : undefined;
    } catch {
      return undefined;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  };
}
