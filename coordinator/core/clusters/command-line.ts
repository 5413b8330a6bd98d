// A command written as one text, taken apart as a shell would: at blanks, with quotes and backslashes.

import type { Outcome } from "../../../proto/machine.ts";

export function splitCommand(text: string): Outcome<readonly string[], "unclosed"> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    const isEscape = char === "\\" && quote !== "'" && at + 1 < text.length;
    if (isEscape) word = (word ?? "") + (text[++at] ?? "");
    else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (!/\s/.test(char)) word = (word ?? "") + char;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (quote !== "") return { ok: false, failure: "unclosed", detail: `a ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return { ok: true, value: words };
}
