// What was known and done around a moment of the past. Pure.

import type { EventView, RecoveryView } from "../../proto/rest.ts";

/** How long before and after a moment events are told, ms. */
export const around = 120_000;

/** Begun by then, and not ended before. */
export const underWayAt = (
  recoveries: readonly RecoveryView[],
  at: number,
): readonly RecoveryView[] =>
  recoveries.filter(
    ({ detectedAtMs, endedAtMs }) => detectedAtMs <= at && (endedAtMs === null || endedAtMs >= at),
  );

export interface Story {
  /** As they happened, oldest first. */
  readonly before: readonly EventView[];
  /** Beginning with those of the very moment. */
  readonly after: readonly EventView[];
}

/** @param events in any order: they are written down a moment after they happen, by several */
export function storyAt(events: readonly EventView[], at: number): Story {
  const told = events.toSorted((a, b) => a.atMs - b.atMs);
  return {
    before: told.filter(({ atMs }) => atMs < at),
    after: told.filter(({ atMs }) => atMs >= at),
  };
}

/** An address of the page that explains a moment. */
export const explainPath = (at: number, worker = ""): string =>
  `/explain?at=${at}${worker === "" ? "" : `&worker=${encodeURIComponent(worker)}`}`;
