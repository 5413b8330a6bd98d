// What crosses between the main thread and the mesh thread, and how an instant of one is read in the other.

import type { KeyRing } from "../../proto/key-ring.ts";
import type { BootId, Duration, Incarnation } from "../../proto/units.ts";
import type { NamedAddress } from "../../proto/config-parse.ts";
import type { CoordinatorConfig } from "../core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../core/exchange.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { RecordedBlock } from "./recorder.ts";

/** What is known of the mesh thread before there is a thread. */
export interface MeshPlan {
  readonly core: CoordinatorConfig;
  readonly clusterId: string;
  readonly boot: BootId;
  readonly incarnation: Incarnation;
  readonly coordinators: readonly NamedAddress[];
  readonly host: string;
  readonly port: number;
  readonly ring: KeyRing;
  readonly dataDir: string;
  readonly seed: number;
  /** How much the flight recorder keeps; 0: there is none. */
  readonly recordSpan: Duration;
}

/** Given to the thread at its start. */
export interface MeshSetup extends MeshPlan {
  /** Of a `LeaseBoard`. */
  readonly leaseBoard: SharedArrayBuffer;
}

export type ToMesh =
  | { readonly kind: "input"; readonly input: CoordinatorInput }
  | { readonly kind: "swap-ring"; readonly ring: KeyRing }
  /** Datagrams from and to these coordinators are lost from now on, of no others. */
  | { readonly kind: "cut-links"; readonly peers: readonly string[] }
  /** The flight recorder shall begin a segment. */
  | { readonly kind: "checkpoint" }
  /** It shall hand on what it has, and say so. */
  | { readonly kind: "flush-recording" }
  /** Ends the lease, hands over, and stops when that is said. */
  | { readonly kind: "stop" };

/** Outputs that act in the main thread; the others never leave the mesh thread. */
export type ActingOutput = Extract<
  CoordinatorOutput,
  {
    kind:
      | "enqueue"
      | "act-directly"
      | "publish"
      | "save-record"
      | "save-heard"
      | "life-answered"
      | "window-closed"
      | "role-changed"
      | "read-swarm"
      | "change-ended";
  }
>;

export type FromMesh =
  | { readonly kind: "ready"; readonly port: number; readonly damage: readonly string[] }
  | { readonly kind: "failed"; readonly reason: string }
  /** `now` is the core's instant of these outputs and `clock` the shared clock's, so that a `validUntil` can be read over there. */
  | {
      readonly kind: "outputs";
      readonly outputs: readonly ActingOutput[];
      readonly now: number;
      readonly clock: number;
    }
  | { readonly kind: "summary"; readonly summary: CoordinatorSummary }
  | { readonly kind: "recorded"; readonly block: RecordedBlock }
  | { readonly kind: "recording-flushed" }
  | { readonly kind: "log"; readonly level: "warn" | "error"; readonly text: string }
  | { readonly kind: "stopped" };

/** A clock that both threads share: `performance.now()` begins anew in each. Milliseconds. */
export const sharedClock = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** How much of a lease must be left for the main thread to begin anything: the time to the call itself. */
export const leaseMargin: Duration = 5;
