// `heartmesh record` against a real API on loopback: who may, where the file goes, and what is said when it cannot.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, describe, test } from "node:test";
import { runCommandLine } from "../../../coordinator/cli/run.ts";
import { terminalOf } from "./running.ts";
import { recordingOfNothing, serve, tokens, type TestServer } from "../api/scripted-plane.ts";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

async function record(
  { url }: TestServer,
  words: readonly string[],
  role: keyof typeof tokens = "admin",
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const bytes: Uint8Array[] = [];
  const terminal = terminalOf({
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    raw: (some) => bytes.push(some),
  });
  const env = { HEARTMESH_URL: url, HEARTMESH_TOKEN: tokens[role] };
  const code = await runCommandLine(["record", ...words], env, terminal);
  return { code, out: out.join("\n"), err: err.join("\n"), bytes: Buffer.concat(bytes) };
}

describe("record", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "heartmesh-record-"));
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  test("saves what the coordinator's recorder holds, for its owner's eyes, and says where", async (t) => {
    const file = join(dir, "one.recording");
    const { code, out } = await record(await serve(t), ["--out", file]);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`${file}: the last minutes of c1, 1 KiB.`), out);
    assert.ok(out.endsWith(`npm run sim -- --replay ${file}`), out);
    assert.deepEqual(readFileSync(file), recordingOfNothing);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test("tells machines the same, and pipes the bytes alone", async (t) => {
    const server = await serve(t);
    const file = join(dir, "two.recording");
    const { out } = await record(server, ["--json", "--out", file]);
    const told: unknown = JSON.parse(out);
    const bytes = recordingOfNothing.length;
    assert.deepEqual(told, { file, coordinator: "c1", bytes, recordedAtMs: 1_700_000_000_000 });
    const piped = await record(server, ["--out", "-"]);
    assert.deepEqual(piped, { code: 0, out: "", err: "", bytes: recordingOfNothing });
  });

  test("is for admins", async (t) => {
    const refused = await record(await serve(t), ["--out", join(dir, "none")], "operator");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /403: This needs the role admin/);
  });

  test("says why it cannot: no place, or no recorder", async (t) => {
    const server = await serve(t);
    const nowhere = await record(server, ["--out", join(dir, "none", "one.recording")]);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.err, /cannot be saved .*ENOENT/);
    server.plane.hasRecorder = false;
    const off = await record(server, ["--out", join(dir, "three.recording")]);
    assert.equal(off.code, 1);
    assert.match(off.err, /409: c1 keeps no recording: its RECORD_SPAN is 0/);
  });
});
