// A recovery as a line of time: when each stage was reached, and how long it took. Pure.

import type { RecoveryView } from "../../proto/rest.ts";
import type { Tone } from "./words.ts";

export interface TimelinePoint {
  readonly key: string;
  readonly text: string;
  readonly atMs: number;
  /** Since the recovery's first instant. */
  readonly afterMs: number;
  /** Since the point before. */
  readonly tookMs: number;
  readonly tone: Tone;
}

/** In the order of time. Of several tries each has its own points. */
export function timelineOf(recovery: RecoveryView): readonly TimelinePoint[] {
  const told: { key: string; text: string; at: number | null; tone: Tone }[] = [
    {
      key: "detected",
      text: `detected: ${recovery.verdict}`,
      at: recovery.detectedAtMs,
      tone: "bad",
    },
    { key: "decided", text: `decided: ${recovery.action}`, at: recovery.decidedAtMs, tone: "busy" },
    { key: "enqueued", text: "enqueued", at: recovery.enqueuedAtMs, tone: "busy" },
  ];
  for (const one of recovery.tries) {
    const which = recovery.tries.length > 1 ? `try ${one.number}: ` : "";
    const uncounted = one.counts ? "" : " (counts as none)";
    told.push(
      {
        key: `t${one.number}`,
        text: `${which}acting on ${one.runner}`,
        at: one.startedAtMs,
        tone: "busy",
      },
      { key: `a${one.number}`, text: `${which}acted, verifying`, at: one.actedAtMs, tone: "busy" },
      { key: `v${one.number}`, text: `${which}answers again`, at: one.verifiedAtMs, tone: "good" },
      {
        key: `f${one.number}`,
        text: `${which}failed${uncounted}: ${one.reason}`,
        at: one.failedAtMs,
        tone: "bad",
      },
    );
  }
  if (recovery.outcome === "recovered") {
    told.push({
      key: "end",
      text: "recovered",
      at: recovery.recoveredAtMs ?? recovery.endedAtMs,
      tone: "good",
    });
  } else if (recovery.outcome !== "running") {
    const why = recovery.outcomeReason === "" ? "" : `: ${recovery.outcomeReason}`;
    const tone = recovery.outcome === "exhausted" ? "bad" : "calm";
    told.push({ key: "end", text: `${recovery.outcome}${why}`, at: recovery.endedAtMs, tone });
  }
  const reached = told
    .flatMap(({ at, ...rest }) => (at === null ? [] : [{ ...rest, atMs: at }]))
    .toSorted((a, b) => a.atMs - b.atMs);
  const first = reached[0]?.atMs ?? 0;
  return reached.map((point, at) => ({
    ...point,
    afterMs: point.atMs - first,
    tookMs: at === 0 ? 0 : point.atMs - (reached[at - 1]?.atMs ?? point.atMs),
  }));
}

/** From the first sign of it to the first healthy answer of what was done; null where there was none. */
export const outageOf = ({ detectedAtMs, verifiedAtMs }: RecoveryView): number | null =>
  verifiedAtMs === null ? null : verifiedAtMs - detectedAtMs;
