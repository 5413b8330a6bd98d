// What people do with Compose and Docker is respected: every command succeeds, and nothing is started behind their backs.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compose, type ComposeProject } from "../lab/compose.ts";
import type { LabEngine } from "../lab/engine.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const file = fileURLToPath(new URL("fixtures/project.yaml", import.meta.url));
/** Longer than STOP_HOLD: what would be started has been by then. */
const longerThanHold = 4_500;

describe("what people order", { skip: needs("root", "engine", "redis", "compose") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  const stage = staged((set) => ({ engine, trio } = set));
  let project: ComposeProject;

  before(() => {
    project = { engine, name: "p", files: [file] };
  });

  const run = async (...words: readonly string[]): Promise<void> => {
    const ran = await compose(project, ...words);
    assert.equal(ran.code, 0, `compose ${words.join(" ")}: ${ran.stderr}`);
  };
  /** Brings the project up anew and waits until it is watched. */
  const up = async (): Promise<void> => {
    await run("up", "-d");
    await until("the project to be watched", async () => {
      const all = await trio.get<readonly { id: string; containerId: string }[]>("workers");
      return all.filter(({ id }) => id.startsWith("lab/p_")).length >= 3 ? true : undefined;
    });
  };
  const ids = async (): Promise<readonly string[]> => {
    const text = await stage.docker("ps", "-q", "--filter", "label=com.docker.compose.project=p");
    return text.split("\n").filter((id) => id !== "");
  };
  /** The recoveries of the project's workers that were decided since then. */
  const recoveriesSince = async (at: number): Promise<readonly string[]> => {
    const all = await trio.get<readonly { worker: string; decidedAtMs: number }[]>("recoveries");
    return all
      .filter((one) => one.worker.startsWith("lab/p_") && one.decidedAtMs >= at)
      .map((one) => one.worker);
  };

  test("compose down, also with a container that takes its ten seconds, is left alone", async () => {
    await up();
    const at = Date.now();
    await run("down");
    await pause(longerThanHold);
    assert.deepEqual(await ids(), []);
    assert.deepEqual(await recoveriesSince(at), []);
  });

  test(
    "compose restart and up --force-recreate start each container once, by themselves",
    { skip: soakAlone },
    async () => {
      await up();
      const at = Date.now();
      await run("restart", "-t", "1");
      await run("up", "-d", "--force-recreate", "-t", "1");
      await pause(longerThanHold);
      assert.equal((await ids()).length, 3);
      assert.deepEqual(await recoveriesSince(at), []);
    },
  );

  test("compose up --scale, up and down, is left alone", { skip: soakAlone }, async () => {
    await up();
    const at = Date.now();
    await run("up", "-d", "--scale", "many=3");
    await pause(1_000);
    await run("up", "-d", "--scale", "many=1");
    await pause(longerThanHold);
    assert.equal((await ids()).length, 3);
    assert.deepEqual(await recoveriesSince(at), []);
  });

  test("docker restart and docker pause are left alone", { skip: soakAlone }, async () => {
    await up();
    const at = Date.now();
    await stage.docker("restart", "-t", "1", "p_web_1");
    await stage.docker("pause", "p_many_1");
    await pause(longerThanHold);
    assert.equal(await stage.docker("inspect", "-f", "{{.State.Status}}", "p_many_1"), "paused");
    assert.deepEqual(await recoveriesSince(at), []);
    await stage.docker("unpause", "p_many_1");
  });

  test("compose stop of the whole project leaves it stopped", { skip: soakAlone }, async () => {
    await up();
    const at = Date.now();
    await run("stop", "-t", "1");
    await pause(longerThanHold);
    assert.deepEqual(await recoveriesSince(at), []);
    assert.deepEqual(await ids(), []);
    await run("down", "-t", "1");
  });

  test("docker stop of one worker is undone after STOP_HOLD, unless its label respects stops", async () => {
    await startWorker(trio, { name: "stopped", arrangement: "none" });
    await startWorker(trio, {
      name: "respected",
      arrangement: "none",
      labels: { "heartmesh.stop-policy": "respect" },
    });
    await trio.watched("stopped");
    await trio.watched("respected");
    const at = Date.now();
    await stage.docker("stop", "-t", "1", "stopped", "respected");
    const recovery = await trio.recovered("stopped", at);
    assert.equal(recovery.tries.length, 1);
    assert.ok(recovery.decidedAtMs - at >= 3_000);
    assert.equal(await stage.docker("inspect", "-f", "{{.State.Status}}", "respected"), "exited");
  });

  test(
    "docker stop of a worker that was just revived is held like any other, or respected",
    { skip: soakAlone },
    async () => {
      const labels = { "heartmesh.verify": "8" };
      const respect = { ...labels, "heartmesh.stop-policy": "respect" };
      await startWorker(trio, { name: "tossed", arrangement: "none", labels });
      await startWorker(trio, { name: "let-be", arrangement: "none", labels: respect });
      const names = ["tossed", "let-be"];
      for (const name of names) await trio.watched(name);
      const inspect = (name: string, field: string): Promise<string> =>
        stage.docker("inspect", "-f", `{{.State.${field}}}`, name);
      for (const name of names) process.kill(Number(await inspect(name, "Pid")), "SIGKILL");
      for (const name of names) {
        await until(`${name} to run again`, async () =>
          (await inspect(name, "Status")) === "running" ? true : undefined,
        );
      }
      // Well within that window; a failed try would be followed by another after a second.
      const at = Date.now();
      await stage.docker("stop", "-t", "1", ...names);
      await pause(2_000);
      for (const name of names) assert.equal(await inspect(name, "Status"), "exited", name);
      const recovery = await trio.recovered("tossed", at);
      assert.ok(recovery.decidedAtMs - at >= 3_000);
      assert.equal(await inspect("let-be", "Status"), "exited");
    },
  );

  for (const policy of ["always", "unless-stopped", "on-failure"] as const) {
    test(
      `a container with restart: ${policy} is started once by the engine, not by us too`,
      { skip: policy !== "always" && soakAlone },
      async () => {
        const name = `policy-${policy}`;
        await startWorker(trio, { name, arrangement: "none", options: ["--restart", policy] });
        await trio.watched(name);
        // The engine waits longer and longer for runs under ten seconds; a first crash is restarted at once.
        const pid = Number(await stage.docker("inspect", "-f", "{{.State.Pid}}", name));
        const at = Date.now();
        process.kill(pid, "SIGKILL");
        await until("its restart", async () => {
          const text = await stage.docker(
            "inspect",
            "-f",
            "{{.State.Running}} {{.State.Pid}}",
            name,
          );
          return text.startsWith("true") && !text.endsWith(` ${pid}`) ? true : undefined;
        });
        await pause(2_000);
        assert.equal(await stage.docker("inspect", "-f", "{{.RestartCount}}", name), "1");
        // An engine that needs more than its second is found to have been first.
        const found = (await trio.recoveries(name)).filter((one) => one.decidedAtMs >= at);
        assert.deepEqual(
          found.filter(({ tries }) => tries.some(({ actedAtMs }) => actedAtMs !== null)),
          [],
        );
      },
    );
  }
});
