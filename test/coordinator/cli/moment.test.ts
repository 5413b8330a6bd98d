// `heartmesh explain --at`: what was known and done around a moment of the past.

import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf } from "../../../coordinator/cli/explaining.ts";
import { meshEvent, serve } from "../api/scripted-plane.ts";
import { asking, run, wall } from "./running.ts";

const minute = 60_000;

test("a moment is so long ago, or a time in UTC, or one with a zone", () => {
  const now = Date.parse("2026-11-22T06:00:00Z");
  const moments: Readonly<Record<string, string | undefined>> = {
    "3h": "2026-11-22T03:00:00Z",
    "90": "2026-11-22T05:58:30Z",
    "2d": "2026-11-20T06:00:00Z",
    "2026-11-22T03:12": "2026-11-22T03:12:00Z",
    "2026-11-22 03:12:30": "2026-11-22T03:12:30Z",
    "2026-11-22T03:12+02:00": "2026-11-22T01:12:00Z",
    "2026-11-21": "2026-11-21T00:00:00Z",
    "2026-11-22T07:00": undefined,
    "2026-13-22T07:00": undefined,
    yesterday: undefined,
  };
  for (const [text, meant] of Object.entries(moments)) {
    assert.equal(momentOf(text, now), meant === undefined ? undefined : Date.parse(meant), text);
  }
});

test("of a worker: how it stood, what was under way, and what happened before and after", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const at = wall - 30_000;
  plane.events = (
    [
      [at + 5 * 1000, "recovered", "it is healthy and stayed so", "3.7.ff"],
      [at - 10 * 1000, "try-started", "try 1 of 3", "3.7.ff"],
      [at - 20 * 1000, "verdict-changed", "healthy → silent", ""],
      [at - 60 * minute, "verdict-changed", "starting → healthy", ""],
    ] as const
  ).map(([when, kind, text, recovery]) => ({
    id: `${when}-0`,
    event: meshEvent({ at: when, kind, text, recovery, worker: "h1/web-2" }),
  }));
  const { code, out } = await run(["explain", "h1/web-2", "--at", "30s"], asking(server));
  assert.equal(code, 0);
  assert.match(out, /^Around 2023-11-14 22:13:50 UTC \(30 s ago\), of h1\/web-2/);
  assert.match(out, /By then it was so since 2023-11-14 22:13:30: healthy → silent\./);
  assert.match(out, /Recovery 3\.7\.ff of h1\/web-2 was under way: silent, kill-start/);
  const [before = "", after = ""] = out.split("After it:");
  assert.match(before, /Until then:\n.*healthy → silent\n.*try 1 of 3/);
  assert.match(after, /it is healthy and stayed so/);
  assert.doesNotMatch(out, /starting → healthy/, "too long before");
});

test("of everything, and where nothing is on record that is said", async (t) => {
  const server = await serve(t);
  const at = wall - 3_600_000;
  const event = meshEvent({ at, worker: "h2/web-2", text: "healthy → stopped" });
  server.plane.events = [{ id: `${at}-0`, event }];
  const all = await run(["explain", "--at", "1h"], asking(server));
  assert.equal(all.code, 0, all.err);
  assert.match(all.out, /of everything/);
  assert.match(all.out, /h2\/web-2: healthy → stopped/);
  const none = await run(["explain", "gone", "--at", "2023-01-01T03:12", "--json"], asking(server));
  const told = JSON.parse(none.out) as { worker: string; events: unknown[] };
  assert.deepEqual([told.worker, told.events], ["gone", []]);
});

test("what is no moment of the past, and a call for nothing, are not understood", async (t) => {
  const server = await serve(t);
  const wrong = await run(["explain", "--at", "tomorrow"], asking(server));
  assert.deepEqual([wrong.code, /no moment of the past/.test(wrong.err)], [2, true]);
  assert.equal((await run(["explain"], asking(server))).code, 2);
});
