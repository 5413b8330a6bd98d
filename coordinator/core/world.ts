// What recoveries ask of the watched workers, and of what is moved: plain reading.

import { namedBeside } from "./mapping.ts";
import type { RecoveryWorld } from "./recovery-ward.ts";
import type { Lookout } from "./lookout.ts";
import type { Wards } from "./wards.ts";

export const worldOf = (wards: Wards, { moves, plain }: Lookout): RecoveryWorld => ({
  spec: (id) => wards.page(id)?.spec ?? moves.spec(id) ?? plain.spec(id),
  service: (id) => moves.target(id) ?? plain.target(id),
  aliveAt: (id, now) => wards.page(id)?.aliveAt ?? wards.pinger.path(id, now)?.heardAt,
  verdict: (id) => wards.page(id)?.verdict.kind,
  isDead: (host) => wards.hosts.isDead(host),
  workerCount: () => wards.census.workers.size,
  workerNamed: (name, dependant) => namedBeside(name, dependant, wards.census.workers.values()),
});
