// All that a process can find out by itself of what it needs: Redis, engines, disk and names, asked at the same time, in bounded time.

import type { EngineSpec } from "../docker/endpoints.ts";
import type { RedisAddress } from "../io/redis-url.ts";
import type { Symptom } from "./ailments.ts";
import { ofDisk } from "./disk.ts";
import { ofEngine } from "./engines.ts";
import { ofNames } from "./names.ts";
import { ofRedis } from "./redis.ts";

export interface Surroundings {
  /** Undefined: it is not asked. */
  readonly redis: RedisAddress | undefined;
  readonly engines: readonly EngineSpec[];
  readonly dataDir: string | undefined;
  readonly members: readonly { readonly name: string; readonly host: string }[];
}

/** Never rejects; takes 4 s at most, but for the wait of an engine by ssh to end. */
export async function ofSurroundings(ask: Surroundings): Promise<readonly Symptom[]> {
  const { redis, engines, dataDir, members } = ask;
  const found = await Promise.all([
    ...(redis === undefined ? [] : [ofRedis(redis)]),
    ...engines.map(ofEngine),
    ...(dataDir === undefined ? [] : [ofDisk(dataDir)]),
    ofNames(members),
  ]);
  return found.flat();
}
