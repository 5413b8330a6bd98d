// A live worker is never taken for a silent one by loss: a quarter of an hour of virtual time at each rate, and loss in bursts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualMesh } from "./virtual-mesh.ts";
import { inFull } from "../../inner-loop.ts";

const minutes = inFull(15);

for (const loss of [0.1, 0.2, 0.3]) {
  test(`twenty workers, ${minutes} minutes, ${loss * 100} % loss each way: no coordinator is ever sure of a silence`, () => {
    const mesh = new VirtualMesh({ seed: 1000 * loss, workers: 20, weather: { loss } });
    mesh.run(minutes * 60_000);
    assert.deepEqual(
      mesh.happenings.filter(({ conclusion }) => conclusion.kind === "silent"),
      [],
    );
    const downs = mesh.coordinators.reduce((sum, c) => sum + c.pinger.counters.downs, 0);
    assert.ok(downs <= 1, `${downs} of one coordinator alone`);
    for (const c of mesh.coordinators) {
      assert.ok(mesh.fitness(c).fit);
      const view = mesh.pathOf(c, mesh.workers[0]!);
      assert.ok(Math.abs(view.loss - (1 - (1 - loss) ** 2)) < 0.16, `measured ${view.loss}`);
    }
  });
}

// In the first minutes a path has not yet learnt how long its outages are, so that a rare silence is possible then.
test("each path in each direction dead for 20 % of all half seconds: once learnt, no silence in 7 minutes", () => {
  const mesh = new VirtualMesh({ seed: 8, workers: 20, weather: { bursts: 0.2 } });
  mesh.run(450_000);
  const silences = mesh.happenings.filter(
    ({ at, conclusion }) => at > 60_000 && conclusion.kind === "silent",
  );
  assert.deepEqual(silences, []);
  const patient = mesh.coordinators.every(
    (c) => mesh.pathOf(c, mesh.workers[0]!).silenceNeeded > 1500,
  );
  assert.ok(patient, "each path was taught patience");
});
