// Runs all microtasks now, so that promises of the product settle inside one instant of virtual time.

import { setFlagsFromString } from "node:v8";

setFlagsFromString("--allow-natives-syntax");
/** V8's own checkpoint: the one that Node makes after each callback. */
// eslint-disable-next-line @typescript-eslint/no-implied-eval -- there is no other way to write V8's syntax
export const drainMicrotasks = new Function("%PerformMicrotaskCheckpoint()") as () => void;
setFlagsFromString("--no-allow-natives-syntax");
