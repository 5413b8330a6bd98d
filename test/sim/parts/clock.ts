// The clocks of the simulated thread that runs just now, under the product's own watch for a sleeping machine.

import { SuspendWatch as RealSuspendWatch, type Clock } from "../../../agent/io/clock.ts";
import { instant } from "../../../proto/units.ts";
import { performance } from "../globals.ts";
import { currentLoop } from "../loop.ts";

export type { Clock };

export const systemClock: Clock = {
  now: () => instant(performance.now()),
  wall: () => Math.floor(currentLoop().process.wall()),
};

/** `/proc/uptime` counts in steps of 10 ms. */
const step = 10;

export class SuspendWatch extends RealSuspendWatch {
  constructor(clock: Clock) {
    super(clock, () => Math.floor(currentLoop().process.boottime() / step) * step);
  }
}
