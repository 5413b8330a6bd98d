// Why a worker has its verdict, in words: what each coordinator says, the evidence, what was done lately and what is not done now. Pure.

import type { EventView, RecoveryView, WorkerView } from "../../proto/rest.ts";
import { ago, printable, span } from "./terminal.ts";
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

export function explainText({ worker, recoveries, events }: Explained, now: number): string {
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
    for (const event of events.toReversed()) lines.push(`  ${eventText(event, now)}`);
  }
  return lines.map(printable).join("\n");
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
