// What the runner of revival jobs needs of the rest of the process: hands that act, and eyes that see life.

import type { Duration } from "../../proto/units.ts";
import type { RevivalJob } from "../core/job.ts";
import type { LifeResult, WindowResult } from "../core/vigil.ts";

export type ActionResult =
  /** `startedAt` is empty where a container was killed and is not started again; `what`: for a person, where it is no start of a container. */
  | {
      readonly kind: "acted";
      readonly containerId: string;
      readonly startedAt: string;
      readonly what?: string;
    }
  /**
   * The container is not what was decided on any more (another id or start, paused, already running): nothing was done.
   * `found`: what stands under its name instead, so that a runner recognises what its killed predecessor has done.
   */
  | {
      readonly kind: "superseded";
      readonly reason: string;
      readonly found?: {
        readonly containerId: string;
        readonly startedAt: string;
        readonly running: boolean;
      };
    }
  /** The engine did not answer in time: no try. */
  | { readonly kind: "engine-unavailable"; readonly reason: string }
  /** `mayAct` said no right before a system call. */
  | { readonly kind: "lease-lost"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface Actor {
  /**
   * Inspects again, acts on exactly the job's target within 250 ms of that inspection, and lets agent and dependants follow.
   * `mayAct` is asked right before every call that changes something. Never throws for a failure of the world.
   */
  perform(job: RevivalJob, mayAct: () => boolean): Promise<ActionResult>;
}

/** A failed try with its own reason. `isRunning`: what the action left may be looked at once more before it is acted on again. */
export interface TryFailure {
  readonly kind: "failed";
  readonly reason: string;
  readonly isRunning: boolean;
}

export interface LifeWatch {
  /** The first healthy answer that belongs to the container's new start; `timeout` ms at most. `isSecondLook`: see `LifeAwaited`. */
  awaitLife(
    job: RevivalJob,
    acted: { readonly containerId: string; readonly startedAt: string },
    timeout: Duration,
    isSecondLook: boolean,
  ): Promise<LifeResult | TryFailure>;
  /** Watches a verified worker for `window` ms; `died`, or `stopped` by somebody, as soon as it is not healthy any more. */
  watchWindow(job: RevivalJob, window: Duration): Promise<WindowResult | TryFailure>;
}
