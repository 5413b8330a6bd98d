// What every run stands on: a world with its cluster, and the laws, which look at it often.

import { SimCluster } from "./cluster.ts";
import { Laws } from "./laws.ts";
import { setOnlooker } from "./onlooker.ts";
import type { SimOptions } from "./options.ts";
import { World } from "./world.ts";

export interface Stage {
  readonly world: World;
  readonly cluster: SimCluster;
  readonly laws: Laws;
}

const lookEvery = 100;

export function buildStage(options: SimOptions): Stage {
  const world = new World(options.seed);
  const cluster = new SimCluster(world, options);
  const laws = new Laws(cluster);
  setOnlooker(laws);
  const look = (): void => {
    laws.look();
    for (const text of cluster.fatal) laws.must(false, text);
    world.after(lookEvery, look);
  };
  world.after(0, look);
  return { world, cluster, laws };
}
