// A full disk under DATA_DIR stops the vote of that coordinator, not its process; the others go on, and it says so.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { crash } from "../lab/containers.ts";
import { run, startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { labPrefix } from "../lab/leftovers.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

describe("a full disk", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  let disk: string;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    disk = mkdtempSync(path.join(tmpdir(), `${labPrefix}${process.pid}-disk-`));
    const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m", "none", disk]);
    assert.equal(mounted.code, 0, mounted.stderr);
    fill();
    trio = await Trio.start(engine, {
      env: { VERIFY_WINDOW: "1" },
      envOf: (id) => (id === "c1" ? { DATA_DIR: path.join(disk, "data") } : {}),
    });
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
    await run("umount", [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  /** To the last byte; directories can still be made. */
  const fill = (): void => {
    mkdirSync(path.join(disk, "data"));
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(path.join(disk, "ballast"), Buffer.alloc(bavail * bsize));
  };

  test("stops the vote of its coordinator and nothing else, and is told", async () => {
    const leader = await trio.leader();
    assert.notEqual(leader, "c1");
    const status = await until(
      "c1 to say so",
      async () => {
        const one = await trio.status("c1").catch(() => undefined);
        return one?.votes === false ? one : undefined;
      },
      20_000,
      250,
    );
    assert.equal(status.leader, leader);
    await until(
      "it to be on record",
      async () => {
        const events = await trio.events().catch(() => []);
        return events.some(({ kind, by }) => kind === "disk-failed" && by === "c1") || undefined;
      },
      20_000,
      250,
    );
    await startWorker(trio, { name: "web", arrangement: "joins-worker" });
    await trio.verdict("web", "healthy");
    const at = Date.now();
    await crash(engine, "web");
    await trio.recovered("web", at);
    assert.equal(trio.coordinator("c1").process.exitCode, null);
  });

  test("that has room again lets it vote: without its vote nobody could lead", async () => {
    rmSync(path.join(disk, "ballast"));
    await trio.kill(await trio.leader());
    assert.notEqual(await trio.leader(60_000), "");
    assert.equal((await trio.status("c1")).votes, true);
  });
});
