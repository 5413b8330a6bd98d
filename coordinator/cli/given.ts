// From the words behind a verb to its options and subject, or what is wrong with them. Pure.

import { parseArgs } from "node:util";
import { optionRow, type OptionName, type Verb, type VerbOptions } from "./verb.ts";

export interface Given {
  readonly options: VerbOptions;
  readonly url: string | undefined;
  readonly wantsHelp: boolean;
  readonly subject: string;
  readonly words: readonly string[];
}

/** A text says what was wrong. */
export function parseGiven(verb: Verb, argv: readonly string[]): Given | string {
  const names: readonly OptionName[] = ["json", "url", "help", ...verb.options];
  const options = Object.fromEntries(
    names.map((name) => {
      const { value, short } = optionRow(name);
      const type = value === undefined ? ("boolean" as const) : ("string" as const);
      return [name, short === undefined ? { type } : { type, short }];
    }),
  );
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
    const { url, json, help, ...values } = parsed.values;
    const wantsHelp = help === true;
    const problem = wantsHelp ? undefined : problemOf(verb, parsed.positionals, values);
    return (
      problem ?? {
        options: { ...values, json: json === true },
        url: typeof url === "string" ? url : undefined,
        wantsHelp,
        subject: parsed.positionals[0] ?? "",
        words: parsed.positionals,
      }
    );
  } catch (error) {
    // Node's own words go on with how to give a word that begins with a dash.
    return (error instanceof Error ? error.message : String(error)).split(". To specify")[0] ?? "";
  }
}

function problemOf(
  verb: Verb,
  words: readonly string[],
  values: Readonly<Record<string, unknown>>,
): string | undefined {
  if (verb.words === undefined) {
    const most = verb.wants === undefined ? 0 : 1;
    if (words.length === 0 && most === 1 && verb.mayLackSubject !== true) {
      return `name one ${verb.wants ?? ""}`;
    }
    if (words.length > most) {
      return most === 1 ? `name one ${verb.wants ?? ""}` : `${words.join(" ")} is too much`;
    }
  }
  const missing = (verb.needs ?? []).filter((name) => values[name] === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.map((one) => `--${one}`).join(" and ")} must be given`;
}
