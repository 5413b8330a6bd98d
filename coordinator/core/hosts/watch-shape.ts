// What the watch over hosts is given, and what it asks its shell for.

import type { NamedAddress } from "../../../proto/config-parse.ts";
import type { CoordinatorId, Duration, Instant } from "../../../proto/units.ts";
import type { CoordinatorOutput } from "../exchange.ts";
import type { PathSettings } from "../path.ts";
import type { PingerConfig } from "../pinger-output.ts";
import type { FenceConfig } from "./fence.ts";

export interface HostWatchConfig {
  readonly self: CoordinatorId;
  readonly coordinators: readonly CoordinatorId[];
  readonly heartbeatInterval: Duration;
  readonly pinger: PingerConfig;
  readonly settings: Omit<PathSettings, "attempts">;
  /** HOSTS. */
  readonly listed: readonly NamedAddress[];
  /** AGENT_PORT: where the agents of Swarm nodes answer. */
  readonly port: number;
  readonly fence: FenceConfig;
}

export type HostOutput =
  | CoordinatorOutput
  /** It died, or came back. `engines`: the names by which its workers call it. */
  | {
      readonly kind: "host-judged";
      readonly engines: readonly string[];
      readonly isDead: boolean;
    };

/** When any worker of an engine was last heard. Plain reading. */
export type WorkersHeard = (engine: string) => Instant | undefined;
