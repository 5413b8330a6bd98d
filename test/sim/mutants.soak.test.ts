// Planted mistakes: the simulator finds each within so many seeds. Searched afresh, since any change of the product changes what a seed does.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMutant, mutantBounds } from "./find-mutant.ts";
import { mutants } from "./mutants.ts";

const most = 2_000;

describe("the simulator finds", () => {
  for (const mutant of mutants) {
    test(mutant.name, async () => {
      const found = await findMutant(mutant, { from: 1, count: most });
      assert.ok(found !== undefined, `${most} seeds of ${mutantBounds.seconds} s violate nothing`);
      console.log(`${mutant.name}: after ${found.after} seeds, ${found.violation}`);
    });
  }
});
