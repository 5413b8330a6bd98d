// The event stream: frames, lines, resumption.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { LineFramer, parseEventLine, sinceText } from "../../../coordinator/docker/event-lines.ts";
import { EventTail } from "../../../coordinator/docker/event-tail.ts";

const second = 1_000_000_000n;
const line = (
  action: string,
  timeNano: bigint,
  more: Record<string, string> = {},
  id = "i1",
): string =>
  JSON.stringify({
    Type: "container",
    Action: action,
    Actor: { ID: id, Attributes: { name: "w", image: "im", role: "node", ...more } },
    time: Number(timeNano / second),
    timeNano: "@",
  }).replace('"@"', String(timeNano));

test("lines are the same however the bytes are split", () => {
  const lines = [
    line("die", 5n * second, { exitCode: "137" }),
    line("start", 6n * second, { emoji: "é😀" }),
  ];
  const bytes = Buffer.from(`${lines.join("\n")}\n`);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }),
      (cuts) => {
        const framer = new LineFramer();
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const found = at.slice(1).flatMap((end, i) => framer.push(bytes.subarray(at[i], end)));
        assert.deepEqual(found, lines);
      },
    ),
  );
});

test("a line beyond the bound is skipped whole, and the next one is read", () => {
  const framer = new LineFramer();
  assert.deepEqual(framer.push(Buffer.alloc(1_000_001, 65)), []);
  assert.deepEqual(framer.push(Buffer.from("rest\nnext\n")), ["next"]);
});

test("an event carries labels without what the engine adds, signal and exit code", () => {
  const kill = parseEventLine("h1", line("kill", 7n, { signal: "15" }));
  assert.deepEqual(kill?.event, {
    host: "h1",
    containerId: "i1",
    name: "w",
    labels: { role: "node" },
    action: "kill",
    signal: 15,
    exitCode: -1,
  });
  assert.equal(parseEventLine("h1", line("die", 7n, { exitCode: "3" }))?.event.exitCode, 3);
});

test("health in all its spellings; other actions, types and rubbish are nothing", () => {
  const action = (text: string) => parseEventLine("h", line(text, 1n))?.event.action;
  assert.equal(action("health_status: unhealthy"), "health-unhealthy");
  assert.equal(action("health_status: healthy"), "health-healthy");
  assert.equal(action("health_status: starting"), "health-starting");
  assert.equal(action("exec_start: sh"), undefined);
  assert.equal(parseEventLine("h", "{"), undefined);
  assert.equal(
    parseEventLine("h", '{"Type":"network","Action":"create","Actor":{"ID":"n"}}'),
    undefined,
  );
  assert.equal(parseEventLine("h", "null"), undefined);
});

test("nanoseconds are kept to the last digit", () => {
  const event = parseEventLine("h", line("die", 1_795_213_847_330_837_867n));
  assert.equal(event?.timeNano, 1_795_213_847_330_837_867n);
  assert.equal(sinceText(event.timeNano), "1795213847.330837867");
  assert.equal(sinceText(5n), "0.000000005");
});

async function told(tail: EventTail, ...lines: string[]): Promise<string[]> {
  const stream = new PassThrough();
  const events: string[] = [];
  const ended = tail.read(stream, "h", ({ event, timeNano }) => {
    events.push(`${event.action} ${timeNano}`);
  });
  stream.end(lines.map((text) => `${text}\n`).join(""));
  await ended;
  return events;
}

test("a second stream asks for a little of the first again, and tells only what is new", async () => {
  const tail = new EventTail();
  assert.equal(tail.since(), "");
  const first = [line("kill", 100n * second), line("die", 100n * second + 1n)];
  assert.deepEqual(await told(tail, ...first), [
    `kill ${100n * second}`,
    `die ${100n * second + 1n}`,
  ]);
  assert.equal(tail.since(), "99.000000001");
  const next = line("start", 101n * second);
  // One that overtook another at the cut is older than the newest, and still news.
  const overtaken = line("die", 100n * second, {}, "i2");
  assert.deepEqual(await told(tail, first[1]!, overtaken, next), [
    `die ${100n * second}`,
    `start ${101n * second}`,
  ]);
});

test("what a long break replays from long before is not told", async () => {
  const tail = new EventTail();
  await told(tail, line("start", 1_000n * second));
  assert.deepEqual(await told(tail, line("die", 900n * second, {}, "i3")), []);
});
