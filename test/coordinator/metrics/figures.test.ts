// What is counted in the core and in the process, and how it is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecoveryRecord } from "../../../coordinator/core/recovery-record.ts";
import { Histogram } from "../../../coordinator/core/histogram.ts";
import { isShown } from "../../../coordinator/metrics/counters.ts";
import { Exposition } from "../../../coordinator/metrics/exposition.ts";
import { Tally } from "../../../coordinator/metrics/tally.ts";
import { meshEvent } from "../api/scripted-plane.ts";
import { recoveryRecord } from "../api/scripted-recovery.ts";
import { mesh, recovers } from "../core/mesh-scenes.ts";

/** The samples of one name, without its HELP and TYPE. */
function samples(tally: Tally, name: string): readonly string[] {
  const text = new Exposition();
  tally.show(text);
  const lines = text.toString().split("\n");
  return lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length));
}

const [firstTry] = recoveryRecord.tries;
const healed: RecoveryRecord = {
  ...recoveryRecord,
  aliveAt: recoveryRecord.detectedAt - 900,
  tries: firstTry === undefined ? [] : [firstTry],
  verifiedAt: recoveryRecord.detectedAt + 600,
  outcome: "recovered",
};
const recovered = meshEvent({ kind: "recovered", recovery: healed.id });

test("a histogram puts what equals a bound below it, what exceeds all above, and a negative one at 0", () => {
  const histogram = new Histogram([1, 5]);
  for (const one of [-3, 1, 1.5, 5, 6]) histogram.observe(one);
  assert.deepEqual(histogram.view(), { bounds: [1, 5], counts: [2, 2, 1], sum: 13.5 });
});

test("a histogram is shown with sums of its buckets, in seconds, and labels are escaped", () => {
  const text = new Exposition();
  const view = { bounds: [1, 5], counts: [2, 2, 1], sum: 13.5 };
  text.histogram("a_seconds", "Of a.", [[{ by: 'a "b"\\\n' }, view]]);
  const by = 'by="a \\"b\\"\\\\\\n"';
  assert.equal(
    text.toString(),
    `# HELP a_seconds Of a.
# TYPE a_seconds histogram
a_seconds_bucket{${by},le="0.001"} 2
a_seconds_bucket{${by},le="0.005"} 4
a_seconds_bucket{${by},le="+Inf"} 5
a_seconds_sum{${by}} 0.0135
a_seconds_count{${by}} 5
`,
  );
});

test("a recovery that ended is counted once, by action, verdict and outcome, and its times by action", () => {
  const tally = new Tally();
  tally.onEvent(meshEvent({ kind: "try-started", recovery: healed.id }), healed);
  tally.onEvent(recovered, healed);
  assert.deepEqual(samples(tally, "heartmesh_revivals_total"), [
    '{action="kill-start",reason="silent",outcome="recovered"} 1',
  ]);
  assert.deepEqual(samples(tally, "heartmesh_migrations_total"), []);
  const sumOf = (name: string): readonly string[] =>
    samples(tally, `heartmesh_${name}_seconds_sum`);
  assert.deepEqual(sumOf("detection"), ['{action="kill-start"} 0.9']);
  assert.deepEqual(sumOf("enqueue_to_running"), ['{action="kill-start"} 0.31']);
  assert.deepEqual(sumOf("kill_to_verified"), ['{action="kill-start"} 1.5']);
  assert.deepEqual(samples(tally, "heartmesh_events_total"), [
    '{kind="try-started"} 1',
    '{kind="recovered"} 1',
  ]);
});

test("times that are not known are left out, and so is a recovery's whose record is not at hand", () => {
  const tally = new Tally();
  const { aliveAt: _, ...unheard } = healed;
  tally.onEvent(recovered, { ...unheard, enqueuedAt: 0, action: "move", verdict: "stranded" });
  tally.onEvent(meshEvent({ kind: "exhausted", recovery: "9.9.ff" }), undefined);
  assert.deepEqual(samples(tally, "heartmesh_migrations_total"), [
    '{action="move",reason="stranded",outcome="recovered"} 1',
  ]);
  assert.deepEqual(samples(tally, "heartmesh_revivals_total"), [
    '{action="unknown",reason="unknown",outcome="exhausted"} 1',
  ]);
  for (const name of ["detection", "enqueue_to_running", "kill_to_verified"]) {
    assert.deepEqual(samples(tally, `heartmesh_${name}_seconds`), [], name);
  }
});

test("tries that failed are counted from 0 on, so that the first one is an increase", () => {
  const tally = new Tally();
  assert.deepEqual(samples(tally, "heartmesh_tries_failed_total"), [" 0"]);
  tally.onEvent(meshEvent({ kind: "try-failed" }), undefined);
  assert.deepEqual(samples(tally, "heartmesh_tries_failed_total"), [" 1"]);
});

test("deliveries are counted by channel and outcome", () => {
  const tally = new Tally();
  tally.onDelivery("slack", "failed");
  tally.onDelivery("slack", "delivered");
  tally.onDelivery("slack", "delivered");
  assert.deepEqual(samples(tally, "heartmesh_notifications_total"), [
    '{channel="slack",outcome="failed"} 1',
    '{channel="slack",outcome="delivered"} 2',
  ]);
});

test("every counter of the core is shown, and its histograms grow", () => {
  const m = mesh();
  for (const { id } of m.alive()) {
    const { counters, histograms, heartbeatsMissed } = m.summary(id);
    assert.deepEqual(
      Object.keys(counters).filter((name) => !isShown(name)),
      [],
    );
    const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
    assert.equal(sum(histograms.roundTrips.counts), counters["answers"]);
    assert.ok(sum(histograms.lateness.counts) > 10);
    assert.equal(Object.keys(heartbeatsMissed).length, 2);
  }
  assert.deepEqual(
    m
      .alive()
      .map(({ id }) => m.summary(id).counters["elections-won"] ?? 0)
      .sort(),
    [0, 0, 1],
  );
});

test("an order tells how long before the decision its worker was last heard to be well", () => {
  const m = mesh();
  m.engine.crash("web");
  recovers(m, "web");
  const [deed] = m.deeds;
  assert.ok(deed !== undefined);
  const { aliveAgo = -1, detectedAgo } = deed.order;
  // Each of the three asks once a second; the leader's own answer counts.
  assert.ok(aliveAgo >= detectedAgo && aliveAgo < 1_500, `${aliveAgo}`);
});
