// An answer as it was asked for: in words, or whole with --json.

import type { Look } from "./table.ts";
import { lookOf, type VerbCall } from "./verb.ts";

/** @returns the exit code. */
export function print<View>(
  call: Pick<VerbCall, "terminal" | "options">,
  view: View,
  words: (view: View, look: Look) => string,
): number {
  const { terminal, options } = call;
  terminal.out(options.json ? JSON.stringify(view, undefined, 2) : words(view, lookOf(call)));
  return 0;
}
