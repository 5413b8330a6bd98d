// What undoes a move, or ends it: every step is read off the service itself, so that whoever leads can take it.

import { parseConstraints, satisfies } from "./constraints.ts";
import { excludedBy, isMoveConfig, moveConfig, sameTexts } from "./earlier-move.ts";
import { journalOf, journalText, type MoveJournal } from "./journal.ts";
import { journalLabel, parseMoveLabels } from "./service-labels.ts";
import type { EngineJson, SwarmHost, SwarmService } from "./swarm-view.ts";

/** What one update of a service says, beside the rest of its specification as it is then. */
export interface ServiceChange {
  readonly constraints: readonly string[];
  /** Null: Swarm's own defaults. */
  readonly updateConfig: EngineJson | null;
  /** All of them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Undefined where it was not moved, or by nobody whose words are understood. */
export function readJournal(service: SwarmService): MoveJournal | undefined {
  const journal = journalOf(service);
  return journal?.ok === true ? journal.value : undefined;
}

/** Its update settings are still those of the move. */
export const isUnsettled = (service: SwarmService): boolean =>
  readJournal(service) !== undefined &&
  service.updateConfig !== undefined &&
  isMoveConfig(service.updateConfig);

/** The hosts that must be back before it can be: those that the move keeps it off. */
export function awayFrom(journal: MoveJournal): readonly string[] {
  const own = excludedBy(journal.before);
  const kept = excludedBy(journal.after).filter((id) => !own.includes(id));
  return [...new Set([...(journal.from === "" ? [] : [journal.from]), ...kept])];
}

/**
 * Its own update settings again, at the end of a move; of one that is back, or whose placement a person has changed since,
 * nothing is to be remembered any more. Undefined where nothing is to be done.
 */
export function settleChange(service: SwarmService): ServiceChange | undefined {
  const journal = readJournal(service);
  if (journal === undefined || !isUnsettled(service)) return undefined;
  const { constraints } = service;
  const isOver = sameTexts(journal.before, journal.after) || !sameTexts(journal.after, constraints);
  const labels = isOver ? withoutJournal(service) : service.labels;
  return { constraints, updateConfig: journal.update, labels };
}

/** Whether all that runs may stay where it is when its own placement is restored. */
export function staysWhenBack(
  service: SwarmService,
  places: readonly string[],
  hosts: readonly SwarmHost[],
): boolean {
  const journal = readJournal(service);
  if (journal === undefined) return false;
  const { known, unknown } = parseConstraints(journal.before);
  if (unknown.length > 0) return false;
  return places.every((id) => {
    const host = hosts.find((one) => one.id === id);
    return host !== undefined && known.every((one) => satisfies(host, one));
  });
}

/**
 * Its own placement again. Where tasks have to move for it, they do so as in the move itself, and `settleChange` ends it.
 * @param stays none has to: all may stay where they are, or none has found a place yet
 * @returns undefined where a person has changed its placement since, or it was not moved.
 */
export function backChange(service: SwarmService, stays: boolean): ServiceChange | undefined {
  const journal = readJournal(service);
  if (journal === undefined || !sameTexts(journal.after, service.constraints)) return undefined;
  const { before, update } = journal;
  if (stays) {
    return { constraints: before, updateConfig: update, labels: withoutJournal(service) };
  }
  const order = parseMoveLabels(service).isFenced ? "stop-first" : "start-first";
  const under: MoveJournal = { from: "", before, after: before, update };
  return {
    constraints: before,
    updateConfig: moveConfig(update, order),
    labels: { ...service.labels, [journalLabel]: journalText(under) },
  };
}

function withoutJournal({ labels }: SwarmService): Readonly<Record<string, string>> {
  const { [journalLabel]: _journal, ...rest } = labels;
  return rest;
}
