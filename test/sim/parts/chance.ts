// Boot ids and seeds out of the one seed of the run.

import type { BootId } from "../../../proto/units.ts";
import { currentLoop } from "../loop.ts";

export const freshSeed = (): number => currentLoop().process.world.random.nonce();

export const freshBootId = (): BootId =>
  freshSeed().toString(16).padStart(16, "0").slice(-16) as BootId;
