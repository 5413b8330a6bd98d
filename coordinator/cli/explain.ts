// Why a worker has its verdict, in words: what each coordinator says, the evidence, what was done lately and what is not done now. Pure.

import type { EventView, RecoveryView, WorkerView } from "../../proto/rest.ts";
import type { Look } from "./table.ts";
import { ago, clock, printable, span } from "./terminal.ts";
import { eventText, tookText } from "./words.ts";

export interface Explained {
  readonly worker: WorkerView;
  /** Newest first, of this worker; undefined where the record could not be read. */
  readonly recoveries: readonly RecoveryView[] | undefined;
  readonly events: readonly EventView[] | undefined;
}

const standings = {
  up: "hears it",
  doubt: "is in doubt: its last datagram was not answered",
  down: "does not hear it",
  abstain: "abstains",
} as const;

/** What was known and done around a moment. */
export interface Moment {
  readonly atMs: number;
  /** What is told lies between these. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Empty: of everything. */
  readonly worker: string;
  /** The last word on the worker before the moment; undefined where none is on record. */
  readonly standing: EventView | undefined;
  /** Oldest first, as the next. */
  readonly recoveries: readonly RecoveryView[];
  readonly events: readonly EventView[];
  /** Further events of that time, which stand farther from the moment. */
  readonly untold: number;
}

export function explainText({ worker, recoveries, events }: Explained, look: Look): string {
  const { now } = look;
  const lines = [`${worker.id} is ${worker.verdict}: ${worker.reason}.`];
  // The id of every other worker begins with it.
  if (worker.id.startsWith("swarm/") && worker.host !== "")
    lines.push(`It runs on ${worker.host}.`);
  lines.push(`It is asked by ${worker.probe}${lastHeard(worker)}.`);
  if (worker.evidence.length > 0) {
    lines.push("", "Evidence:");
    for (const one of worker.evidence) lines.push(`  ${one.kind}, ${one.by}: ${one.text}`);
  }
  lines.push("", "What the coordinators say:");
  for (const [id, standing] of Object.entries(worker.standings).toSorted()) {
    lines.push(`  ${id} ${standings[standing]}`);
  }
  lines.push("", ...doneNow(worker));
  lines.push("", ...lately(recoveries, now));
  if (events === undefined) lines.push("", "Its events cannot be read now.");
  else if (events.length > 0) {
    lines.push("", "Last events:");
    for (const event of events.toReversed()) lines.push(`  ${eventText(event, look)}`);
  }
  return lines.map(printable).join("\n");
}

/** What came after the moment stands below a line of its own. */
export function momentText(moment: Moment, look: Look): string {
  const { atMs, worker, standing, recoveries, events, untold } = moment;
  const whom = worker === "" ? "everything" : worker;
  const lines = [
    `Around ${clock(atMs)} UTC (${ago(atMs, look.now)}), of ${whom}, from ${clock(moment.fromMs)} to ${clock(moment.toMs)}:`,
  ];
  if (worker !== "") {
    lines.push(
      standing === undefined
        ? `What ${worker} was by then is not on record.`
        : `By then it was so since ${clock(standing.atMs)}: ${standing.text}.`,
    );
  }
  lines.push("", ...openThen(recoveries, atMs), "");
  if (events.length === 0) lines.push("Nothing happened in that time, by the record.");
  const told = (one: EventView): string => `  ${eventText(one, look)}`;
  const before = events.filter((one) => one.atMs <= atMs);
  const after = events.filter((one) => one.atMs > atMs);
  if (before.length > 0) lines.push("Until then:", ...before.map(told));
  if (after.length > 0) lines.push("After it:", ...after.map(told));
  if (untold > 0) {
    lines.push(`${untold} more events of that time are farther from it; give a nearer moment.`);
  }
  return lines.map(printable).join("\n");
}

function openThen(recoveries: readonly RecoveryView[], at: number): string[] {
  const open = recoveries.filter(
    (one) => one.detectedAtMs <= at && (one.endedAtMs === null || one.endedAtMs > at),
  );
  if (open.length === 0) return ["No recovery was under way."];
  return open.map((one) => {
    const tries = one.tries.filter(({ startedAtMs }) => startedAtMs <= at).length;
    const ended =
      one.endedAtMs === null ? "has not ended yet" : `${one.outcome} at ${clock(one.endedAtMs)}`;
    return `Recovery ${one.id} of ${one.worker} was under way: ${one.verdict}, ${one.action}, found ${clock(one.detectedAtMs)} (${one.reason}), ${tries} of ${one.maxTries} tries begun; it ${ended}.`;
  });
}

function lastHeard(worker: WorkerView): string {
  if (worker.heardAgoMs === null) return ", and was never heard by the coordinator that answers";
  const trip =
    worker.roundTripMs === null ? "" : `, round trip ${worker.roundTripMs.toFixed(1)} ms`;
  const loss = worker.loss === null ? "" : `, loss ${(100 * worker.loss).toFixed(1)} %`;
  return `, heard ${span(worker.heardAgoMs)} ago${trip}${loss}`;
}

function doneNow(worker: WorkerView): string[] {
  const lines: string[] = [];
  if (worker.recovery !== null) {
    lines.push(
      `Recovery ${worker.recovery.id} (${worker.recovery.stage}): ${worker.recovery.text}.`,
    );
  }
  if (worker.quarantinedForMs !== null) {
    lines.push(
      `It has been in quarantine for ${span(worker.quarantinedForMs)}: nothing is done until \`heartmesh release ${worker.id}\`, or a long spell of health.`,
    );
  }
  if (worker.silencedForMs !== null) {
    lines.push(
      `A person silenced it for another ${span(worker.silencedForMs)} (${worker.silenceReason}): nothing is done until then, or \`heartmesh unsilence ${worker.id}\`.`,
    );
  }
  if (lines.length === 0) lines.push("Nothing is being done about it now.");
  return lines;
}

function lately(recoveries: readonly RecoveryView[] | undefined, now: number): string[] {
  if (recoveries === undefined) return ["Its recoveries cannot be read now."];
  if (recoveries.length === 0) return ["No recovery of it is on record."];
  return [
    "Recoveries:",
    ...recoveries.map((one) => {
      const tries = `${one.tries.length} ${one.tries.length === 1 ? "try" : "tries"}`;
      const why = one.outcomeReason === "" ? "" : ` (${one.outcomeReason})`;
      return `  ${ago(one.detectedAtMs, now)}: ${one.verdict}, ${one.action}, ${one.outcome}${why}, ${tries}, ${tookText(one, now)}`;
    }),
  ];
}
