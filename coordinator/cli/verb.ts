// What a verb is: how it is called, what it takes, and what it is given.

import type { CommandView } from "../../proto/rest.ts";
import type { Client } from "./client.ts";
import type { Progress } from "./progress.ts";
import type { Look } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface OptionRow {
  /** What stands behind it; undefined: it is a flag. */
  readonly value?: string;
  readonly short?: string;
  readonly text: string;
}

export const optionTable = {
  json: { text: "print what the API says, as JSON" },
  url: { value: "URL", text: "the coordinator to ask, before HEARTMESH_URL" },
  help: { short: "h", text: "say how the verb is used" },
  reason: { value: "TEXT", text: "why, for the audit" },
  for: { value: "DURATION", text: "how long: 90, 30m, 2h; at most 30d" },
  limit: { value: "N", text: "at most so many" },
  worker: { value: "ID", text: "only of this worker" },
  kind: { value: "KIND", text: "only of this kind: recovered, quarantined …" },
  follow: { short: "f", text: "go on with what happens from now on" },
  at: {
    value: "TIME",
    text: "what was known and done then: 3h ago, or 2026-11-22T03:12, in UTC unless it says otherwise",
  },
  wait: { text: "follow it to its end; the exit code tells how it ended" },
  timeout: { value: "DURATION", text: "how long --wait waits; 15m unless given" },
  out: { value: "FILE", text: "where to; - for a pipe" },
  replace: { text: "also what is there and differs" },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof optionTable;

export const optionRow = (name: OptionName): OptionRow => optionTable[name];

/** Options as given; a verb that does not know one is never called with it. */
export interface VerbOptions {
  readonly json: boolean;
  readonly reason?: string;
  readonly for?: string;
  readonly limit?: string;
  readonly worker?: string;
  readonly kind?: string;
  readonly follow?: boolean;
  readonly at?: string;
  readonly wait?: boolean;
  readonly timeout?: string;
  readonly out?: string;
  readonly replace?: boolean;
}

/** What its one word names. */
export type Subject = "worker" | "host" | "service" | "host or service" | "file";

export interface Verb {
  readonly usage: string;
  /** In one line. */
  readonly text: string;
  /** What else a person should know before using it. */
  readonly more?: string;
  readonly options: readonly OptionName[];
  readonly needs?: readonly OptionName[];
  readonly wants?: Subject;
  /** It is done without one too. */
  readonly mayLackSubject?: true;
  /** It looks at its words itself; these are what the first may be, where there are such. */
  readonly words?: readonly string[];
  /** It can do something without a coordinator, and is not answered with one line where none is reached. */
  readonly run: (call: VerbCall) => Promise<number>;
}

export interface VerbCall {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly progress: Pick<Progress, "tell">;
  readonly options: VerbOptions;
  /** What the verb wants, as given; empty where it wants nothing. */
  readonly subject: string;
  /** All words that are no option. */
  readonly words: readonly string[];
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const lookOf = ({ terminal }: Pick<VerbCall, "terminal">): Look => ({
  width: terminal.width,
  isColored: terminal.isColored,
  now: terminal.now(),
});

export const workerPath = (worker: string): string =>
  `/api/v1/workers/${encodeURIComponent(worker)}`;

export const commandText = ({ text, recovery }: CommandView): string =>
  recovery === null ? text : `${text} (recovery ${recovery})`;
