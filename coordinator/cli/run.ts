// The words of a command line to a verb, and to its exit code.

import { isCoded, isCodedError } from "../../proto/coded-error.ts";
import type { Environment } from "../../proto/config-parse.ts";
import { describeConfig, parseConfig } from "../config.ts";
import { adviceOf } from "../errors.ts";
import { clientOf, readText } from "./address.ts";
import { Refusal, type Client } from "./client.ts";
import { completed, completionOf, shells } from "./completion.ts";
import { exits } from "./exit-codes.ts";
import { parseGiven } from "./given.ts";
import { helpOf, otherVerbs, usageOf } from "./help.ts";
import { didYouMean, namesOf } from "./names.ts";
import { startProgress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import type { Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

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
    case "completion":
      return showCompletion(rest, terminal);
    case "complete":
      return showNames(rest, env, terminal);
    case "help":
    case "--help":
    case "-h":
      return showHelp(rest, terminal);
    case undefined:
      terminal.out(usageOf(verbs, terminal.width));
      return exits.misunderstood;
  }
  const verb = verbNamed(name);
  if (verb !== undefined) return runVerb(verb, rest, env, terminal, signal);
  // Of what runs for long only its help comes here.
  return otherVerbs.includes(name) ? showHelp([name], terminal) : unknownVerb(name, terminal);
}

const verbNamed = (name: string): Verb | undefined =>
  Object.hasOwn(verbs, name) ? verbs[name] : undefined;

function unknownVerb(name: string, terminal: Terminal): number {
  const meant = didYouMean(name, [...Object.keys(verbs), ...otherVerbs]);
  const more = meant === "" ? "heartmesh help names all." : meant;
  terminal.err(`heartmesh: there is no verb ${name}. ${more}`);
  return exits.misunderstood;
}

function showHelp([name, ...rest]: readonly string[], terminal: Terminal): number {
  if (rest.length > 0) {
    terminal.err(`heartmesh: ${rest.join(" ")} is too much; name one verb`);
    return exits.misunderstood;
  }
  if (name === undefined || otherVerbs.includes(name)) {
    terminal.out(usageOf(verbs, terminal.width));
    return exits.done;
  }
  const verb = verbNamed(name);
  if (verb === undefined) return unknownVerb(name, terminal);
  terminal.out(helpOf(verb, terminal.width));
  return exits.done;
}

async function runVerb(
  verb: Verb,
  argv: readonly string[],
  environment: Environment,
  quiet: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const given = parseGiven(verb, argv);
  if (typeof given === "string") {
    quiet.err(`heartmesh: ${given}\nUsage: heartmesh ${verb.usage} [--json] [--url URL]`);
    return exits.misunderstood;
  }
  if (given.wantsHelp) {
    quiet.out(helpOf(verb, quiet.width));
    return exits.done;
  }
  const client = clientOf(environment, given.url);
  if (typeof client === "string") {
    quiet.err(`heartmesh: ${client}`);
    return exits.misunderstood;
  }
  const progress = startProgress(quiet, `asking ${client.url}`);
  const { terminal } = progress;
  try {
    const { options, subject, words } = given;
    const call = { client, terminal, progress, options, subject, words, signal, environment };
    return await verb.run(call);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    const meant = await whatWasMeant(error, client, verb, given.subject);
    terminal.err(`heartmesh: ${error.detail}\n${meant === "" ? adviceOf(error.code) : meant}`);
    return exits.failed;
  } finally {
    progress.stop();
  }
}

/** Empty where the failure is no misspelt name, or nothing is near it. */
async function whatWasMeant(
  error: Error,
  client: Client,
  { wants }: Verb,
  subject: string,
): Promise<string> {
  if (wants === undefined || !isCoded(error, "HM_REFUSED")) return "";
  if (!(error.cause instanceof Refusal) || error.cause.status !== 404) return "";
  try {
    return didYouMean(subject, await namesOf(client, wants));
  } catch {
    return "";
  }
}

function showConfig(argv: readonly string[], env: Environment, terminal: Terminal): number {
  if (argv.some((one) => one !== "--json")) {
    terminal.err("Usage: heartmesh config [--json]");
    return exits.misunderstood;
  }
  const outcome = parseConfig(env, readText);
  for (const warning of outcome.warnings) terminal.err(`warning: ${warning}`);
  if (!outcome.ok) {
    for (const problem of outcome.problems) terminal.err(`problem: ${problem}`);
    return exits.failed;
  }
  const { config } = outcome;
  const isJson = argv.includes("--json");
  terminal.out(isJson ? JSON.stringify(config.effective, undefined, 2) : describeConfig(config));
  return exits.done;
}

function showCompletion([name, ...rest]: readonly string[], terminal: Terminal): number {
  const shell = shells.find((one) => one === name);
  if (shell === undefined || rest.length > 0) {
    terminal.err("Usage: heartmesh completion bash|zsh|fish");
    return exits.misunderstood;
  }
  terminal.out(completionOf(shell, verbs));
  return exits.done;
}

/** For the shell's completion: names, one a line; nothing where no coordinator answers. */
async function showNames(
  [what = "", ...rest]: readonly string[],
  env: Environment,
  terminal: Terminal,
): Promise<number> {
  const subject = Object.hasOwn(completed, what) ? completed[what] : undefined;
  const client = clientOf(env, undefined);
  if (subject === undefined || rest.length > 0 || typeof client === "string") {
    return exits.misunderstood;
  }
  try {
    const names = await namesOf(client, subject);
    if (names.length > 0) terminal.out(names.join("\n"));
    return exits.done;
  } catch (error) {
    if (isCodedError(error)) return exits.failed;
    throw error;
  }
}
