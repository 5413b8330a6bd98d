// What an earlier move left on a service: what a person gave it lies in the journal, not in what it has now.

import { excludedId, parseConstraints } from "./constraints.ts";
import { journalOf } from "./journal.ts";
import { journalLabel, type ServiceFinding } from "./service-labels.ts";
import type { EngineJson, SwarmService } from "./swarm-view.ts";

export interface EarlierMove {
  /** The id of the host that it was moved away from; empty where it was not moved. */
  readonly from: string;
  /** As a person gave them. */
  readonly constraints: readonly string[];
  readonly update: EngineJson | null;
  /** The ids of hosts that it has kept away from since. */
  readonly excluded: readonly string[];
  readonly findings: readonly ServiceFinding[];
}

export function earlierMove(service: SwarmService): EarlierMove {
  const journal = journalOf(service);
  const asItIs = (text?: string): EarlierMove => ({
    from: "",
    constraints: service.constraints,
    update: service.updateConfig ?? null,
    excluded: [],
    findings: text === undefined ? [] : [{ service: service.name, label: journalLabel, text }],
  });
  if (journal === undefined) return asItIs();
  if (!journal.ok) {
    const detail = journal.detail ?? "malformed";
    return asItIs(`${journalLabel}: ${detail}; its placement as it is counts as its own`);
  }
  const { from, before, after, update } = journal.value;
  if (!sameTexts(after, service.constraints)) {
    const since = "its placement was changed by a person since heartmesh moved it";
    return asItIs(`${journalLabel}: ${since}, and counts as its own`);
  }
  const isOurs = service.updateConfig !== undefined && isMoveConfig(service.updateConfig);
  const own = isOurs ? update : (service.updateConfig ?? null);
  return { from, constraints: before, update: own, excluded: excludedBy(after), findings: [] };
}

/**
 * All replicas at once, each new one before its old one has ended: Swarm would wait for a dead host to confirm that.
 * A failed task stops nothing halfway, and rolls nothing back to the dead host: whoever ordered the move judges it.
 */
export function moveConfig(
  own: EngineJson | null,
  order: "start-first" | "stop-first",
): EngineJson {
  const { Delay: _delay, ...rest } = own ?? {};
  return { ...rest, Parallelism: 0, FailureAction: "continue", Order: order };
}

export const isMoveConfig = ({ Parallelism, FailureAction, Order }: EngineJson): boolean =>
  Parallelism === 0 &&
  FailureAction === "continue" &&
  (Order === "start-first" || Order === "stop-first");

/** The ids of the hosts that constraints exclude. */
export const excludedBy = (texts: readonly string[]): readonly string[] =>
  parseConstraints(texts).known.flatMap((one) => excludedId(one) ?? []);

/** Swarm keeps their order, a person's tool may not. */
export const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text) => b.includes(text));
