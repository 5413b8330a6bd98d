// Planted mistakes can be planted: the text that each replaces stands in the source, once.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { mutants } from "./mutants.ts";
import { mutated } from "./mutate.ts";

test("each planted mistake changes the source as it is", () => {
  for (const { name, file, from, to, also = [] } of mutants) {
    for (const mutation of [{ file, from, to }, ...also]) {
      const text = readFileSync(path.join(import.meta.dirname, "../..", mutation.file), "utf8");
      assert.doesNotThrow(() => mutated(mutation.file, text, [mutation]), name);
    }
  }
});
