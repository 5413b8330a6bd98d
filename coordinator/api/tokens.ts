// Tokens and roles: parsed from API_TOKENS, kept and found by their hashes. Pure but for the hash.

import { hash } from "node:crypto";
import type { Parsed } from "../../proto/config-parse.ts";
import { roles, type Role } from "../../proto/roles.ts";

export interface ApiToken {
  /** Who it was given to, for the audit. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token; the token itself is not kept. */
  readonly hash: string;
}

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

const shortestToken = 16;

/** `role:token` or `name:role:token`, by commas or lines; a line that begins with `#` is a comment. Details never repeat a token. */
export function parseTokens(text: string): Parsed<readonly ApiToken[]> {
  const tokens: ApiToken[] = [];
  const lines = text.split("\n").filter((line) => !line.trimStart().startsWith("#"));
  const entries = lines.flatMap((line) => line.split(",")).map((entry) => entry.trim());
  for (const [index, entry] of entries.filter((one) => one !== "").entries()) {
    const which = `entry ${index + 1}`;
    const parts = entry.split(":").map((part) => part.trim());
    const [name, roleText, token] = parts.length === 2 ? [undefined, ...parts] : parts;
    if (parts.length < 2 || parts.length > 3 || token === undefined) {
      return malformed(`${which} is neither role:token nor name:role:token`);
    }
    const role = roles.find((one) => one === roleText);
    if (role === undefined) return malformed(`${which} has no role of ${roles.join(", ")}`);
    if (token.length < shortestToken || /\s/.test(token)) {
      return malformed(`${which} has a token shorter than ${shortestToken} characters, or a blank`);
    }
    tokens.push({ name: name ?? `${role}-${index + 1}`, role, hash: hashOf(token) });
  }
  return tokens.length === 0 ? malformed("no token in it") : { ok: true, value: tokens };
}

/** The token of the highest role, for a command line that has the coordinator's own environment. */
export function strongestToken(text: string): string | undefined {
  const entries = text.split(/[\n,]/).map((entry) => entry.trim().split(":"));
  for (const role of roles.toReversed()) {
    const entry = entries.find((parts) => parts.at(-2)?.trim() === role);
    if (entry !== undefined) return entry.at(-1)?.trim();
  }
  return undefined;
}

/** By hash. How long a search takes tells of the hash of what was shown, and a hash tells nothing of the token that makes it. */
export type KnownCallers = ReadonlyMap<string, Caller>;

/** Of two entries with the same token the first holds. */
export const callersBy = (tokens: readonly ApiToken[]): KnownCallers =>
  new Map(tokens.toReversed().map(({ name, role, hash }) => [hash, { name, role }]));

/** As known callers are found by. */
export const hashOf = (token: string): string => hash("sha256", token, "base64");
const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
