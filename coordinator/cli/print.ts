// An answer as it was asked for: in words, or whole with --json.

import type { VerbCall } from "./verbs.ts";

/** @returns the exit code. */
export function print<View>(call: VerbCall, view: View, words: (view: View) => string): number {
  call.terminal.out(call.options.json ? JSON.stringify(view, undefined, 2) : words(view));
  return 0;
}
