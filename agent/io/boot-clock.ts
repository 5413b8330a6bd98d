// A clock that also runs while the machine is suspended, and that a restarted process reads on: CLOCK_BOOTTIME, by /proc/uptime.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { instant, type Instant } from "../../proto/units.ts";

const bytes = new Uint8Array(64);

/**
 * Milliseconds since the machine was booted, suspends included; up to 10 ms early, never late. Where there is no /proc/uptime it is the
 * process's own monotonic clock. Costs a few µs.
 */
export function bootNow(): Instant {
  let file: number | undefined;
  try {
    file = openSync("/proc/uptime", "r");
    const length = readSync(file, bytes, 0, bytes.length, 0);
    const seconds = Number.parseFloat(Buffer.from(bytes.buffer, 0, length).toString("latin1"));
    return instant(Number.isFinite(seconds) ? Math.round(seconds * 1000) : performance.now());
  } catch {
    return instant(performance.now());
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Of this boot of the machine; empty where it cannot be known, so that no instant can be carried over a restart. */
export function machineBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
