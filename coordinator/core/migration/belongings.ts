// What a container has on its host and would need on another one: told with its picture where its label lets it move.

import { parseFlag } from "../../../proto/config-parse.ts";
import { isSwarmTask } from "../swarm-task.ts";
import type { ServiceMount, ServicePort } from "./swarm-view.ts";

export interface Belongings {
  readonly image: string;
  /** An anonymous volume has its generated name as its source. */
  readonly mounts: readonly ServiceMount[];
  readonly ports: readonly ServicePort[];
  /** What no other host can give it, each in words; empty where nothing ties it. */
  readonly ties: readonly string[];
}

/** By `heartmesh.migrate`, also where that cannot be read: then it stays, and is told of. Swarm's own containers are Swarm's to move. */
export function isMovable(labels: Readonly<Record<string, string>>): boolean {
  const text = labels["heartmesh.migrate"];
  if (text === undefined || isSwarmTask({ labels })) return false;
  const flag = parseFlag(text);
  return !flag.ok || flag.value;
}
