// The scenarios: commands, and the whole transcript of what follows. `UPDATE=1` writes what follows now.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { bundleSimulation } from "./bundle.ts";
import type { ScenarioAsk } from "./child.ts";

const folder = path.join(import.meta.dirname, "..", "scenarios");
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));
const texts = names.map((name) => readFileSync(path.join(folder, name), "utf8"));
const played = await play(texts);

async function play(scenarios: readonly string[]): Promise<readonly string[]> {
  const outfile = await bundleSimulation({ messages: "objects" });
  const ask: ScenarioAsk = { scenarios };
  const said = execFileSync(
    process.execPath,
    ["--enable-source-maps", outfile, JSON.stringify(ask)],
    { encoding: "utf8", maxBuffer: 1e8 },
  );
  rmSync(outfile, { force: true });
  return said
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as string);
}

describe("scenario", () => {
  for (const [index, name] of names.entries()) {
    test(name.replace(/\.txt$/, "").replaceAll("-", " "), () => {
      const now = played[index] ?? "";
      assert.ok(!now.includes("VIOLATION"), now);
      if (process.env.UPDATE === "1") writeFileSync(path.join(folder, name), now);
      else assert.equal(now, texts[index]);
    });
  }
});
