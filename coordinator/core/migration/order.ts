// What a leader orders for a service, as it travels with its job: which hosts it saw fall out, and which way the service goes.

import type { WorkerId } from "../../../proto/units.ts";
import type { MoveCause } from "./plan.ts";

/** A host of the Swarm that services leave. */
export interface OutHost {
  /** The Swarm's id of the node. */
  readonly id: string;
  readonly name: string;
  readonly cause: MoveCause;
}

export interface MoveOrder {
  /** The Swarm's id of the service. */
  readonly service: string;
  readonly name: string;
  /** `away` from the hosts that are out · `settle` a move of which only the service's own update settings are missing · `back` to where a person placed it. */
  readonly kind: "away" | "settle" | "back";
  /** By the leader's word; empty where none is. */
  readonly out: readonly OutHost[];
}

const servicePrefix = "swarm:";

/** A service stands among workers under this name; no host's name holds a colon, and every worker's id a slash. */
export const caseOfService = (name: string): WorkerId => `${servicePrefix}${name}`;

export const serviceOfCase = (worker: WorkerId): string => worker.slice(servicePrefix.length);

export const isServiceCase = (worker: WorkerId): boolean => worker.startsWith(servicePrefix);
