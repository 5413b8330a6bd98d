// The main job on real parts: a worker dies, hangs, falls ill or is stopped, and runs again, verified; with the agent on either side.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause } from "../waiting.ts";

/** pino's level. */
const info = 30;

interface LogLine {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly worker?: string;
  readonly kind?: string;
}

describe(
  "a worker with an agent",
  { skip: needs("root", "engine", "redis"), concurrency: 3 },
  () => {
    let engine: LabEngine;
    let trio: Trio;
    // Several workers are struck at a time, which is not what the brake is for.
    staged((set) => ({ engine, trio } = set), { trio: { env: { BRAKE_MIN: "50" } } });

    for (const arrangement of ["joins-worker", "joins-agent"] as const) {
      test(`that is killed is started again; its agent ${arrangement.replace("-", " ")}`, async () => {
        const name = `crash-${arrangement}`;
        await startWorker(trio, { name, arrangement });
        await trio.verdict(name, "healthy");
        const at = Date.now();
        await crash(engine, name);
        const recovery = await trio.recovered(name, at);
        assert.equal(recovery.tries.length, 1);
        assert.equal(recovery.action, "start");
        await trio.verdict(name, "healthy");
        await loggedOnce(name, at);
      });

      test(`that hangs is restarted; its agent ${arrangement.replace("-", " ")}`, async () => {
        const name = `hang-${arrangement}`;
        await startWorker(trio, { name, arrangement });
        await trio.verdict(name, "healthy");
        const at = Date.now();
        process.kill(await pidOf(engine, name), "SIGSTOP");
        const recovery = await trio.recovered(name, at);
        assert.equal(recovery.verdict, "unhealthy");
        assert.equal(recovery.action, "restart");
        assert.equal(recovery.tries.length, 1);
      });
    }

    test("that somebody stops right after it was revived is held like any other", async () => {
      const name = "stopped-again";
      await startWorker(trio, { name, arrangement: "joins-worker" });
      await trio.verdict(name, "healthy");
      const crashed = Date.now();
      await crash(engine, name);
      await trio.recovered(name, crashed);
      const at = Date.now();
      assert.equal((await engine.docker("stop", "-t", "0", name)).code, 0);
      const recovery = await trio.recovered(name, at);
      // STOP_HOLD is 3 s.
      assert.ok(
        recovery.decidedAtMs - at >= 3_000,
        `decided after ${recovery.decidedAtMs - at} ms`,
      );
    });

    /** Between them, the coordinators' logs have one line for each event, in its own words. */
    async function loggedOnce(name: string, since: number): Promise<void> {
      const worker = `lab/${name}`;
      const told = async (): Promise<readonly string[]> =>
        (await trio.events())
          .filter((event) => event.worker === worker && event.atMs >= since)
          .map(({ kind, text }) => `${kind} ${text}`);
      const logged = (): readonly string[] =>
        trio.ids
          .flatMap((id) => readFileSync(trio.coordinator(id).logFile, "utf8").split("\n"))
          .filter((line) => line.startsWith("{"))
          .map((line) => JSON.parse(line) as LogLine)
          .filter((line) => line.worker === worker && line.time >= since && line.level >= info)
          .map(({ kind, msg }) => `${kind ?? ""} ${msg}`);
      await pause(500);
      const lines = await told();
      assert.ok(lines.some((line) => line.startsWith("recovered ")));
      assert.deepEqual(logged().toSorted(), lines.toSorted());
    }

    for (const recreate of ["true", "false"]) {
      test(`that is removed is gone, and ${recreate === "true" ? "recreated as it was, its agent with it" : "left alone"}`, async () => {
        const name = `removed-${recreate}`;
        const labels = { "heartmesh.recreate": recreate };
        const options = ["-e", "COLOUR=green", "--restart", "no", "-v", `${engine.dir}:/data:ro`];
        await startWorker(trio, { name, arrangement: "joins-worker", labels, options });
        await trio.verdict(name, "healthy");
        const what = "{{.Config.Env}} {{.HostConfig.Binds}} {{.Config.Labels}} {{.Config.Cmd}}";
        const before = await engine.docker("inspect", "-f", what, name);
        const at = Date.now();
        assert.equal((await engine.docker("rm", "-f", name)).code, 0);
        const gone = await trio.verdict(name, "gone");
        assert.match(gone.reason, /removed/);
        if (recreate === "false") {
          await pause(4_500);
          assert.deepEqual(await trio.recoveries(name), []);
          return;
        }
        const recovery = await trio.recovered(name, at);
        assert.equal(recovery.action, "recreate");
        assert.equal((await engine.docker("inspect", "-f", what, name)).stdout, before.stdout);
        await trio.verdict(name, "healthy");
      });
    }
  },
);
