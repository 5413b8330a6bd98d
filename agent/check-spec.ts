// How a check is written: `tcp://host:port`, `http://host:port/path`, `exec:program args`, `process:name`, `none`.

import { parseAddress, parseInteger, type Parsed } from "../proto/config-parse.ts";
import type { BodyExpectation, StatusRange } from "./io/checks/http.ts";

export type AgentCheck =
  | { readonly kind: "none" }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "exec"; readonly command: string; readonly args: readonly string[] }
  | { readonly kind: "process"; readonly target: string }
  /** Of a host's agent: the Docker engine behind this unix socket. */
  | { readonly kind: "engine"; readonly socketPath: string };

const expected =
  "expected tcp://host:port, http://host:port/path, exec:program args, process:name or none";

export function parseCheck(text: string): Parsed<AgentCheck> {
  const trimmed = text.trim();
  if (trimmed === "none" || trimmed === "") return parsed({ kind: "none" });
  if (trimmed.startsWith("tcp://")) return parseTcp(trimmed);
  if (trimmed.startsWith("http://")) return parseHttp(trimmed);
  if (trimmed.startsWith("exec:")) return parseExec(trimmed.slice("exec:".length));
  if (trimmed.startsWith("process:")) return parseProcess(trimmed.slice("process:".length));
  return malformed(`"${text}" is not a check; ${expected}`);
}

/** DOCKER_HOST, of which a host's agent takes a socket on its own machine alone. */
export function parseEngine(text: string): Parsed<AgentCheck> {
  const socketPath = text.trim().replace(/^unix:\/\//, "");
  return text.trim().startsWith("unix://") && /^\/[^\0]+$/.test(socketPath)
    ? parsed({ kind: "engine", socketPath })
    : malformed(`"${text}" is no engine of this machine; expected unix:///path/of/socket`);
}

/** A list of statuses and ranges: `200`, `200-299,304`. */
export function parseStatusRanges(text: string): Parsed<readonly StatusRange[]> {
  const ranges: StatusRange[] = [];
  for (const part of text.split(",")) {
    const [lowText = "", highText = lowText, more] = part.trim().split("-");
    const low = parseInteger(lowText, 100, 599);
    const high = parseInteger(highText, 100, 599);
    if (!low.ok || !high.ok || more !== undefined || low.value > high.value) {
      return malformed(`"${text}" is not a list of statuses; expected for example 200-299,304`);
    }
    ranges.push({ low: low.value, high: high.value });
  }
  return parsed(ranges);
}

/** `/pattern/flags` is a regular expression, anything else must stand in the body as it is. */
export function parseBody(text: string): Parsed<BodyExpectation> {
  const match = /^\/(.+)\/([imsu]*)$/s.exec(text);
  if (match === null) return parsed({ kind: "contains", text });
  try {
    return parsed({ kind: "matches", pattern: new RegExp(match[1] ?? "", match[2]) });
  } catch (error) {
    return malformed(`"${text}" is not a regular expression (${(error as Error).message})`);
  }
}

/** Words as a shell would split them: blanks separate, quotes and backslashes keep together. No variables, no globs. */
export function splitWords(text: string): Parsed<readonly string[]> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= "";
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === "\\" && quote !== "'" && i + 1 < text.length) word += text.charAt(++i);
    else word += character;
  }
  if (quote !== "") return malformed(`"${text}" has a quote that does not end`);
  if (word !== undefined) words.push(word);
  return parsed(words);
}

function parseTcp(text: string): Parsed<AgentCheck> {
  const address = parseAddress(text.slice("tcp://".length));
  return address.ok
    ? parsed({ kind: "tcp", ...address.value })
    : malformed(`"${text}" is not a TCP check; expected tcp://host:port`);
}

function parseHttp(text: string): Parsed<AgentCheck> {
  return URL.canParse(text)
    ? parsed({ kind: "http", url: new URL(text).href })
    : malformed(`"${text}" is not an HTTP check; expected http://host:port/path`);
}

function parseExec(text: string): Parsed<AgentCheck> {
  const words = splitWords(text);
  if (!words.ok) return words;
  const [command, ...args] = words.value;
  return command === undefined
    ? malformed(`"exec:${text}" names no program; expected exec:program args`)
    : parsed({ kind: "exec", command, args });
}

function parseProcess(text: string): Parsed<AgentCheck> {
  const target = text.trim();
  return target === ""
    ? malformed(`"process:" names no process; expected process:name or process:/path/of/pid-file`)
    : parsed({ kind: "process", target });
}

const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
