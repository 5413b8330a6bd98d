// The end of this coordinator's lease, written by the mesh thread and read by the main thread: no message is ever too late.

import { sharedClock } from "./mesh-protocol.ts";

/** In microseconds, as integers that are read and written whole: the end by the clock of both threads, and by the wall clock. */
const shared = { clock: 0, wall: 1 } as const;
const none = 0n;

export class LeaseBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #ends: BigInt64Array;
  readonly #wall: () => number;

  /** @param buffer of the other thread; a new one where not given */
  constructor(wall: () => number, buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.#ends = new BigInt64Array(buffer);
    this.#wall = wall;
  }

  /** @param left ms that it still lasts; 0 or less: there is none */
  write(left: number): void {
    const end = (now: number): bigint =>
      left > 0 ? BigInt(Math.round((now + left) * 1000)) : none;
    Atomics.store(this.#ends, shared.wall, end(this.#wall()));
    Atomics.store(this.#ends, shared.clock, end(sharedClock()));
  }

  /**
   * Milliseconds that it still lasts; 0 where there is none. The shorter by both clocks: one stands still while the machine sleeps, the
   * other may be set back.
   */
  left(): number {
    const ends = [Atomics.load(this.#ends, shared.clock), Atomics.load(this.#ends, shared.wall)];
    if (ends.includes(none)) return 0;
    const [byClock = 0, byWall = 0] = ends.map((end) => Number(end) / 1000);
    return Math.max(0, Math.min(byClock - sharedClock(), byWall - this.#wall()));
  }
}
