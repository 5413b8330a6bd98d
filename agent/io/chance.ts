// Randomness for boot ids and seeds, from the kernel's own source: node:crypto would cost an agent memory for eight bytes.

import { closeSync, openSync, readSync } from "node:fs";
import type { BootId } from "../../proto/units.ts";

/** A new one for every start of a process. */
export const freshBootId = (): BootId => freshBytes(8).toString("hex") as BootId;

/** For `Random`; worth a line in the log, since it replays a run. */
export const freshSeed = (): number => freshBytes(8).readUIntBE(0, 6);

function freshBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const file = openSync("/dev/urandom", "r");
  try {
    readSync(file, bytes, 0, count, 0);
  } finally {
    closeSync(file);
  }
  return bytes;
}
