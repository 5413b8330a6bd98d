// As many simulated runs as fit into a minute; `npm run sim` runs as many as are asked for.

import assert from "node:assert/strict";
import { constants, setPriority } from "node:os";
import { test } from "node:test";
import { soakAlone } from "../lab/requirements.ts";
import type { ChildLine } from "./child.ts";
import { measureFigures } from "./figures.ts";
import { runFleet } from "./fleet.ts";
import { Tally } from "./tally.ts";

// Virtual time waits; the tests on real parts beside these do not.
setPriority(constants.priority.PRIORITY_LOW);

const within = 60_000;
const minutes = 0.5;

test("a minute of simulated runs violates nothing", async () => {
  const tally = new Tally(minutes);
  const failed: ChildLine[] = [];
  await runFleet({
    from: 1,
    count: 2_000,
    seconds: minutes * 60,
    mostWorkers: 10,
    within,
    cores: 1,
    override: {},
    isTold: false,
    onLine: (line) => {
      tally.add(line);
      if (line.result.violation !== undefined) failed.push(line);
    },
  });
  console.log(tally.summary());
  assert.deepEqual(
    failed.map((line) => tally.story(line)),
    [],
  );
  assert.ok(tally.seeds >= 5, `only ${tally.seeds} seeds ran`);
});

test("the figures are measured at every loss", { skip: soakAlone }, async () => {
  const { rows, violations } = await measureFigures(1, 0.7, () => undefined);
  assert.deepEqual(violations, []);
  for (const { name, detectionMs, failoverMs, workerHours } of rows) {
    assert.ok(
      detectionMs.n > 0 && failoverMs.n > 0 && workerHours > 0,
      `nothing was measured: ${name}`,
    );
  }
  assert.equal(rows.find(({ name }) => name === "no loss")?.falseVerdicts, 0);
});
