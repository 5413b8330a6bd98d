// Since when the leader leads: by what was seen here, or by its own word where it was there first.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leadsText } from "../../coordinator/core/event.ts";
import { Reign } from "../../coordinator/reign.ts";
import { term } from "../../proto/units.ts";
import { meshEvent } from "./api/scripted-plane.ts";

const picture = (leader: string, n: number, id = "c1") => ({ id, leader, term: term(n) });
const told = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};

function reigns(text: string) {
  const clock = { now: 5_000 };
  const event = meshEvent({ kind: "leader-changed", at: 1_000, text });
  const listEvents = () => Promise.resolve([{ id: "1-0", event }]);
  return { clock, reign: new Reign({ listEvents, wall: () => clock.now }) };
}

test("a leader that was there first leads since its own word, a later one since it was seen", async () => {
  const { clock, reign } = reigns(leadsText("c2", term(7)));
  reign.onSummary(picture("", 6));
  assert.equal(reign.since, undefined);
  reign.onSummary(picture("c2", 7));
  assert.equal(reign.since, 5_000);
  await told();
  assert.equal(reign.since, 1_000);
  clock.now = 9_000;
  reign.onSummary(picture("", 7));
  assert.equal(reign.since, undefined);
  reign.onSummary(picture("c2", 8));
  await told();
  assert.equal(reign.since, 9_000);
});

test("words of another term, and of itself, change nothing", async () => {
  const { reign } = reigns(leadsText("c2", term(70)));
  reign.onSummary(picture("c2", 7));
  await told();
  assert.equal(reign.since, 5_000);
  const own = reigns(leadsText("c1", term(7)));
  own.reign.onSummary(picture("c1", 7));
  await told();
  assert.equal(own.reign.since, 5_000);
});
