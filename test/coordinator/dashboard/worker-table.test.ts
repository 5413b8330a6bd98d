import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  countedStates,
  shownWorkers,
  type WorkerAsk,
} from "../../../coordinator/dashboard/worker-table.ts";
import { row } from "./rows.ts";

const all = [
  row("h1/web-10", { roundTripMs: 3 }),
  row("h1/web-9", {
    roundTripMs: null,
    verdict: "silent",
    quarantinedAtMs: 4,
    reason: "nobody hears it",
  }),
  row("h2/db-1", { roundTripMs: 1, silencedUntilMs: 9 }),
];
const ask = (changed: Partial<WorkerAsk> = {}): readonly string[] =>
  shownWorkers(all, { search: "", state: "", host: "", by: "id", isDown: false, ...changed }).map(
    ({ id }) => id,
  );

describe("the table of workers", () => {
  test("orders names as people count", () => {
    assert.deepEqual(ask(), ["h1/web-9", "h1/web-10", "h2/db-1"]);
    assert.deepEqual(ask({ isDown: true }), ["h2/db-1", "h1/web-10", "h1/web-9"]);
  });

  test("shows by verdict what is gravest first", () => {
    assert.equal(ask({ by: "verdict" })[0], "h1/web-9");
  });

  test("puts a figure that nobody knows last", () => {
    assert.deepEqual(ask({ by: "roundTripMs" }), ["h2/db-1", "h1/web-10", "h1/web-9"]);
  });

  test("finds what has every word, in any case of letters", () => {
    assert.deepEqual(ask({ search: "WEB hears" }), ["h1/web-9"]);
    assert.deepEqual(ask({ search: "nowhere" }), []);
  });

  test("filters by host, verdict and mark, all of which must hold", () => {
    assert.deepEqual(ask({ state: "quarantined" }), ["h1/web-9"]);
    assert.deepEqual(ask({ state: "healthy", host: "h2" }), ["h2/db-1"]);
    assert.deepEqual(ask({ state: "silent", host: "h2" }), []);
  });

  test("counts each state, the gravest first", () => {
    assert.deepEqual(countedStates(all)[0], ["silent", 1]);
    assert.deepEqual(new Map(countedStates(all)).get("healthy"), 2);
  });
});
