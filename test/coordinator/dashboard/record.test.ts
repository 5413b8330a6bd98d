// What the pages of the record compute: questions, pages put together, files for spreadsheets, and a moment's story.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EventView, RecoveryView } from "../../../proto/rest.ts";
import { explainPath, storyAt, underWayAt } from "../../../coordinator/dashboard/around.ts";
import { csvOf } from "../../../coordinator/dashboard/event-export.ts";
import { joinedPages } from "../../../coordinator/dashboard/joined-pages.ts";
import { fieldOf, momentOf, recordQuery } from "../../../coordinator/dashboard/record-query.ts";

const anyTime = { within: "", from: "", until: "" };
const event = (id: string, atMs: number, more: Partial<EventView> = {}): EventView => ({
  ...{ id, atMs, kind: "acted", by: "c1", worker: "h1/web", recovery: "", text: "", evidence: [] },
  ...more,
});

describe("a question to the record", () => {
  test("leaves out what is empty, and encodes the rest", () => {
    assert.equal(recordQuery({ worker: "", kind: "" }, anyTime, 9), "");
    assert.equal(recordQuery({ worker: "h1/a b" }, anyTime, 9), "worker=h1%2Fa+b");
  });

  test("is of the last hour, or between two moments, and of no time that is none", () => {
    const hour = { ...anyTime, within: "3600000", until: "7" };
    assert.equal(recordQuery({}, hour, 4_000_000.4), "from=400000");
    assert.equal(recordQuery({}, { within: "", from: "5", until: "8" }, 9), "from=5&until=8");
    assert.equal(recordQuery({}, { within: "x", from: "-5", until: "soon" }, 9), "");
  });

  test("has moments that a field shows and gives back, to the second", () => {
    const at = Date.UTC(2026, 10, 22, 3, 12, 7);
    assert.equal(momentOf(fieldOf(at)), at);
    assert.equal(momentOf(""), undefined);
  });
});

describe("pages", () => {
  const ids = (...all: readonly string[]): { id: string }[] => all.map((id) => ({ id }));

  test("are joined where the newest reaches what was read earlier", () => {
    assert.deepEqual(joinedPages(ids("5", "4", "3"), ids("4", "3", "2", "1")), [
      ...ids("5", "4", "3", "2", "1"),
    ]);
  });

  test("stand alone where something may be missing between them", () => {
    assert.equal(joinedPages(ids("9", "8"), ids("4", "3")), undefined);
    assert.equal(joinedPages([], ids("4")), undefined);
  });
});

describe("events as CSV", () => {
  test("have quotes, lines and commas quoted, and no formula", () => {
    const change = {
      ...{ actor: "ann (c1)", verb: "scale-service", subject: "web", cluster: "" },
      ...{ before: "3", after: "5", outcome: "done" as const },
    };
    const text = csvOf([
      event("1", 0, { text: 'says "no", twice\nor so' }),
      event("2", 1, { worker: "=HYPERLINK(1)", change }),
    ]);
    assert.deepEqual(text.split("\r\n"), [
      "at,kind,by,worker,recovery,text,actor,verb,subject,cluster,before,after,outcome",
      '1970-01-01T00:00:00.000Z,acted,c1,h1/web,,"says ""no"", twice\nor so",,,,,,,',
      "1970-01-01T00:00:00.001Z,acted,c1,'=HYPERLINK(1),,,ann (c1),scale-service,web,,3,5,done",
      "",
    ]);
  });
});

describe("a moment", () => {
  test("has under way what had begun and had not ended", () => {
    const recovery = (id: string, detectedAtMs: number, endedAtMs: number | null): RecoveryView =>
      ({ id, detectedAtMs, endedAtMs }) as RecoveryView;
    const all = [recovery("a", 1, 4), recovery("b", 2, null), recovery("c", 6, null)];
    const at = (moment: number): string[] => underWayAt(all, moment).map(({ id }) => id);
    assert.deepEqual(
      [at(0), at(1), at(4), at(5), at(6)],
      [[], ["a"], ["a", "b"], ["b"], ["b", "c"]],
    );
  });

  test("parts its events into those before and those from it on, oldest first", () => {
    const { before, after } = storyAt([event("3", 9), event("2", 5), event("1", 4)], 5);
    assert.deepEqual(
      [before, after].map((part) => part.map(({ id }) => id)),
      [["1"], ["2", "3"]],
    );
  });

  test("has an address, with a worker or without", () => {
    assert.equal(explainPath(7), "/explain?at=7");
    assert.equal(explainPath(7, "h1/web"), "/explain?at=7&worker=h1%2Fweb");
  });
});
