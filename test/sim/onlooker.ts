// Who is told what happens inside the product while it is simulated; set once for each run.

import type { ControlPlane } from "../../coordinator/api/plane.ts";
import type { Coordinator } from "../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../coordinator/core/exchange.ts";
import type { CoordinatorSummary } from "../../coordinator/core/summary.ts";
import type { EngineRequest } from "../../coordinator/docker/connection.ts";
import type { Instant } from "../../proto/units.ts";
import type { SimContainer, SimEngine } from "./engine.ts";
import type { Loop } from "./loop.ts";
import type { SimProcess } from "./process.ts";

export interface Step {
  readonly input: CoordinatorInput;
  readonly outputs: readonly CoordinatorOutput[];
  readonly now: Instant;
}

/** A call that changes something, as it leaves its process. */
export interface EngineWrite {
  readonly by: SimProcess;
  readonly engine: SimEngine;
  readonly request: EngineRequest;
  readonly container: SimContainer | undefined;
}

export interface Onlooker {
  onCore(loop: Loop, core: Coordinator, id: string): void;
  onStep(loop: Loop, core: Coordinator, step: Step): void;
  /** What operators ask through. */
  onPlane(by: SimProcess, plane: ControlPlane): void;
  /** Its own picture, every 100 ms. */
  onSummary(summary: CoordinatorSummary): void;
  /** A datagram as it leaves its process; `address`: where it goes. */
  onDatagram(by: SimProcess, payload: unknown, address: string): void;
  /** An inspection, as its answer leaves the engine. */
  onRead(by: SimProcess, container: SimContainer): void;
  /** Returns what is to be called when the engine has carried it out, or lost it. */
  onWrite(write: EngineWrite): () => void;
}

let present: Onlooker | undefined;

export function setOnlooker(who: Onlooker): void {
  present = who;
}

export function onlooker(): Onlooker {
  if (present === undefined) throw new Error("nobody looks on");
  return present;
}
