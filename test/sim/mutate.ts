// Plants mistakes in the text of a source file.

import type { Mutation } from "./bundle.ts";

/** @throws where a mistake's place is not there exactly once */
export function mutated(file: string, text: string, mutations: readonly Mutation[]): string {
  let changed = text;
  for (const { from, to } of mutations.filter((one) => one.file === file)) {
    if (changed.split(from).length !== 2) {
      throw new Error(`${file} does not hold this exactly once: ${from}`);
    }
    changed = changed.replace(from, () => to);
  }
  return changed;
}
