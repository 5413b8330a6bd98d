// Recordings of simulated coordinators under faults are replayed from every begin of a segment to the same decisions and datagrams; a core that
// decides otherwise is shown up by the first thing that it decides otherwise.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { bundleSimulation, type Mutation } from "./bundle.ts";
import type { RecordedAsk, RecordedLine } from "./recorded-child.ts";
import { loadReplay, runReplay } from "./replay.ts";

describe("a recording", () => {
  let folder: string;
  let lines: readonly RecordedLine[];
  let file: string;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "heartmesh-recorded-"));
    const outfile = await bundleSimulation({ messages: "objects", isRecorded: true });
    file = path.join(folder, "leader.recording");
    const ask: RecordedAsk = { seeds: [2, 7], seconds: 15, saveTo: file };
    try {
      const ran = await promisify(execFile)(process.execPath, [outfile, JSON.stringify(ask)]);
      lines = ran.stdout
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text) as RecordedLine);
    } finally {
      rmSync(outfile, { force: true });
    }
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("from the start and from each checkpoint, in the midst of faults, is replayed to the same", () => {
    assert.equal(lines.length, 2);
    for (const { seed, violation, differences, checkpoints, decisions } of lines) {
      assert.equal(violation, undefined);
      assert.deepEqual(differences, [], `seed ${seed}`);
      assert.ok(checkpoints >= 1 && decisions > 20, `seed ${seed}: ${checkpoints}, ${decisions}`);
    }
  });

  const replayWith = async (mutation: Mutation) =>
    (await loadReplay([mutation])).replay(readFileSync(file));

  test("shows the first decision of a core that decides otherwise, with the inputs before it", async () => {
    const told = await replayWith({
      file: "coordinator/core/recovery-launch.ts",
      from: "maxTries: left,",
      to: "maxTries: left + 1,",
    });
    const { difference } = told;
    assert.ok(difference !== undefined);
    assert.deepEqual(told.changedSources, ["coordinator/core/recovery-launch.ts"]);
    const tries = (decisions: typeof difference.recorded): readonly number[] =>
      decisions.flatMap((one) => (one.kind === "enqueue" ? [one.order.maxTries] : []));
    const [then] = tries(difference.recorded);
    const [now] = tries(difference.replayed);
    assert.equal(now, (then ?? 0) + 1);
    assert.equal(difference.inputs.length, 12);
  });

  test("shows since when other datagrams are sent, though every decision is the same", async () => {
    const told = await replayWith({
      file: "coordinator/core/coordinator.ts",
      from: "to, message: filled }",
      to: "to, message: { ...filled, term: filled.term + 1 } as never }",
    });
    assert.equal(told.difference, undefined);
    assert.ok(told.datagramsDifferFrom !== undefined && told.datagramsDifferFrom >= told.begunAt);
  });

  test("is told by the command, as a story and as one object, and a damaged one is refused", async () => {
    const out: string[] = [];
    const err: string[] = [];
    const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
    assert.equal(await runReplay(["--replay", file, "--json"], lines), 0);
    assert.match(out.join("\n"), /steps were replayed, to the same \d+ decisions\./);
    assert.match(out.join("\n"), /enqueue h\d\/w\d+: /);
    const told = JSON.parse(out.at(-1)!) as { same: boolean; difference: unknown };
    assert.deepEqual([told.same, told.difference], [true, null]);
    const spoiled = path.join(folder, "spoiled.recording");
    writeFileSync(spoiled, readFileSync(file).subarray(0, -1));
    assert.equal(await runReplay(["--replay", spoiled], lines), 2);
    assert.equal(await runReplay(["--replay", path.join(folder, "none")], lines), 2);
    assert.equal(await runReplay(["--replay", file, "--seed", "1"], lines), 2);
    assert.match(err.join("\n"), /damaged or cut short[^]*ENOENT[^]*expected: --replay FILE/);
  });
});
