// What agent and coordinator share in reading their environment: units, address lists, secrets, misspelt names. Pure; files are read by the caller.

import type { Outcome } from "./machine.ts";
import { isName } from "./text.ts";
import type { Duration } from "./units.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Parsed<Value> = Outcome<Value, "malformed">;

/** One row of a process's table of variables; the README is held to these. */
export interface VariableRow {
  readonly name: string;
  /** As it would be written in the environment; empty where there is none. */
  readonly default: string;
  readonly text: string;
  /** A secret may also come as `<name>_FILE`. */
  readonly secret?: boolean;
}

export interface NamedAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type SecretSource =
  | { readonly kind: "none" }
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "both" };

/** The value of a variable; an empty one counts as not set, as Compose writes an unset one. */
export function valueOf(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : value;
}

const unitMs: Readonly<Record<string, Duration>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `5`, `5s`, `0.5`, `500ms`, `10m`, `1h`, `30d`, `1m30s` → ms. A bare number is in seconds. */
export function parseDuration(text: string): Parsed<Duration> {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return parsed(Number(trimmed) * 1000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) {
    return malformed(`"${text}" is not a duration; expected 5, 5s or 500ms`);
  }
  let ms = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(number) * (unitMs[unit ?? ""] ?? 0);
  }
  return parsed(ms);
}

/** A whole number between the bounds, both included. */
export function parseInteger(text: string, low: number, high: number): Parsed<number> {
  const number = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= low && number <= high) return parsed(number);
  return malformed(`"${text}" is not a whole number from ${low} to ${high}`);
}

export function parsePort(text: string): Parsed<number> {
  const port = parseInteger(text, 1, 65_535);
  return port.ok ? port : malformed(`"${text}" is not a port; expected 1 to 65535`);
}

/** `1`, `true`, `yes`, `on` and their opposites. */
export function parseFlag(text: string): Parsed<boolean> {
  const word = text.trim().toLowerCase();
  if (["1", "true", "yes", "on"].includes(word)) return parsed(true);
  if (["0", "false", "no", "off"].includes(word)) return parsed(false);
  return malformed(`"${text}" is neither yes nor no; expected 1 or 0`);
}

/** `host:port`, `[v6]:port`, or a bare host where there is a default port. */
export function parseAddress(
  text: string,
  defaultPort?: number,
): Parsed<{ readonly host: string; readonly port: number }> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d+))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const portText = match?.[3] ?? (defaultPort === undefined ? undefined : String(defaultPort));
  if (host === undefined || portText === undefined) {
    return malformed(`"${text}" is not an address; expected host:port`);
  }
  const port = parsePort(portText);
  return port.ok ? parsed({ host, port: port.value }) : port;
}

/** `c1=host:port,c2=host:port`; names are unique. An empty list is one. `rule`: which names are usable, in words too. */
export function parseAddressList(
  text: string,
  defaultPort?: number,
  rule = { isUsable: isListName, expected: "name=host:port" },
): Parsed<readonly NamedAddress[]> {
  const list: NamedAddress[] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals)).trim();
    if (!rule.isUsable(name)) {
      return malformed(`"${part.trim()}" has no usable name; expected ${rule.expected}`);
    }
    if (list.some((other) => other.name === name)) return malformed(`"${name}" stands twice`);
    const address = parseAddress(part.slice(equals + 1), defaultPort);
    if (!address.ok) return address;
    list.push({ name, ...address.value });
  }
  return parsed(list);
}

/** Whether a text can stand as a name in a list: nothing blank, no comma, no equals sign. */
function isListName(text: string): boolean {
  return /^[^\s,=]+$/.test(text) && isName(text);
}

/** Where a secret comes from: `<name>`, or a file that `<name>_FILE` names; not both. */
export function secretSource(env: Environment, name: string): SecretSource {
  const value = valueOf(env, name);
  const path = valueOf(env, `${name}_FILE`);
  if (value !== undefined && path !== undefined) return { kind: "both" };
  if (value !== undefined) return { kind: "value", value };
  return path === undefined ? { kind: "none" } : { kind: "file", path };
}

/** A secret as its file has it: without the line's end that editors add. */
export const secretFromFile = (content: string): string => content.replace(/[\r\n\s]+$/, "");

/** All names that a table of variables allows. */
export function namesOf(rows: readonly VariableRow[]): string[] {
  return rows.flatMap((row) => (row.secret === true ? [row.name, `${row.name}_FILE`] : [row.name]));
}

/**
 * Variables that look like one of ours and are not: at most two letters differ (only names of six letters and more
 * are compared, so that a worker's own variables stay its own), or they begin with a prefix that only ours have.
 */
export function misspelt(
  env: Environment,
  known: readonly string[],
  prefixes: readonly string[] = [],
): { readonly name: string; readonly meant: string }[] {
  const found: { name: string; meant: string }[] = [];
  for (const name of Object.keys(env)) {
    if (name.length < 6 || known.includes(name)) continue;
    const prefix = prefixes.find((candidate) => name.startsWith(candidate));
    const meant =
      prefix === undefined
        ? closest(name.toUpperCase(), known, 2)
        : (known.find((candidate) => prefix + candidate === name) ??
          closest(name, known, Infinity));
    if (meant !== undefined) found.push({ name, meant });
  }
  return found;
}

function closest(name: string, known: readonly string[], within: number): string | undefined {
  let best: string | undefined;
  let distance = within + 1;
  for (const candidate of known) {
    if (candidate.length < 6 || Math.abs(candidate.length - name.length) > within) continue;
    const d = levenshtein(name, candidate);
    if (d < distance) [best, distance] = [candidate, d];
  }
  return best;
}

/** The least number of letters added, removed or replaced that turns one text into the other. */
export function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
