// The verbs that ask, and their options, to an exit code. 0 done, 1 failed or refused, 2 not understood.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isCodedError } from "../../proto/coded-error.ts";
import {
  secretFromFile,
  secretSource,
  valueOf,
  type Environment,
} from "../../proto/config-parse.ts";
import { strongestToken } from "../api/tokens.ts";
import { describeConfig, parseConfig } from "../config.ts";
import { adviceOf } from "../errors.ts";
import { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";
import { verbs, type Verb, type VerbOptions } from "./verbs.ts";

export async function runCommandLine(
  argv: readonly string[],
  env: Environment,
  terminal: Terminal,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  const [name, ...rest] = argv;
  switch (name) {
    case "config":
      return showConfig(rest, env, terminal);
    case undefined:
    case "help":
    case "--help":
    case "-h":
      terminal.out(usage());
      return name === undefined ? 2 : 0;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    terminal.err(`heartmesh: there is no verb ${name}.\n\n${usage()}`);
    return 2;
  }
  return runVerb(verb, rest, env, terminal, signal);
}

interface Given {
  readonly options: VerbOptions;
  readonly url: string | undefined;
  readonly subject: string;
  readonly words: readonly string[];
}

async function runVerb(
  verb: Verb,
  argv: readonly string[],
  env: Environment,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const given = parseGiven(verb, argv);
  if (typeof given === "string") {
    terminal.err(`heartmesh: ${given}\nUsage: heartmesh ${verb.usage} [--json] [--url URL]`);
    return 2;
  }
  const url = (given.url ?? valueOf(env, "HEARTMESH_URL") ?? ownUrl(env)).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    terminal.err(`heartmesh: "${url}" is no address; expected http://host:port`);
    return 2;
  }
  try {
    const certFile = valueOf(env, "HTTP_TLS_CERT");
    const client = new Client({ url, token: tokenOf(env), certFile });
    const { options, subject, words } = given;
    return await verb.run({ client, terminal, options, subject, words, signal });
  } catch (error) {
    if (!isCodedError(error)) throw error;
    terminal.err(`heartmesh: ${error.detail}\n${adviceOf(error.code)}`);
    return 1;
  }
}

/** Options without a value. */
const flags: ReadonlySet<string> = new Set(["follow", "replace"]);

/** A text says what was wrong. */
function parseGiven(verb: Verb, argv: readonly string[]): Given | string {
  const options: Record<string, { type: "string" | "boolean" }> = {
    json: { type: "boolean" },
    url: { type: "string" },
  };
  for (const name of verb.options) {
    options[name] = { type: flags.has(name) ? "boolean" : "string" };
  }
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
    const { url, json, ...values } = parsed.values;
    const wanted = verb.wants === undefined ? 0 : 1;
    if (verb.takesWords !== true && parsed.positionals.length !== wanted) {
      return wanted === 1
        ? `name one ${verb.wants ?? ""}`
        : `${parsed.positionals.join(" ")} is too much`;
    }
    const missing = (verb.needs ?? []).filter((name) => values[name] === undefined);
    if (missing.length > 0)
      return `${missing.map((one) => `--${one}`).join(" and ")} must be given`;
    return {
      options: { ...values, json: json === true },
      url: typeof url === "string" ? url : undefined,
      subject: parsed.positionals[0] ?? "",
      words: parsed.positionals,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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

function showConfig(argv: readonly string[], env: Environment, terminal: Terminal): number {
  if (argv.some((one) => one !== "--json")) {
    terminal.err("Usage: heartmesh config [--json]");
    return 2;
  }
  const outcome = parseConfig(env, readText);
  for (const warning of outcome.warnings) terminal.err(`warning: ${warning}`);
  if (!outcome.ok) {
    for (const problem of outcome.problems) terminal.err(`problem: ${problem}`);
    return 1;
  }
  const { config } = outcome;
  const isJson = argv.includes("--json");
  terminal.out(isJson ? JSON.stringify(config.effective, undefined, 2) : describeConfig(config));
  return 0;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function usage(): string {
  const all = [
    ["agent", "run an agent"],
    ["coordinator", "run a coordinator"],
    ["announce", "announce PUBLIC_NAME on the local network"],
    ["config", "the coordinator's effective configuration, without secrets"],
    ...Object.values(verbs).map((verb) => [verb.usage, verb.text]),
  ];
  const lines = all.map(([left = "", right = ""]) =>
    left.length > 30 ? `  ${left}\n${" ".repeat(34)}${right}` : `  ${left.padEnd(32)}${right}`,
  );
  return [
    "Usage: heartmesh <verb>",
    "",
    ...lines,
    "",
    "Verbs that ask a coordinator take --json, and --url or HEARTMESH_URL (http://127.0.0.1:8080).",
    "The token comes from HEARTMESH_TOKEN or HEARTMESH_TOKEN_FILE.",
    "Exit code: 0 done, 1 failed or refused, 2 not understood.",
  ].join("\n");
}
