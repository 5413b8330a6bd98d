// The ring of the flight recorder: what it keeps, what it drops, and when it asks for a checkpoint.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedBlock } from "../../../coordinator/io/recorder.ts";
import { packBlock, readRecording, type Block } from "../../../coordinator/io/recording.ts";
import { RecordingRing } from "../../../coordinator/io/recording-ring.ts";
import { instant } from "../../../proto/units.ts";

const header = { id: "c1", cluster: "lab", node: "v20.0.0", recordedAt: 1_700_000_000_000 };

function stepsAt(now: number, reason = ""): RecordedBlock {
  const at = instant(now);
  const inputs = [{ kind: "persist-failed", reason }] as const;
  const block: Block = {
    kind: "steps",
    now: at,
    wall: now,
    nows: [at],
    inputs,
    decisions: [0],
    digest: 0,
  };
  return { kind: "steps", now: at, bytes: packBlock(block) };
}

function beginAt(now: number): RecordedBlock {
  const at = instant(now);
  const state = { from: "checkpoint", checkpoint: { shapes: [], nodes: [] } } as const;
  const block: Block = {
    kind: "begin",
    now: at,
    wall: now,
    config: {} as never,
    sources: {},
    state,
  };
  return { kind: "begin", now: at, bytes: packBlock(block) };
}

/** Deflating it wins nothing. */
const ballast = (): string => randomBytes(1_000).toString("latin1");

const heldBy = (ring: RecordingRing): readonly (readonly [Block["kind"], number])[] =>
  readRecording(ring.file(header)).blocks.map(({ kind, now }) => [kind, now]);

test("a segment is asked for at half the span, and an old one goes once the rest is long enough", () => {
  const asked: number[] = [];
  let now = 0;
  const ring = new RecordingRing({ span: 10_000, onSegmentDue: () => asked.push(now) });
  ring.add(beginAt(0));
  for (now = 1_000; now <= 30_000; now += 1_000) {
    ring.add(stepsAt(now));
    if (asked.at(-1) === now) ring.add(beginAt(now));
  }
  assert.deepEqual(asked, [5_000, 10_000, 15_000, 20_000, 25_000, 30_000]);
  const held = heldBy(ring);
  assert.deepEqual(held[0], ["begin", 20_000]);
  assert.deepEqual(held.at(-1), ["begin", 30_000]);
});

test("where no checkpoint comes all is kept from the start on, until memory ends; it is asked for once a minute", async () => {
  let asked = 0;
  const bytes = 100_000;
  const ring = new RecordingRing({ span: 10_000, bytes, onSegmentDue: () => asked++ });
  ring.add(beginAt(0));
  for (let now = 1_000; now <= 60_000; now += 1_000) ring.add(stepsAt(now, ballast()));
  assert.deepEqual(heldBy(ring)[0], ["begin", 0]);
  assert.equal(asked, 1);
  for (let now = 61_000; now <= 300_000; now += 1_000) {
    ring.add(stepsAt(now, ballast()));
    assert.ok(ring.bytes <= bytes, `${ring.bytes} bytes at ${now}`);
  }
  const held = heldBy(ring);
  assert.equal(held[0]?.[0], "steps");
  assert.deepEqual(held.at(-1), ["steps", 300_000]);
  assert.ok(held.length > 40, `${held.length} blocks`);
  assert.equal(asked, 5);
  await sleep(50);
});

test("what is deflated meanwhile is counted as what it is, and read as what it was", async () => {
  const ring = new RecordingRing({ span: 10_000, onSegmentDue: () => undefined });
  ring.add(beginAt(0));
  for (let now = 1; now < 100; now++) {
    ring.add(stepsAt(now, "again and ".repeat(50)));
  }
  const before = ring.bytes;
  const held = heldBy(ring);
  while (ring.bytes === before) await sleep(5);
  await sleep(50);
  assert.ok(ring.bytes < before / 2, `${ring.bytes} of ${before}`);
  assert.deepEqual(heldBy(ring), held);
});

test("a file that is cut short, changed, of another version or no recording is refused with the reason", () => {
  const ring = new RecordingRing({ span: 10_000, onSegmentDue: () => undefined });
  ring.add(beginAt(0));
  ring.add(stepsAt(1));
  const file = ring.file(header);
  assert.deepEqual(readRecording(file).header, header);
  assert.throws(() => readRecording(file.subarray(0, file.length - 1)), /damaged or cut short/);
  const changed = Buffer.from(file);
  changed[file.length - 5]! ^= 1;
  assert.throws(() => readRecording(changed), /damaged or cut short/);
  const later = Buffer.from(
    file.toString("latin1").replace("recording 1", "recording 2"),
    "latin1",
  );
  assert.throws(() => readRecording(later), /format 2, and this heartmesh reads format 1/);
  assert.throws(() => readRecording(Buffer.from("PK\u0003\u0004")), /it is no recording/);
  assert.throws(() => readRecording(Buffer.alloc(0)), /it is no recording/);
});
