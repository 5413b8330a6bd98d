// Completion in real shells, with names that a coordinator is asked for.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { serve, summaryOf, workerSummary, type TestServer } from "../api/scripted-plane.ts";
import { asking, run } from "./running.ts";

const entry = path.resolve(import.meta.dirname, "../../../coordinator/cli/main.ts");
const hasShell = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;
const quote = (text: string): string => `'${text}'`;

/** A program called heartmesh, which is this source. */
function program(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), "heartmesh-completion-"));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  const file = path.join(dir, "heartmesh");
  const loader = import.meta.resolve("tsx");
  writeFileSync(file, `#!/bin/sh\nexec ${process.execPath} --import ${loader} ${entry} "$@"\n`);
  chmodSync(file, 0o755);
  return dir;
}

async function inShell(
  t: TestContext,
  shell: string,
  script: string,
  server: TestServer,
): Promise<readonly string[]> {
  const env = { ...asking(server, "viewer"), PATH: `${program(t)}:${process.env["PATH"] ?? ""}` };
  const child = spawn(shell, ["-c", script], { env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (some: string) => {
    text += some;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return text
    .split("\n")
    .map((line) => line.split("\t")[0] ?? "")
    .filter((line) => line !== "");
}

/** What bash offers behind these words, the last of which is being written. */
const inBash = (t: TestContext, server: TestServer, ...words: readonly string[]) =>
  inShell(
    t,
    "bash",
    `. <(heartmesh completion bash)
COMP_WORDS=(${["heartmesh", ...words].map(quote).join(" ")}); COMP_CWORD=${words.length}
COMP_LINE=${quote(["heartmesh", ...words].join(" "))}; COMP_POINT=\${#COMP_LINE}
_heartmesh; printf '%s\\n' "\${COMPREPLY[@]}"`,
    server,
  );

test("bash completes verbs, options, and the names that the coordinator knows", async (t) => {
  const server = await serve(t);
  assert.deepEqual(await inBash(t, server, "rec"), ["recoveries", "record"]);
  assert.deepEqual(await inBash(t, server, "revive", "h1/"), ["h1/web-1", "h1/web-2"]);
  assert.deepEqual(await inBash(t, server, "plan", "h"), ["h1", "h2", "h3"]);
  assert.deepEqual(await inBash(t, server, "revive", "--wa"), ["--wait"]);
  assert.deepEqual(await inBash(t, server, "events", "--worker", "h2"), ["h2/web-2"]);
  assert.deepEqual(await inBash(t, server, "coordinators", "a"), ["add"]);
  assert.deepEqual(await inBash(t, server, "help", "dr"), ["drain"]);
});

test("a name with a colon is completed behind its colon, where bash divides", async (t) => {
  const server = await serve(t);
  server.plane.picture = summaryOf({ workers: [workerSummary({ id: "h1/a:b" })] });
  assert.deepEqual(await inBash(t, server, "revive", "h1/a:"), ["b"]);
});

test("where no coordinator answers nothing is offered, and nothing is said", async (t) => {
  const server = await serve(t);
  await server.stop();
  assert.deepEqual(await inBash(t, server, "revive", "h"), []);
});

for (const [shell, words] of [
  ["zsh", ["-n"]],
  ["fish", ["--no-execute"]],
] as const) {
  const skip = hasShell(shell) ? false : `${shell} is not here`;
  test(`${shell} can read what it is given`, { skip }, async () => {
    const { code, out } = await run(["completion", shell]);
    assert.equal(code, 0);
    const read = spawnSync(shell, words, { input: out, encoding: "utf8" });
    assert.deepEqual([read.status, read.stderr], [0, ""]);
  });
}

test("each shell's script names every verb", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out } = await run(["completion", shell]);
    for (const verb of ["status", "queues", "notify-test", "help", "completion"]) {
      assert.ok(out.includes(verb), `${shell}: ${verb}`);
    }
  }
  assert.equal((await run(["completion", "tcsh"])).code, 2);
});
