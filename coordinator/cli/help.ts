// What the command line says of itself: all verbs, and how each is used.

import { exitTexts } from "./exit-codes.ts";
import { optionRow, type OptionName, type Verb } from "./verb.ts";
import { wrap } from "./width.ts";

/** What does not ask a coordinator. */
const others: readonly (readonly [usage: string, text: string])[] = [
  ["agent", "run an agent"],
  ["coordinator", "run a coordinator"],
  ["announce", "announce PUBLIC_NAME on the local network"],
  ["config [--json]", "the coordinator's effective configuration, without secrets"],
  ["completion bash|zsh|fish", "what makes the shell complete verbs, options and names"],
  ["help [VERB]", "this, or how a verb is used"],
];

export const otherVerbs: readonly string[] = others.map(([usage]) => usage.split(" ")[0] ?? "");

/** @param width of the terminal; undefined: nothing is broken */
export function usageOf(verbs: Readonly<Record<string, Verb>>, width?: number): string {
  const all = [...others, ...Object.values(verbs).map(({ usage, text }) => [usage, text] as const)];
  return [
    "Usage: heartmesh <verb>",
    "",
    ...columns(all, width),
    "",
    ...wrap(
      "Verbs that ask a coordinator take --json, and --url or HEARTMESH_URL (http://127.0.0.1:8080).",
      width,
    ),
    "The token comes from HEARTMESH_TOKEN or HEARTMESH_TOKEN_FILE.",
    "",
    ...exitLines(width),
  ].join("\n");
}

export function helpOf(verb: Verb, width?: number): string {
  const names: readonly OptionName[] = [...verb.options, "json", "url", "help"];
  const options = names.map((name): [string, string] => {
    const { short, value, text } = optionRow(name);
    const left = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return [left, verb.needs?.includes(name) === true ? `${text}; must be given` : text];
  });
  return [
    `Usage: heartmesh ${verb.usage}`,
    "",
    ...wrap(`${verb.text[0]?.toUpperCase() ?? ""}${verb.text.slice(1)}.`, width),
    ...(verb.more === undefined ? [] : ["", ...wrap(verb.more, width)]),
    "",
    "Options:",
    ...columns(options, width),
    "",
    ...exitLines(width),
  ].join("\n");
}

const exitLines = (width: number | undefined): readonly string[] => [
  "Exit codes:",
  ...columns(
    exitTexts.map(([code, text]) => [String(code), text.replaceAll("`", "")]),
    width,
    4,
  ),
];

/** What is too long for its column stands above the text. */
function columns(
  rows: readonly (readonly [string, string])[],
  width: number | undefined,
  left = 32,
): readonly string[] {
  const indent = " ".repeat(left + 2);
  const room = width === undefined ? undefined : Math.max(24, width - indent.length);
  return rows.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrap(text, room);
    const begin =
      name.length > left - 2
        ? [`  ${name}`, `${indent}${first}`]
        : [`  ${name.padEnd(left)}${first}`];
    return [...begin, ...rest.map((line) => indent + line)];
  });
}
