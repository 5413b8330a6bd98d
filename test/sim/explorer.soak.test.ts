// The election alone, in as many orders of events as a minute allows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { explore } from "./explorer.ts";

test("a minute of orders of 23 events makes no two leaders, votes or leases", () => {
  const found = explore(23, 60_000);
  console.log(`${found.states} states, ${found.orders} orders, ${found.leaders} leaders`);
  assert.equal(found.violation, undefined);
});
