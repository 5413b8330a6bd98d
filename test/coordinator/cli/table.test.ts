// Tables on a terminal and in a pipe: what is cut, how wide characters count, where colours are; and progress beside them.

import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { test } from "node:test";
import fc from "fast-check";
import { startProgress } from "../../../coordinator/cli/progress.ts";
import { facts, table, toned, type Look } from "../../../coordinator/cli/table.ts";
import { cut, displayWidth, wrap } from "../../../coordinator/cli/width.ts";
import { serve } from "../api/scripted-plane.ts";
import { until } from "../../waiting.ts";
import { asking, run, terminalOf } from "./running.ts";

const look = (width?: number, isColored = false): Look => ({ width, isColored, now: 0 });
const head = ["WORKER", "VERDICT", "NOTE"];
const rows = [
  ["h1/web-1", "healthy", ""],
  [
    "h1/a-container-with-a-long-name",
    "silent",
    "a quorum hears nothing of it, and try 1 of 3 acts",
  ],
];

test("characters count as the terminal shows them", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["web", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["監視", 4],
    ["ｗｅｂ", 6],
    ["👩‍👩‍👧", 2],
    ["❤️", 2],
    ["a\u200bb", 2],
    ["", 0],
  ];
  for (const [text, width] of widths) assert.equal(displayWidth(text), width, text);
  assert.equal(cut("監視役", 5), "監視…");
  assert.equal(cut("監視役", 4), "監…");
  assert.equal(cut("web", 3), "web");
  assert.equal(cut("webs", 3), "we…");
});

test("no line is wider than the terminal, whatever stands in it", () => {
  const word = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom("監視役", "👩‍👩‍👧 family", "h1/web-1"),
  );
  const table_ = fc.array(fc.array(word, { minLength: 4, maxLength: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(table_, fc.integer({ min: 1, max: 120 }), (cells, width) => {
      const text = table(["A", "BEE", "COLUMN", "D"], cells, look(width));
      assert.equal(text.split("\n").length, cells.length + 1);
      for (const line of text.split("\n")) {
        assert.ok(displayWidth(line) <= width, `${displayWidth(line)} > ${width}: ${line}`);
      }
    }),
  );
});

test("on a terminal columns are cut with an ellipsis and never wrapped; in a pipe all is there", () => {
  const narrow = table(head, rows, look(60)).split("\n");
  assert.equal(narrow.length, 3);
  assert.match(narrow[2] ?? "", /^h1\/a-container-with-a-long-name {2}silent.*…$/);
  assert.equal(table(head, rows), table(head, rows, look(400)));
  assert.match(table(head, rows), /and try 1 of 3 acts$/);
  const narrower = table(head, rows, look(40)).split("\n")[2] ?? "";
  assert.match(narrower, /^h1\/a-cont\S*… {2}silent {3}a quorum.*…$/);
});

test("a wide character moves no column", () => {
  const lines = table(
    ["A", "B"],
    [
      ["監視", "x"],
      ["web", "y"],
    ],
  ).split("\n");
  assert.deepEqual(lines, ["A     B", "監視  x", "web   y"]);
});

test("colours are for a terminal alone, and say no more than the words", () => {
  const cells = [[toned("silent", "bad"), "h1/web-1"]];
  const colored = table(["VERDICT", "WORKER"], cells, look(80, true));
  assert.ok(colored.includes("\u001b[1;31msilent\u001b[0m   h1/web-1"), colored);
  const plain = table(["VERDICT", "WORKER"], cells, look(80));
  assert.equal(stripVTControlCharacters(colored), plain);
});

test("the value of a fact goes on below itself, between its words", () => {
  const text = facts([["ready", "no: the engine of h1 does not answer in time"]], look(30));
  assert.equal(text, ["ready  no: the engine of h1", "       does not answer in time"].join("\n"));
  assert.deepEqual(wrap("a word-that-is-long b", 6), ["a", "word-that-is-long", "b"]);
});

test("a verb's table fits the terminal that it is given", async (t) => {
  const server = await serve(t);
  const { out } = await run(["workers"], asking(server), undefined, { width: 50, isColored: true });
  for (const line of out.split("\n")) {
    assert.ok(displayWidth(stripVTControlCharacters(line)) <= 50, line);
  }
  assert.ok(out.includes("\u001b[1;31msilent"), out);
  assert.ok(!(await run(["workers"], asking(server))).out.includes("\u001b"));
});

test("what takes longer than a second shows for how long, and is gone before the answer", async () => {
  const shown: string[] = [];
  const lines: string[] = [];
  const terminal = terminalOf({
    out: (line) => lines.push(line),
    note: (text) => shown.push(text),
  });
  const progress = startProgress(terminal, "asking http://c1");
  progress.tell("h1/web-1: try 1 acts");
  const said = await until("it is shown", () => shown.find((text) => text !== ""), 20_000, 50);
  assert.match(said, /^. h1\/web-1: try 1 acts \(\d+ s\)$/);
  progress.terminal.out("done");
  assert.equal(shown.at(-1), "");
  assert.deepEqual(lines, ["done"]);
  progress.stop();
  const quick = startProgress(terminal, "nothing");
  shown.length = 0;
  quick.stop();
  assert.deepEqual(shown, []);
});
