// Scaling by load in virtual time: up soon and down late, never twice within a cooldown, never against a move or a person.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Scaler } from "../../../../coordinator/core/scaling/scaler.ts";
import { closest, SwarmUnderLoad } from "./swarm-under-load.ts";

describe("by load", () => {
  test("more at once: as many as it asks for, and no more than the policy allows", () => {
    const web = new SwarmUnderLoad(2, { max: 5 });
    web.demand = 2;
    web.pass(1);
    assert.deepEqual(web.changes, [
      { at: 1000, from: 2, to: 4, why: "the load of 2 tasks is 1.00, its target 0.5" },
    ]);
    web.pass(120);
    assert.equal(web.replicas, 4);
    assert.equal(web.state?.load, 0.5);
    web.demand = 4;
    web.pass(2);
    assert.equal(web.replicas, 5);
    web.pass(300);
    assert.equal(web.changes.length, 2);
    assert.deepEqual([web.state.wanted, web.state.heldBecause], [5, ""]);
  });

  test("that comes back within two cooldowns changes nothing; one that stays away does, by what it asked for at most", () => {
    const web = new SwarmUnderLoad(4);
    web.demand = 2;
    web.pass(100);
    web.demand = 0.2;
    web.pass(59);
    web.demand = 2;
    web.pass(100);
    assert.deepEqual(web.changes, []);
    web.demand = 0.2;
    web.pass(30);
    assert.match(web.state?.heldBecause ?? "", /^fewer replicas are wanted, and not yet for 2/);
    web.demand = 0.9;
    web.pass(10);
    web.demand = 0.2;
    web.pass(20);
    assert.deepEqual(web.changes, []);
    web.pass(1);
    assert.deepEqual(
      web.changes.map(({ from, to }) => [from, to]),
      [[4, 2]],
    );
    web.pass(59);
    assert.equal(web.replicas, 2);
    web.pass(2);
    assert.equal(web.replicas, 1);
  });

  test("near its target asks for nothing", () => {
    for (const demand of [1.82, 2, 2.18]) {
      const web = new SwarmUnderLoad(4);
      web.demand = demand;
      web.pass(600);
      assert.deepEqual(web.changes, [], String(demand));
    }
  });

  test("outside its bounds it is brought inside, up at once and down late", () => {
    const few = new SwarmUnderLoad(1, { min: 3 });
    few.demand = 0.5;
    few.pass(1);
    assert.equal(few.replicas, 3);
    const many = new SwarmUnderLoad(8, { max: 6 });
    many.demand = 4;
    many.pass(60);
    assert.equal(many.replicas, 8);
    many.pass(1);
    assert.equal(many.replicas, 6);
  });

  test("that nobody tells changes nothing, and that is said", () => {
    const web = new SwarmUnderLoad(2, { min: 3 });
    web.demand = undefined;
    web.pass(600);
    assert.deepEqual(web.changes, []);
    const { load, wanted, heldBecause } = web.state ?? {};
    assert.deepEqual([load, wanted], [undefined, undefined]);
    assert.equal(heldBecause, "no load of its tasks or their hosts is known");
  });

  test("that some tasks do not tell asks for no more than the others prove", () => {
    const web = new SwarmUnderLoad(4);
    web.silent = 3;
    web.demand = 4;
    web.pass(300);
    // One of four is busy, which may be all there is: 0.25 on average.
    assert.deepEqual(web.changes, []);
    web.silent = 1;
    web.pass(1);
    assert.equal(web.replicas, 6);
    const idle = new SwarmUnderLoad(4);
    idle.silent = 2;
    idle.demand = 0;
    idle.pass(100);
    assert.equal(idle.replicas, 2, "two are idle, the others may be as busy as they should");
  });

  test("oscillating however it likes, it is changed at most once a cooldown", () => {
    const one = fc.record({
      period: fc.integer({ min: 1, max: 200 }),
      high: fc.float({ min: 0, max: 20, noNaN: true }),
      low: fc.float({ min: 0, max: 20, noNaN: true }),
      cooldown: fc.integer({ min: 5, max: 90 }),
      leaderFor: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(one, ({ period, high, low, cooldown, leaderFor }) => {
        const web = new SwarmUnderLoad(3, { cooldown });
        web.pass(600, (second) => {
          web.demand = Math.floor(second / period) % 2 === 0 ? high : low;
          if (second % leaderFor === 0) web.changeLeader();
        });
        assert.ok(closest(web.changes) >= cooldown * 1000, JSON.stringify(web.changes));
      }),
      { numRuns: 300 },
    );
  });
});

describe("held back", () => {
  test("by a move, and for a cooldown after it", () => {
    const web = new SwarmUnderLoad(2);
    web.demand = 2;
    web.trouble = "its host h2 is in doubt";
    web.pass(100);
    assert.equal(web.state?.heldBecause, "its host h2 is in doubt");
    web.trouble = "";
    web.pass(29);
    assert.match(web.state.heldBecause, /not at rest a moment ago; the policy waits 1 s/);
    assert.deepEqual(web.changes, []);
    web.pass(1);
    assert.equal(web.replicas, 4);
  });

  test("by a person's scale, for a cooldown or until the policy is put again", () => {
    const web = new SwarmUnderLoad(2);
    web.demand = 2;
    web.pass(100);
    assert.equal(web.replicas, 4);
    web.write(1);
    web.pass(29);
    assert.match(
      web.state?.heldBecause ?? "",
      /^somebody else changed it to 1 replicas; .* 2 s, or/,
    );
    assert.equal(web.replicas, 1);
    web.pass(5);
    assert.ok(Number(web.replicas) > 1);
    web.pass(100);
    web.write(1);
    web.pass(3);
    web.putPolicy();
    web.pass(1);
    assert.equal(web.replicas, 2);
  });

  test("by a person's scale also where the leader changes meanwhile", () => {
    const web = new SwarmUnderLoad(2);
    web.demand = 1;
    web.pass(100);
    web.write(1);
    web.pass(10);
    web.changeLeader();
    web.pass(19);
    assert.equal(web.replicas, 1);
    web.pass(2);
    assert.equal(web.replicas, 2);
  });

  test("by Swarm's own update, and where somebody turned it off", () => {
    const web = new SwarmUnderLoad(2);
    web.demand = 2;
    web.isUpdating = true;
    web.pass(100);
    assert.equal(web.state?.heldBecause, "Swarm is updating it");
    web.isUpdating = false;
    web.write(0);
    web.pass(200);
    assert.match(web.state.heldBecause, /no replicas at all/);
    web.replicas = undefined;
    web.pass(200);
    assert.match(web.state.heldBecause, /^it is not replicated/);
    assert.deepEqual(web.changes, []);
  });
});

describe("who leads", () => {
  test("next knows when it was changed last, and by which rule", () => {
    const web = new SwarmUnderLoad(1);
    web.demand = 1;
    web.pass(1);
    web.demand = 2;
    web.changeLeader();
    web.pass(29);
    assert.match(
      web.state?.heldBecause ?? "",
      /^it was changed a moment ago; the policy waits 1 s/,
    );
    assert.equal(web.state?.lastChangeAt, 1_800_000_001_000);
    assert.equal(web.changes.length, 1);
    web.pass(1);
    assert.equal(web.replicas, 4);
  });

  test("twice at the same time changes it once", () => {
    const web = new SwarmUnderLoad(1);
    web.leaders.push({ scaler: new Scaler(), ahead: 700 });
    web.demand = 9;
    web.pass(100);
    assert.ok(web.changes.length >= 3);
    assert.ok(closest(web.changes) >= 30_000);
  });

  test("with a clock that is wrong waits longer, and never less than a cooldown after its own change", () => {
    const late = new SwarmUnderLoad(1);
    late.demand = 1;
    late.pass(1);
    late.demand = 2;
    late.changeLeader(-3_600_000);
    late.pass(29);
    assert.equal(late.changes.length, 1);
    late.pass(2);
    assert.equal(late.changes.length, 2);
    const early = new SwarmUnderLoad(1);
    early.changeLeader(3_600_000);
    early.demand = 1;
    early.pass(1);
    early.demand = 2;
    early.pass(29);
    assert.equal(early.changes.length, 1);
  });
});
