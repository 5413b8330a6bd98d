// The election alone, in every order of events; `npm run soak` goes as deep as a minute allows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { explore } from "./explorer.ts";

test("no order of 19 events makes two leaders, two votes or two leases", () => {
  const found = explore(19, 60_000);
  console.log(`${found.states} states, ${found.orders} orders, ${found.leaders} leaders`);
  assert.equal(found.violation, undefined);
  assert.ok(found.isWhole, "there was no time for all of them");
  assert.ok(found.leaders > 1_000, "hardly anybody was elected");
});
