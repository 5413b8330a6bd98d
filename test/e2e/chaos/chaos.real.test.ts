// Ninety seconds in the chaos lab; `npm run chaos` runs longer, on any seed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { soakNeeds } from "../../lab/requirements.ts";
import { reportOf, tellReport } from "./report.ts";
import { runChaos } from "./run.ts";

const seed = 32;
const minutes = 1.5;

test(
  "ninety seconds of faults: every failure is healed, nobody healthy is touched, all of it is on record",
  { skip: soakNeeds("root", "engine", "redis") },
  async () => {
    const run = await runChaos({ seed, minutes, say: console.log });
    assert.ok(run !== undefined);
    const report = reportOf(run, { seed, minutes });
    console.log(tellReport(report, run.evidence.beganMs));
    assert.deepEqual(run.violations, [], run.logs);
    assert.ok(report.faults >= 20, `only ${report.faults} faults were planted`);
    assert.ok(report.failures >= 5 && report.healed === report.failures, "failures healed");
  },
);
