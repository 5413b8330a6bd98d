// How the scenarios of the composed core begin and end: all well, something happens, all well again.

import assert from "node:assert/strict";
import { MeshHarness, type MeshOptions } from "./mesh-harness.ts";
import type { Arrangement } from "./scripted-engine.ts";

/** Three coordinators and some workers, all well. */
export function mesh(
  options: MeshOptions & {
    readonly arrangement?: Arrangement;
    readonly names?: readonly string[];
  } = {},
): MeshHarness {
  const { names = ["web", "db", "job"], arrangement = "inside" } = options;
  const m = new MeshHarness(options);
  for (const name of names) m.engine.add(name, arrangement);
  m.begin();
  for (const { id } of m.alive()) {
    for (const name of names) assert.equal(m.worker(name, id).verdict, "healthy", `${name}, ${id}`);
  }
  assert.notEqual(m.leader(), "");
  assert.deepEqual(m.deeds, []);
  return m;
}

/** Waits for the end of its `times`-th recovery: verified (told where somebody led then), and healthy for everybody. */
export function recovers(m: MeshHarness, name: string, times = 1): void {
  m.until(() => m.told("recovered", name).length >= times, 30_000);
  if (m.hadLeaderAllAlong) assert.equal(m.told("verified", name).length, times);
  for (const { id } of m.alive()) assert.equal(m.worker(name, id).verdict, "healthy");
}
