// Drives one machine: one bounded queue, one timer, outputs performed in order. The only place where a machine meets time.

import assert from "node:assert/strict";
import { limits } from "../../proto/limits.ts";
import type { Machine } from "../../proto/machine.ts";
import { elapsed, type Duration, type Instant } from "../../proto/units.ts";
import type { Clock } from "./clock.ts";

export interface DriverOptions<Input, Output> {
  readonly machine: Machine<Input, Output>;
  readonly clock: Clock;
  /** The input for a deadline that has passed, `lateness` ms ago; datagrams that waited were stepped before it and may have moved that deadline. */
  readonly timerInput: (lateness: Duration) => Input;
  /** Performs the outputs of one step, in order, before the next step. Must not throw for failures of the world. */
  readonly perform: (outputs: readonly Output[], now: Instant) => void;
  /** A droppable input met a full queue and was dropped. */
  readonly onOverflow?: () => void;
  /** How many inputs may wait; `limits.driverQueue` where not given. */
  readonly capacity?: number;
  /** Whether the timer keeps the process alive; true where not given. */
  readonly keepAlive?: boolean;
}

/** libuv reads at most 32 datagrams of a socket in one turn: as many in one turn mean that more may wait. */
const fullTurn = 32;
/** Turns that a due deadline waits at most for the sockets to be drained (32,000 datagrams); its lateness tells. */
const drainTurns = 1000;
/** Node's longest timeout is 2^31-1 ms. A deadline beyond a day is looked at again then. */
const longestWait = 86_400_000;

/**
 * Node fires expired timers before it reads datagrams that already wait. So an expired timer only marks the deadline as
 * due, and the machine is stepped with it once the sockets were drained: after `setImmediate`, and after further
 * turns while whole batches keep coming. Inputs that arrive in one turn are stepped together, with one instant.
 */
export class Driver<Input, Output> {
  readonly #options: DriverOptions<Input, Output>;
  readonly #capacity: number;
  #queue: Input[] = [];
  #spare: Input[] = [];
  #running = false;
  #turnWaits = false;
  #stepping = false;
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Instant | undefined;
  /** The deadline that has passed, until the machine is stepped with it. */
  #due: Instant | undefined;
  #turnsDue = 0;
  #arrivedThisTurn = 0;
  #dropped = 0;

  constructor(options: DriverOptions<Input, Output>) {
    this.#options = options;
    this.#capacity = options.capacity ?? limits.driverQueue;
  }

  /** Droppable inputs that met a full queue. */
  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    if (this.#queue.length > 0) this.#awaitTurn();
    this.#arm(this.#options.clock.now());
  }

  /** Nothing is stepped or performed after this; what waits is forgotten. */
  stop(): void {
    this.#running = false;
    this.#queue = [];
    this.#due = undefined;
    this.#disarm();
  }

  /** Queues an input, also from inside `perform`; before `start()` it waits. Droppable: a datagram, which a full queue drops. */
  push(input: Input, droppable = false): void {
    if (droppable) {
      if (this.#queue.length >= this.#capacity) {
        this.#dropped++;
        this.#options.onOverflow?.();
        return;
      }
      this.#arrivedThisTurn++;
    }
    this.#queue.push(input);
    if (!this.#turnWaits) this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (!this.#running) return;
    this.#turnWaits = true;
    setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#turnWaits = false;
    if (!this.#running) return;
    assert(!this.#stepping, "a turn began inside a step");
    this.#stepping = true;
    try {
      this.#stepQueued();
      if (this.#due !== undefined) this.#stepDue(this.#due);
    } finally {
      this.#stepping = false;
    }
    this.#arrivedThisTurn = 0;
    this.#prepareNext();
  };

  #prepareNext(): void {
    if (!this.#running) return; // `perform` stopped this driver.
    if ((this.#queue.length > 0 || this.#due !== undefined) && !this.#turnWaits) this.#awaitTurn();
    this.#arm(this.#options.clock.now());
  }

  /** Steps what waited when the turn began; what `perform` adds waits for the next turn, so that no loop starves the sockets. */
  #stepQueued(): void {
    const inputs = this.#queue;
    if (inputs.length === 0) return;
    this.#queue = this.#spare;
    const { machine, perform, clock } = this.#options;
    const now = clock.now();
    for (const input of inputs) {
      if (!this.#running) break;
      const outputs = machine.step(input, now);
      if (outputs.length > 0) perform(outputs, now);
    }
    inputs.length = 0;
    this.#spare = inputs;
  }

  /** Also where an input of this turn moved the deadline: that we were late is news in itself. */
  #stepDue(deadline: Instant): void {
    if (this.#arrivedThisTurn >= fullTurn && this.#turnsDue < drainTurns) {
      this.#turnsDue++;
      return;
    }
    this.#due = undefined;
    this.#turnsDue = 0;
    if (!this.#running) return;
    const { machine, perform, clock, timerInput } = this.#options;
    const now = clock.now();
    const outputs = machine.step(timerInput(elapsed(deadline, now)), now);
    if (outputs.length > 0) perform(outputs, now);
  }

  /** One timer, moved only to be earlier: where it fires too early it is armed anew, which costs less than moving it at each step. */
  #arm(now: Instant): void {
    if (this.#due !== undefined) return;
    const deadline = this.#options.machine.nextDeadline();
    if (deadline === undefined) return;
    if (this.#armedFor !== undefined && this.#armedFor <= deadline) return;
    this.#disarm();
    this.#armedFor = deadline;
    const wait = Math.min(Math.max(0, Math.ceil(deadline - now)), longestWait);
    this.#timer = setTimeout(this.#onTimer, wait);
    if (this.#options.keepAlive === false) this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#disarm();
    const deadline = this.#options.machine.nextDeadline();
    if (deadline === undefined) return;
    const now = this.#options.clock.now();
    if (deadline > now) {
      this.#arm(now);
      return;
    }
    this.#due = deadline;
    if (!this.#turnWaits) this.#awaitTurn();
  };

  #disarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = undefined;
  }
}
