// Files that are whole or absent; damage is found, not guessed at. And which actions count as our own.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import {
  readDurable,
  removeDurably,
  writeDurably,
} from "../../../coordinator/docker/durable-file.ts";
import { SpecStore } from "../../../coordinator/docker/spec-store.ts";

describe("files under DATA_DIR", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "hm-durable-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  test("what was written is read again, by this user alone, with nothing left beside it", async () => {
    const file = path.join(folder, "deep", "a.json");
    await writeDurably(file, { a: [1, "é"] });
    await writeDurably(file, { a: [2, "é"] });
    assert.deepEqual(await readDurable(file), { ok: true, value: { a: [2, "é"] } });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(path.dirname(file)), ["a.json"]);
    await removeDurably(file);
    assert.equal((await readDurable(file)).ok, false);
  });

  test("any changed or missing byte is damage", async () => {
    const file = path.join(folder, "b.json");
    await writeDurably(file, { b: 1 });
    const good = await readFile(file);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      await writeFile(file, bad);
      const read = await readDurable(file);
      assert.ok(!read.ok && read.failure === "damaged", `byte ${at}`);
    }
    await writeFile(file, good.subarray(0, good.length - 1));
    assert.ok(!(await readDurable(file)).ok);
    await writeFile(file, "");
    assert.ok(!(await readDurable(file)).ok);
  });

  test("a spec is kept for labelled containers alone, and its newest form wins", async () => {
    const store = new SpecStore(folder, (text) => {
      throw new Error(text);
    });
    const labels = { "heartmesh.recreate": "true" };
    for (let round = 0; round < 20; round++) {
      store.onInspected("h", {
        Id: "1",
        Name: "/w",
        Config: { Labels: labels, Hostname: `${round}` },
      });
    }
    store.onInspected("h", { Id: "2", Name: "/plain", Config: { Labels: {} } });
    const kept = await store.read("h", "w");
    assert.ok(kept.ok);
    assert.equal((kept.value as { Config: { Hostname: string } }).Config.Hostname, "19");
    assert.ok(!(await store.read("h", "plain")).ok);
  });

  test("a disk that refuses is said, and tried again with the next inspection", async () => {
    const problems: string[] = [];
    const blocked = path.join(folder, "file");
    await writeFile(blocked, "");
    const store = new SpecStore(blocked, (text) => problems.push(text));
    const raw = { Id: "1", Name: "/w", Config: { Labels: { "heartmesh.recreate": "true" } } };
    store.onInspected("h", raw);
    await store.settled();
    assert.match(problems[0] ?? "", /the spec of h\/w could not be kept/);
    await rm(blocked);
    store.onInspected("h", raw);
    assert.ok((await store.read("h", "w")).ok);
  });
});
