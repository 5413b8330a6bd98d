// `heartmesh backup` and `heartmesh restore` against a real API on loopback: the file, the pipe, and what is said when it cannot be.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Backup } from "../../../proto/backup.ts";
import { serve } from "../api/scripted-plane.ts";
import { asking, run } from "./running.ts";

describe("backup and restore", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "heartmesh-backup-"));
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  test("a file for its owner's eyes, and back", async (t) => {
    const server = await serve(t);
    const env = asking(server, "admin");
    const file = join(dir, "one.json");
    const saved = await run(["backup", file], env);
    assert.equal(saved.code, 0, saved.err);
    assert.equal(
      saved.out,
      `${file}: 1 templates, 1 scaling, 0 clusters, 1 silences, 1 quarantines. Restore it: heartmesh restore ${file}`,
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const backup = JSON.parse(readFileSync(file, "utf8")) as Backup;
    assert.equal(backup.version, 1);
    const restored = await run(["restore", file], env);
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /: 0 documents, 0 silences, 0 quarantines; 4 were there already$/);
    const told = await run(["restore", file, "--replace", "--json"], env);
    assert.equal((JSON.parse(told.out) as { unchanged: number }).unchanged, 4);
    const piped = await run(["backup", "-"], env);
    assert.deepEqual((JSON.parse(piped.out) as Backup).documents, backup.documents);
  });

  test("says what is wrong: no file, no backup, another one there, no admin", async (t) => {
    const server = await serve(t);
    const env = asking(server, "admin");
    const none = await run(["restore", join(dir, "none.json")], env);
    assert.equal(none.code, 1);
    assert.match(none.err, /none\.json cannot be read as a backup: ENOENT/);
    assert.equal((await run(["restore"], env)).code, 2);
    assert.match((await run(["backup", "a", "b"], env)).err, /b is too much; name one file/);
    const nowhere = await run(["backup", join(dir, "none", "x.json")], env);
    assert.match(nowhere.err, /cannot be saved .*ENOENT.*name another file/);
    const file = join(dir, "two.json");
    await run(["backup", file], env);
    const backup = JSON.parse(readFileSync(file, "utf8")) as Backup;
    writeFileSync(
      file,
      JSON.stringify({ ...backup, silences: [{ ...backup.silences[0], reason: "?" }] }),
    );
    const refused = await run(["restore", file], env);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /409: There is already another silence of h1\/web-1\. .*--replace/);
    assert.equal((await run(["restore", file, "--replace"], env)).code, 0);
    assert.match(
      (await run(["backup", file], asking(server))).err,
      /403: This needs the role admin/,
    );
  });
});
