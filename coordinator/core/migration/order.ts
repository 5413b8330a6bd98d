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

/** Equal for the same hosts, out for the same causes. */
export const keyOfOut = (out: readonly OutHost[]): string =>
  out.map(({ id, cause }) => `${id} ${cause}`).join();

export interface MoveOrder {
  /** The Swarm's id of the service. */
  readonly service: string;
  readonly name: string;
  /** `away` from the hosts that are out · `settle` a move of which only the service's own update settings are missing · `back` to where a person placed it. */
  readonly kind: "away" | "settle" | "back";
  /** By the leader's word; empty where none is. */
  readonly out: readonly OutHost[];
}

/** A container on the engine of that host. */
export interface Place {
  readonly host: string;
  readonly id: string;
  readonly name: string;
}

/** What a leader orders for a container of an engine without a Swarm. */
export type ContainerOrder =
  /** Made again on the first of those hosts that can have it, by the last that is known of it. */
  | { readonly kind: "carry"; readonly container: Place; readonly to: readonly string[] }
  /** Removed, since the other one runs in its stead. */
  | { readonly kind: "drop"; readonly container: Place; readonly stead: Place };

export type Move = MoveOrder | ContainerOrder;

export const isContainerOrder = (move: Move): move is ContainerOrder =>
  move.kind === "carry" || move.kind === "drop";

/** What it is for runs meanwhile, elsewhere: nothing is lost where it fails, and nobody must be kept from moving it for its life. */
export const canWait = (move: Move | undefined): boolean =>
  move !== undefined && move.kind !== "away" && move.kind !== "carry";

const servicePrefix = "swarm:";
const containerPrefix = "plain:";

/** A service stands among workers under this name; no host's name holds a colon, and every worker's id a slash. */
export const caseOfService = (name: string): WorkerId => `${servicePrefix}${name}`;

export const serviceOfCase = (worker: WorkerId): string => worker.slice(servicePrefix.length);

/** Beside the worker that the container is, which is revived in the meantime where it stands. */
export const caseOfContainer = ({ host, name }: Pick<Place, "host" | "name">): WorkerId =>
  `${containerPrefix}${host}/${name}`;

export const isContainerCase = (worker: WorkerId): boolean => worker.startsWith(containerPrefix);

/** `host/name` */
export const containerOfCase = (worker: WorkerId): string => worker.slice(containerPrefix.length);

export const isServiceCase = (worker: WorkerId): boolean => worker.startsWith(servicePrefix);
