// Whose voice was ever heard, by Redis's memory: a worker that hangs with its agent while the whole trio restarts is silent, not one without an agent.

import type { WorkerId } from "../../proto/units.ts";
import type { WorkerSpec } from "./worker.ts";

export interface Heard {
  readonly worker: WorkerId;
  /** By `voiceOf`. */
  readonly voice: string;
}

/** Enough of an engine's id to tell two apart. */
const idLength = 12;

/** Who answers for a worker: this container with this agent, or whoever stands at this address. Anybody else has to be heard first. */
export function voiceOf({ container, agent, probe }: WorkerSpec): string {
  if (container === undefined)
    return probe.kind === "agent" ? `${probe.address}:${probe.port}` : "";
  const parts = agent === undefined ? [container] : [container, agent];
  return parts.map(({ id }) => id.slice(0, idLength)).join("+");
}

export class Hearing {
  readonly #remembered = new Set<string>();

  remember(heard: readonly Heard[]): void {
    for (const { worker, voice } of heard) this.#remembered.add(`${worker} ${voice}`);
  }

  wasHeard({ worker, voice }: Heard): boolean {
    return this.#remembered.has(`${worker} ${voice}`);
  }
}
