// The engine's event stream: bytes to lines, lines to events. Pure.

import type { EngineEvent } from "../core/worker.ts";

/** A longer line is skipped whole: no event of a container is near it. */
const longestLine = 1_000_000;

/** Cuts the stream into lines; JSON arrives split anywhere, also inside a character. */
export class LineFramer {
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;

  /** The lines that are complete with this chunk. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10)) {
      const line = bytes.subarray(0, at).toString("utf8").trim();
      if (!this.#skipping && line !== "") lines.push(line);
      this.#skipping = false;
      bytes = bytes.subarray(at + 1);
    }
    if (bytes.length > longestLine) {
      this.#skipping = true;
      bytes = Buffer.alloc(0);
    }
    this.#rest = bytes;
    return lines;
  }
}

/** An event and what only the watcher needs of it. */
export interface StampedEvent {
  readonly event: Omit<EngineEvent, "ours">;
  /** Nanoseconds of the engine's own clock, as it writes them. */
  readonly timeNano: bigint;
}

const plainActions = [
  "create",
  "start",
  "die",
  "kill",
  "stop",
  "restart",
  "pause",
  "unpause",
  "destroy",
  "rename",
  "oom",
] as const;

/** Attributes that the engine adds to a container's labels in an event. */
const addedAttributes = new Set(["name", "image", "signal", "exitCode", "oldName", "execDuration"]);

/** Undefined for a line that is no event of a container that matters here. */
export function parseEventLine(host: string, line: string): StampedEvent | undefined {
  const raw = parseJson(line);
  const actor = raw?.Actor;
  if (raw === undefined || raw.Type !== "container" || actor?.ID === undefined) return undefined;
  const action = actionOf(raw.Action ?? "");
  if (action === undefined) return undefined;
  const attributes = actor.Attributes ?? {};
  const labels = Object.entries(attributes).filter(([key]) => !addedAttributes.has(key));
  return {
    timeNano: timeOf(line, raw),
    event: {
      host,
      containerId: actor.ID,
      name: (attributes.name ?? "").replace(/^\//, ""),
      labels: Object.fromEntries(labels),
      action,
      signal: action === "kill" ? Number(attributes.signal ?? 0) : 0,
      exitCode: action === "die" ? Number(attributes.exitCode ?? -1) : -1,
    },
  };
}

interface RawEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly time?: number;
  readonly Actor?: {
    readonly ID?: string;
    readonly Attributes?: Readonly<Record<string, string>> | null;
  };
}

function parseJson(line: string): RawEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `health_status: unhealthy`, in newer engines also followed by more. */
function actionOf(action: string): EngineEvent["action"] | undefined {
  if (action.startsWith("health_status")) {
    if (action.includes("unhealthy")) return "health-unhealthy";
    return action.includes("healthy") ? "health-healthy" : "health-starting";
  }
  return plainActions.find((known) => known === action);
}

/** Read from the text: as a JSON number it loses its last digits, and a duplicate could not be told from a neighbour. */
function timeOf(line: string, raw: RawEvent): bigint {
  const nano = /"timeNano":\s*(\d{1,19})\s*[,}]/.exec(line)?.[1];
  return nano === undefined ? BigInt(Math.trunc(raw.time ?? 0)) * 1_000_000_000n : BigInt(nano);
}

/** For the `since` of a reconnection: seconds and nanoseconds, as the engine takes them. */
export const sinceText = (timeNano: bigint): string =>
  `${String(timeNano / 1_000_000_000n)}.${String(timeNano % 1_000_000_000n).padStart(9, "0")}`;
