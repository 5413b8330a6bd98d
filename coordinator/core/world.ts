// What recoveries ask of the watched workers, and of the services that are moved: plain reading.

import { namedBeside } from "./mapping.ts";
import type { RecoveryWorld } from "./recovery-ward.ts";
import type { Moves } from "./migration/moves.ts";
import type { Wards } from "./wards.ts";

export const worldOf = (wards: Wards, moves: Moves): RecoveryWorld => ({
  spec: (id) => wards.page(id)?.spec ?? moves.spec(id),
  service: (id) => moves.target(id),
  verdict: (id) => wards.page(id)?.verdict.kind,
  isDead: (host) => wards.hosts.isDead(host),
  workerCount: () => wards.census.workers.size,
  workerNamed: (name, dependant) => namedBeside(name, dependant, wards.census.workers.values()),
});
