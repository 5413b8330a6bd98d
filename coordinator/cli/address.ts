// Which coordinator the command line asks, and with which token.

import { readFileSync } from "node:fs";
import {
  secretFromFile,
  secretSource,
  valueOf,
  type Environment,
} from "../../proto/config-parse.ts";
import { strongestToken } from "../api/tokens.ts";
import { Client } from "./client.ts";

/** A text says what was wrong. */
export function clientOf(env: Environment, given: string | undefined): Client | string {
  const url = (given ?? valueOf(env, "HEARTMESH_URL") ?? ownUrl(env)).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    return `"${url}" is no address; expected http://host:port`;
  }
  return new Client({ url, token: tokenOf(env), certFile: valueOf(env, "HTTP_TLS_CERT") });
}

/** Inside a coordinator's container its own environment tells where it listens. */
function ownUrl(env: Environment): string {
  const scheme = valueOf(env, "HTTP_TLS_CERT") === undefined ? "http" : "https";
  const host = valueOf(env, "HTTP_HOST") ?? "127.0.0.1";
  const seen = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const name = seen.includes(":") ? `[${seen}]` : seen;
  return `${scheme}://${name}:${valueOf(env, "HTTP_PORT") ?? "8080"}`;
}

function tokenOf(env: Environment): string | undefined {
  const own = secretOf(env, "HEARTMESH_TOKEN");
  if (own !== undefined) return own;
  const tokens = secretOf(env, "API_TOKENS");
  return tokens === undefined ? undefined : strongestToken(tokens);
}

function secretOf(env: Environment, name: string): string | undefined {
  const source = secretSource(env, name);
  if (source.kind === "value") return source.value;
  const text = source.kind === "file" ? readText(source.path) : undefined;
  return text === undefined ? undefined : secretFromFile(text);
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
