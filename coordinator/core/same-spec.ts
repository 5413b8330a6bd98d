// Whether two pictures of a worker are the same one, so that nobody looks twice at what has not changed.

import type { Probe, WorkerSpec } from "./worker.ts";

/** Views are replaced when they change, so the same view is the same picture. */
export function isSameSpec(a: WorkerSpec, b: WorkerSpec): boolean {
  return (
    a.container === b.container &&
    a.agent === b.agent &&
    a.dependants.length === b.dependants.length &&
    a.dependants.every((view, at) => view === b.dependants[at]) &&
    isSameProbe(a.probe, b.probe)
  );
}

export function isSameProbe(a: Probe, b: Probe): boolean {
  if (a.kind === "agent" && b.kind === "agent") return a.address === b.address && a.port === b.port;
  if (a.kind === "check" && b.kind === "check") {
    return JSON.stringify(a.check) === JSON.stringify(b.check);
  }
  return a.kind === b.kind;
}
