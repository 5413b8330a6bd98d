// Which workers a table shows, in which order. Pure.

import type { WorkerRow } from "../../proto/rest.ts";
import { gravest, toneOf } from "./words.ts";

export const workerColumns = [
  "verdict",
  "id",
  "host",
  "roundTripMs",
  "loss",
  "load",
  "revivals",
] as const;
export type WorkerColumn = (typeof workerColumns)[number];

export interface WorkerAsk {
  /** In ids, hosts, reasons and verdicts; every word must be found. */
  readonly search: string;
  /** A verdict, `quarantined`, `silenced` or `recovering`; empty: all. */
  readonly state: string;
  readonly host: string;
  readonly by: WorkerColumn;
  readonly isDown: boolean;
}

const collator = new Intl.Collator("en", { numeric: true });

export function shownWorkers(rows: readonly WorkerRow[], ask: WorkerAsk): readonly WorkerRow[] {
  const words = ask.search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const wanted = rows.filter(
    (row) =>
      (ask.host === "" || row.host === ask.host) &&
      (ask.state === "" || statesOf(row).includes(ask.state)) &&
      isFound(row, words),
  );
  const compare = orders[ask.by];
  const sign = ask.isDown ? -1 : 1;
  return wanted.toSorted((a, b) => sign * compare(a, b) || collator.compare(a.id, b.id));
}

/** What a worker is filtered by, beside its verdict. */
function statesOf(row: WorkerRow): readonly string[] {
  const states = [row.verdict];
  if (row.quarantinedAtMs !== null) states.push("quarantined");
  if (row.silencedUntilMs !== null) states.push("silenced");
  if (row.recovery !== null) states.push("recovering");
  return states;
}

/** The states that there are, with how many are in each; the gravest first. */
export function countedStates(rows: readonly WorkerRow[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    for (const state of statesOf(row)) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].toSorted(([a], [b]) => graveness(a) - graveness(b) || collator.compare(a, b));
}

function isFound(row: WorkerRow, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = `${row.id} ${row.host} ${row.verdict} ${row.reason}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const graveness = (verdict: string): number => gravest.indexOf(toneOf(verdict));

/** What nobody knows comes last. */
const figure =
  (of: (row: WorkerRow) => number | null) =>
  (a: WorkerRow, b: WorkerRow): number =>
    (of(a) ?? Number.MAX_VALUE) - (of(b) ?? Number.MAX_VALUE);

const orders: Readonly<Record<WorkerColumn, (a: WorkerRow, b: WorkerRow) => number>> = {
  verdict: (a, b) =>
    graveness(a.verdict) - graveness(b.verdict) || collator.compare(a.verdict, b.verdict),
  id: (a, b) => collator.compare(a.id, b.id),
  host: (a, b) => collator.compare(a.host, b.host),
  roundTripMs: figure((row) => row.roundTripMs),
  loss: figure((row) => row.loss),
  load: figure((row) => row.load),
  revivals: figure((row) => row.revivalsInWindow),
};

/** These change every second. */
export const isFigure = (column: WorkerColumn): boolean =>
  column === "roundTripMs" || column === "loss" || column === "load";
