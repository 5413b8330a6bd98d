// Planted mistakes: the simulator finds each within so many seeds, searched afresh from the first.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMutant, mutantBounds, mutantSeeds } from "./find-mutant.ts";
import { mutants } from "./mutants.ts";

describe("the simulator finds", () => {
  for (const mutant of mutants) {
    test(mutant.name, async () => {
      const found = await findMutant(mutant, { from: 1, count: mutantSeeds });
      const { seconds } = mutantBounds;
      assert.ok(found !== undefined, `${mutantSeeds} seeds of ${seconds} s violate nothing`);
      console.log(`${mutant.name}: by seed ${found.seed}, ${found.violation}`);
    });
  }
});
