// What a moved service remembers of its move, in a label on itself: enough for any later leader to finish or undo it.

import type { Parsed } from "../../../proto/config-parse.ts";
import { journalLabel } from "./service-labels.ts";
import type { EngineJson, SwarmService } from "./swarm-view.ts";

export interface MoveJournal {
  /** The host that it was moved away from. */
  readonly from: string;
  /** Its placement constraints before the first move, to be restored when it comes back. */
  readonly before: readonly string[];
  /** Those that the last move gave it. Others mean that a person has changed them since. */
  readonly after: readonly string[];
  /** Its own update settings, to be restored after the move; null where it had none. */
  readonly update: EngineJson | null;
}

/** The value of the label; the field `v` is the version of this shape. */
export const journalText = ({ from, before, after, update }: MoveJournal): string =>
  JSON.stringify({ v: 1, from, before, after, update });

/** Undefined where the service was not moved. */
export function journalOf(service: SwarmService): Parsed<MoveJournal> | undefined {
  const text = service.labels[journalLabel];
  return text === undefined ? undefined : parseJournal(text);
}

function parseJournal(text: string): Parsed<MoveJournal> {
  const { v, from, before, after, update } = (parsedJson(text) ?? {}) as Record<string, unknown>;
  const isKnown = v === 1 && typeof from === "string" && isTexts(before) && isTexts(after);
  if (isKnown && (update === null || isRecord(update))) {
    return { ok: true, value: { from, before, after, update } };
  }
  return { ok: false, failure: "malformed", detail: "it is no journal that this version wrote" };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const isRecord = (value: unknown): value is EngineJson =>
  typeof value === "object" && value !== null && !Array.isArray(value);
