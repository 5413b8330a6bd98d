// What may happen to Redis.

import type { SimCluster } from "./cluster.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Lasting } from "./lasting.ts";
import type { Laws } from "./laws.ts";
import { away, far, near } from "./redis-server.ts";

export function applyRedisFault(
  kind: FaultKind,
  lasts: number,
  cluster: SimCluster,
  laws: Laws,
  lasting: Lasting,
): void {
  const { redis } = cluster;
  if (kind === "redis-hang") redis.hang(lasts);
  else if (kind === "redis-late-job") delayJob(cluster, lasting);
  else if (kind === "redis-far") {
    redis.latency = far;
    lasting.start(lasts, () => {
      redis.latency = near;
    });
  } else if (redis.isUp) {
    redis.kill();
    const lost = kind === "redis-roll-back" ? 1_000 : 0;
    lasting.start(lasts, () => {
      if (redis.isUp) return;
      redis.start(lost);
      if (lost > 0) laws.onRedisForgot();
    });
  }
}

/** The next job is on its way when its sender is cut off; it arrives once another leader has looked for one and found none. */
function delayJob({ redis, world }: SimCluster, lasting: Lasting): void {
  if (redis.onAdd !== undefined || redis.onLookup !== undefined) return;
  redis.onAdd = ({ name }) => {
    redis.onAdd = undefined;
    redis.latency = away;
    const arrive = lasting.cut([name, "redis"], ["redis", name], 9_000);
    const end = lasting.start(12_000, () => {
      redis.latency = near;
      redis.onLookup = undefined;
    });
    redis.onLookup = (by) => {
      if (by.name === name) return;
      redis.onLookup = undefined;
      arrive();
      world.after(3_000, end);
    };
  };
}
