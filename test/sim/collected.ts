// What the flight recorders of a simulated run have handed on: one entry for each life of a coordinator.

import type { RecordedBlock } from "../../coordinator/io/recorder.ts";

export interface Collected {
  readonly id: string;
  readonly blocks: RecordedBlock[];
  flush: () => void;
}

export const collected: Collected[] = [];
