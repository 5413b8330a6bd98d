// What the coordinator's log looks like: JSON, and in words on a terminal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../../../coordinator/io/log.ts";

/** What is written to something that is a terminal, or is none. */
function logged(isTTY: boolean) {
  const lines: string[] = [];
  const sink = { isTTY, write: (text: string) => lines.push(text) };
  return { log: createLog({ base: { coordinator: "c1" } }, sink), lines };
}

const event = { kind: "recovered", worker: "h1/web", recovery: "3.7.ff" };

test("a line is JSON with the words of the API, where nobody looks on", () => {
  const { log, lines } = logged(false);
  log.info(event, "it answers again");
  assert.equal(lines.length, 1);
  const { time, ...line } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.equal(typeof time, "number");
  assert.deepEqual(line, { level: 30, coordinator: "c1", ...event, msg: "it answers again" });
});

test("on a terminal a line is a sentence, what is empty is left out, and an error brings its stack", () => {
  const { log, lines } = logged(true);
  log.info(event, "it answers again");
  log.warn({ kind: "started", worker: "", recovery: "" }, "c1 has started");
  log.error({ err: new Error("no way") }, "it failed");
  const [first = "", second = "", third = ""] = lines;
  const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`;
  const healed = `^${time} INFO  c1: recovered h1/web: it answers again  {"recovery":"3.7.ff"}\n$`;
  assert.match(first, new RegExp(healed));
  assert.match(second, new RegExp(`^${time} WARN  c1: started: c1 has started\n$`));
  assert.match(third, new RegExp(`^${time} ERROR c1: it failed\n    Error: no way\n {8}at `));
});
