// Planted mistakes, each on the seed that is on record for it; those without one are searched for by the soak alone.
//
// Any change of the product or of the simulator may change what a seed does: `UPDATE=1` then searches again, from the recorded seed on.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, constants, setPriority } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { findMutant, mutantSeeds, type Found } from "./find-mutant.ts";
import { mutants, type Mutant } from "./mutants.ts";

const file = path.join(import.meta.dirname, "mutants.json");
/** By name. */
const recorded = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, number>>;
const isUpdate = process.env.UPDATE === "1";
const renew = "UPDATE=1 node --import tsx --test test/sim/mutants.real.test.ts";
const fewestOnRecord = 15;
const found = new Map<string, number>();
// Virtual time waits; the tests on real parts beside these do not.
setPriority(constants.priority.PRIORITY_LOW);

const tried = mutants.filter(({ name }) => isUpdate || Object.hasOwn(recorded, name));

test("most mistakes have a seed on record, and each on record is still planted", () => {
  const names = new Set(mutants.map(({ name }) => name));
  const unknown = Object.keys(recorded).filter((name) => !names.has(name));
  assert.deepEqual(unknown, [], `they are planted no more: run ${renew}`);
  assert.ok(tried.length >= fewestOnRecord, `only ${tried.length}: run ${renew}`);
  const others = mutants.filter((mutant) => !tried.includes(mutant));
  if (others.length > 0)
    console.log(`by the soak alone: ${others.map(({ name }) => name).join("; ")}`);
});

describe("the simulator finds", { concurrency: availableParallelism() }, () => {
  for (const mutant of tried) {
    test(mutant.name, { timeout: isUpdate ? 3_600_000 : 120_000 }, async () => {
      const known = recorded[mutant.name];
      const one = await look(mutant, known);
      assert.ok(
        one !== undefined,
        isUpdate
          ? `${mutantSeeds} seeds violate nothing: a law, or a fault, is missing`
          : `seed ${known ?? 0} does not find it any more: run ${renew}`,
      );
      found.set(mutant.name, one.seed);
      console.log(`${mutant.name}: seed ${one.seed}, ${one.violation}`);
    });
  }
  after(() => {
    if (!isUpdate) return;
    // In the order of the list; one that was not found now keeps the seed that it had.
    const kept = mutants.flatMap(({ name }) => {
      const seed = found.get(name) ?? recorded[name];
      return seed === undefined ? [] : [[name, seed] as const];
    });
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
  });
});

async function look(mutant: Mutant, known = 1): Promise<Found | undefined> {
  const first = await findMutant(mutant, { from: known, count: 1, cores: 1 });
  if (first !== undefined || !isUpdate) return first;
  const behind = { from: known + 1, count: mutantSeeds - known, cores: 1 };
  return (
    (await findMutant(mutant, behind)) ??
    (await findMutant(mutant, { from: 1, count: known, cores: 1 }))
  );
}
