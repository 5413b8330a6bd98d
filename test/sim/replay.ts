// `npm run sim -- --replay FILE [--json]`: runs the core over what `heartmesh record` wrote, and tells whether it decides the same, and what.
// Exit code: 0 the same decisions, 1 others, 2 the file cannot be read or replayed.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { openCore } from "../../compose/open-core.ts";
import type { Mutation } from "./bundle.ts";
import { mutated } from "./mutate.ts";
import { replayJson, replayText } from "./replay-words.ts";
import type * as replayRun from "./replay-run.ts";

interface Lines {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

export async function runReplay(args: readonly string[], { out, err }: Lines): Promise<number> {
  const wish = parse(args);
  if (typeof wish === "string") {
    err(wish);
    return 2;
  }
  let told: replayRun.Replay;
  try {
    told = (await loadReplay()).replay(readFileSync(wish.file));
  } catch (error) {
    err(`${wish.file} cannot be replayed: ${(error as Error).message}`);
    return 2;
  }
  for (const line of replayText(told)) out(line);
  if (wish.json) out(JSON.stringify(replayJson(told)));
  if (told.from === "nowhere") return 2;
  return told.difference === undefined ? 0 : 1;
}

function parse(
  args: readonly string[],
): { readonly file: string; readonly json: boolean } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { replay: { type: "string" }, json: { type: "boolean", default: false } },
    });
    return { file: values.replay ?? "", json: values.json };
  } catch (error) {
    return `${(error as Error).message}\nexpected: --replay FILE [--json]`;
  }
}

const root = path.join(import.meta.dirname, "..", "..");
const folder = path.join(root, "node_modules", ".cache", "heartmesh-sim");
let bundles = 0;

/** The core as the product's build bundles it, with mistakes planted on request. */
export async function loadReplay(mutations: readonly Mutation[] = []): Promise<typeof replayRun> {
  mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `replay-${process.pid}-${bundles++}.mjs`);
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [path.join(import.meta.dirname, "replay-run.ts")],
      outfile,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "esm",
      packages: "external",
      logLevel: "warning",
      plugins: [openCore((file, text) => mutated(file, text, mutations))],
    });
    return (await import(pathToFileURL(outfile).href)) as typeof replayRun;
  } finally {
    rmSync(outfile, { force: true });
  }
}
