// The lab itself: an engine leaves nothing behind, also when its owner was killed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { compose } from "./compose.ts";
import { inNamespace, startEngine } from "./engine.ts";
import { ensureImages, imageNames } from "./images.ts";
import { labPrefix, leftOf, sweepDirectory } from "./leftovers.ts";
import { needs } from "./requirements.ts";
import { until } from "../waiting.ts";

test(
  "Compose, the namespace and the images work, and stop() removes everything",
  { skip: needs("root", "engine", "compose") },
  async () => {
    const engine = await startEngine({ name: "labtest" });
    try {
      await ensureImages(engine, ["worker"]);
      const file = `${engine.dir}/compose.yaml`;
      await writeFile(
        file,
        `services:\n  web:\n    image: ${imageNames.worker}\n    command: ["nc", "-ll", "-p", "80", "-e", "/bin/hostname"]\n    hostname: hello\n`,
      );
      const project = { engine, name: "lab", files: [file] };
      const up = await compose(project, "up", "-d");
      assert.equal(up.code, 0, up.stderr);
      const id = (await compose(project, "ps", "-q", "web")).stdout.trim();
      const address = (
        await engine.docker(
          "inspect",
          "-f",
          "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
          id,
        )
      ).stdout.trim();
      const said = await until("an answer from inside the namespace", async () => {
        const asking = inNamespace(engine, "busybox", ["nc", "-w", "1", address, "80"], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        let text = "";
        asking.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
        await new Promise((resolve) => asking.on("close", resolve));
        return text.trim() === "" ? undefined : text.trim();
      });
      assert.equal(said, "hello");
    } finally {
      await engine.stop();
    }
    assert.deepEqual(leftOf(process.pid), []);
  },
);

test(
  "what a killed owner left behind is swept, processes and all",
  { skip: needs("root", "engine") },
  async () => {
    const script = `
      import { startEngine } from "./test/lab/engine.ts";
      import { ensureImages } from "./test/lab/images.ts";
      import { runContainer } from "./test/lab/containers.ts";
      const engine = await startEngine({ name: "left" });
      await ensureImages(engine, ["worker"]);
      await runContainer(engine, { name: "one" });
      console.log(engine.dir, engine.pid);
      setInterval(() => {}, 1000);`;
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", script],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const [dir = "", dockerd = ""] = await until(
      "the other engine is up",
      () => (said.includes("\n") ? said.trim().split(" ") : undefined),
      30_000,
    );
    const exited = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await exited;
    assert.ok(existsSync(`/proc/${dockerd}`));
    await sweepDirectory(dir);
    for (const folder of readdirSync("/tmp").filter((name) =>
      name.startsWith(`${labPrefix}${child.pid}-`),
    )) {
      await rm(`/tmp/${folder}`, { recursive: true, force: true });
    }
    assert.deepEqual(leftOf(child.pid ?? 0), []);
    await until("dockerd is gone", () => !existsSync(`/proc/${dockerd}/exe`) || undefined);
  },
);

test(
  "an engine whose start fails leaves nothing either",
  { skip: needs("root", "engine") },
  async () => {
    await assert.rejects(
      startEngine({ name: "refused", args: ["--no-such-option"] }),
      /its last words:[^]*no-such-option/,
    );
    assert.deepEqual(leftOf(process.pid), []);
  },
);
