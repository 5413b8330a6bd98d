// What a watcher of a Docker engine tells the core: plain data, so that it may cross to another thread.

import type { ContainerView, EngineEvent } from "./worker.ts";

export type EngineNews =
  /** Every container of the engine that matters, inspected. Sent after each (re)connection and with every full list. */
  | {
      readonly kind: "engine-snapshot";
      readonly host: string;
      readonly containers: readonly ContainerView[];
    }
  | { readonly kind: "container-changed"; readonly view: ContainerView }
  | {
      readonly kind: "container-gone";
      readonly host: string;
      readonly containerId: string;
      readonly name: string;
    }
  /** Sent the moment it is read; the inspection (`container-changed`) follows. */
  | { readonly kind: "engine-event"; readonly event: EngineEvent }
  /** The engine did not answer in time; what was known of its containers is old from here on. */
  | { readonly kind: "engine-lost"; readonly host: string; readonly reason: string }
  /** `restarted`: it is not the same run of the engine any more, so that its containers stopped for one common cause. A snapshot follows. */
  | { readonly kind: "engine-back"; readonly host: string; readonly restarted: boolean };
