// What every plugin of the API is given.

import type { Logger } from "pino";
import type { CoordinatorConfig } from "../config.ts";
import type { ControlPlane } from "./plane.ts";
import type { Forwarder } from "./forward.ts";
import type { TokenStore } from "./token-store.ts";

export interface ApiContext {
  /** This coordinator's id. */
  readonly id: string;
  /** CLUSTER_ID. */
  readonly cluster: string;
  readonly plane: ControlPlane;
  readonly tokens: TokenStore;
  readonly forwarder: Forwarder;
  /** How long a write waits for a leader, ms. */
  readonly holdFor: number;
  readonly log: Logger;
  /** HTTP_TLS_CERT: by it the other coordinators are trusted too. */
  readonly certFile: string | undefined;
  readonly metricsOpen: boolean;
  readonly faultInjection: boolean;
  readonly migration: CoordinatorConfig["migration"];
  /** CLUSTER_IMAGE; may be empty. */
  readonly clusterImage: string;
  /** Whether CLUSTER_NODE_IMAGE says what a spawned node is. */
  readonly spawnsEngines: boolean;
}
