// `import { SwarmClient } from "heartmesh/swarm"` in somebody else's program: what is built has types, and they are the right ones.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { run, type Ran } from "../lab/engine.ts";
import { ensureBuilt } from "../lab/trio.ts";

const root = path.resolve(import.meta.dirname, "../..");

const right = `
import { SwarmClient } from "heartmesh/swarm";
export async function replicasOf(name: string): Promise<number> {
  const swarm = new SwarmClient({ url: "http://127.0.0.1:1", token: "t", cluster: "default" });
  const [service] = await swarm.services({ name });
  const replicas: number | null | undefined = service?.desired;
  for await (const nodes of swarm.watchNodes({ role: "manager" })) return nodes.length;
  return replicas ?? 0;
}
`;

describe("the client as a package", () => {
  let dir = "";
  before(() => {
    ensureBuilt();
    dir = mkdtempSync(path.join(tmpdir(), "heartmesh-client-"));
    mkdirSync(path.join(dir, "node_modules"));
    symlinkSync(root, path.join(dir, "node_modules", "heartmesh"));
    writeFileSync(path.join(dir, "package.json"), '{ "type": "module" }');
    const own = { noEmit: true, strict: true, target: "es2023", module: "nodenext", types: [] };
    const config = { compilerOptions: { ...own, lib: ["es2023", "dom"] }, files: ["program.ts"] };
    writeFileSync(path.join(dir, "tsconfig.json"), JSON.stringify(config));
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  const compiled = (text: string): Promise<Ran> => {
    writeFileSync(path.join(dir, "program.ts"), text);
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    return run(process.execPath, [tsc, "--project", dir], { cwd: dir });
  };

  test("compiles where it is used rightly, without our sources", async () => {
    const ran = await compiled(right);
    assert.equal(ran.code, 0, ran.stdout);
  });

  test("says what is wrong: an unknown role, text for a number, a property that no row has, and what follows", async () => {
    const ran = await compiled(
      right
        .replace('"manager"', '"boss"')
        .replace("replicas: number | null | undefined", "replicas: string")
        .replace("nodes.length", "nodes[0].colour"),
    );
    const places = [...ran.stdout.matchAll(/^program\.ts\(\d+,\d+\): error (TS\d+)/gm)];
    assert.deepEqual(
      places.map(([, code]) => code),
      ["TS2322", "TS2322", "TS2339", "TS2322"],
      ran.stdout,
    );
  });

  test("runs, and says where nobody answers", async () => {
    const text = right.replace(": Promise<number>", "").replace(": number | null | undefined", "");
    const file = path.join(dir, "program.mjs");
    writeFileSync(file, `${text.replace("name: string", "name")}\nawait replicasOf("web");\n`);
    const ran = await run(process.execPath, [file], { cwd: dir });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /fetch failed|127\.0\.0\.1:1/);
  });
});
