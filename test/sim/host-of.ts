// What a simulated process can reach: its network namespace, the mesh's network, Redis and the engines.

import type { SimEngine } from "./engine.ts";
import type { Namespace, Network } from "./network.ts";
import type { SimProcess } from "./process.ts";
import type { RedisServer } from "./redis-server.ts";

export interface Surroundings {
  readonly network: Network;
  readonly redis: RedisServer;
  readonly engines: ReadonlyMap<string, SimEngine>;
  /** Where its sockets are bound, and at which address. */
  readonly namespace: Namespace;
  readonly address: string;
  /** Whether what its check asks of its worker answers now; undefined: it hangs. */
  readonly workerAnswers: (address: string) => boolean | undefined;
  /** The process of an agent's worker, where it stands beside it and lives; another start is another process. */
  readonly workerProcess: () => string | undefined;
  /** Tells an agent that its worker began or ended. */
  readonly onWorkerLife: (listener: () => void) => void;
  /** Its disk; a coordinator's. */
  readonly disk: Disk | undefined;
}

export interface Disk {
  ballot: unknown;
  /** `failing` takes no write; a write of a `slow` one holds the thread. */
  state: "fine" | "failing" | "slow";
}

const known = new WeakMap<SimProcess, Surroundings>();

export const setSurroundings = (process: SimProcess, surroundings: Surroundings): void => {
  known.set(process, surroundings);
};

export function surroundingsOf(process: SimProcess): Surroundings {
  const found = known.get(process);
  if (found === undefined) throw new Error(`${process.name} stands nowhere`);
  return found;
}
