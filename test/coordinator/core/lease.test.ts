// The lease's arithmetic, and what an acknowledgement is worth.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Lease, leaseLength, promiseOf } from "../../../coordinator/core/lease.ts";
import { quorumOf } from "../../../proto/quorum.ts";
import { Random } from "../../../proto/random.ts";
import { instant } from "../../../proto/units.ts";

describe("a lease", () => {
  it("needs more than half of all configured", () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(quorumOf), [1, 2, 2, 3, 3, 4, 4]);
  });

  it("asks for a promise of whole milliseconds that is shorter than any election timeout", () => {
    for (const timeout of [300, 750, 751, 10_000]) {
      assert(Number.isInteger(promiseOf(timeout)));
      assert(promiseOf(timeout) < timeout);
    }
  });

  it("ends in real time before the promises it rests on, whatever the clocks do within their bound", () => {
    const random = new Random(5);
    for (let i = 0; i < 10_000; i++) {
      const drift = 0.01;
      const promise = random.between(10, 10_000);
      const leaderRate = 1 + random.between(-drift, drift);
      const followerRate = 1 + random.between(-drift, drift);
      const leaseInReal = leaseLength(promise, drift, 5) / leaderRate;
      assert(leaseInReal < promise / followerRate);
    }
    const worst = leaseLength(600, 0.01, 0) / 0.99;
    assert(Math.abs(worst - 600 / 1.01) < 1e-9, "and wastes nothing but the tick");
  });

  it("runs from the send time of what a quorum acknowledged, not of what a single one did", () => {
    const lease = new Lease({ quorum: 3, has: () => true }, 500);
    assert.equal(lease.until(instant(0)), undefined);
    lease.onAcknowledged("c2", instant(900));
    assert.equal(lease.until(instant(900)), undefined, "two of five");
    lease.onAcknowledged("c3", instant(700));
    assert.equal(lease.until(instant(900)), 1200);
    lease.onAcknowledged("c3", instant(600));
    assert.equal(
      lease.until(instant(900)),
      1200,
      "an overtaken acknowledgement takes nothing away",
    );
    lease.onAcknowledged("c4", instant(800));
    assert.equal(lease.until(instant(900)), 1300);
    assert.equal(lease.until(instant(1299)), 1300);
    assert.equal(lease.until(instant(1300)), undefined);
    lease.clear();
    assert.equal(lease.until(instant(900)), undefined);
  });
});
