// A service's logs, split anywhere on their way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLines, serviceLine } from "../../../coordinator/docker/log-lines.ts";
import type { SwarmLogLine } from "../../../proto/swarm-rest.ts";

const details =
  "com.docker.swarm.node.id=n1,com.docker.swarm.service.id=s1,com.docker.swarm.task.id=t1";
const frame = (stream: number, text: string): Buffer => {
  const body = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
};
const line = (stream: SwarmLogLine["stream"], at: string, text: string): SwarmLogLine => ({
  at,
  stream,
  taskId: "t1",
  nodeId: "n1",
  text,
});

async function read(bytes: Buffer, size: number): Promise<readonly SwarmLogLine[]> {
  const lines = new LogLines(serviceLine);
  for (let at = 0; at < bytes.length; at += size) lines.write(bytes.subarray(at, at + size));
  lines.end();
  const found: SwarmLogLine[] = [];
  for await (const one of lines) found.push(one as SwarmLogLine);
  return found;
}

test("lines come whole, with their instant and their task, however the bytes are split", async () => {
  const bytes = Buffer.concat([
    frame(1, `2026-01-01T00:00:01Z ${details} größer = better\n`),
    frame(2, `2026-01-01T00:00:02Z ${details} \n2026-01-01T00:00:03Z ${details} two in `),
    frame(1, `2026-01-01T00:00:04Z ${details} between\r\n`),
    frame(2, "frames\n"),
    frame(1, `2026-01-01T00:00:05Z ${details} no end`),
  ]);
  const expected = [
    line("stdout", "2026-01-01T00:00:01Z", "größer = better"),
    line("stderr", "2026-01-01T00:00:02Z", ""),
    line("stdout", "2026-01-01T00:00:04Z", "between"),
    line("stderr", "2026-01-01T00:00:03Z", "two in frames"),
    line("stdout", "2026-01-01T00:00:05Z", "no end"),
  ];
  for (const size of [1, 7, 64, bytes.length]) assert.deepEqual(await read(bytes, size), expected);
});

test("a line without an end is given in parts, and nothing grows without bound", async () => {
  const found = await read(
    Buffer.concat([frame(1, `2026 ${details} ${"x".repeat(70_000)}`), frame(1, "y\n")]),
    1_000,
  );
  assert.equal(found.length, 2);
  assert.equal(found[0]?.text.length, 70_000);
});
