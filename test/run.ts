// `npm test`: finds the test files, installs what tests on real parts need, and hands both groups to node's own runner.
//
//   npm test                    unit tests, then tests on real parts
//   npm test -- election        only files whose path contains "election"; several words: any of them
//   npm run test:unit           only tests that need neither root nor anything installed
//   npm run soak                everything, and the long tests

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { bundleTests } from "./bundles.ts";
import { shareImages } from "./lab/images.ts";
import { ensureInstalled } from "./lab/requirements.ts";
import { ensureBuilt } from "./lab/trio.ts";
import { isLong, longestFirst } from "./order.ts";

/** `part`: on one real part or a few. `mesh`: whole meshes, which time what they see. */
type Group = "unit" | "part" | "mesh" | "soak";

const root = path.dirname(import.meta.dirname);

const realMinutes = isSoak() ? 30 : 10;

/**
 * A file that takes longer is stopped and has failed. Two meshes at once take more than two processors have: then leaders change
 * and tests fail that have found nothing. Each has the machine for itself.
 */
const manners: Readonly<Record<Group, { readonly concurrency: number; readonly minutes: number }>> =
  {
    unit: { concurrency: 4, minutes: 5 },
    part: { concurrency: isSoak() ? 1 : 2, minutes: realMinutes },
    mesh: { concurrency: 1, minutes: realMinutes },
    soak: { concurrency: 1, minutes: 120 },
  };

/** So many files may fail and are run again; more are no accident. */
const most = 6;

const titles: Readonly<Record<Group, string>> = {
  unit: "unit tests",
  part: "tests on real parts",
  mesh: "tests of whole meshes",
  soak: "long tests",
};

interface Wish {
  readonly groups: readonly Group[];
  readonly words: readonly string[];
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const wish = parseArguments(args);
  if (typeof wish === "string") {
    console.error(wish);
    return 2;
  }
  const files = testFiles().filter(
    (file) =>
      wish.groups.includes(groupOf(file)) &&
      (wish.words.length === 0 || wish.words.some((word) => file.includes(word))),
  );
  if (files.length === 0) {
    console.error(`No test file's path contains ${wish.words.join(" or ")}.`);
    return 2;
  }
  if (files.some((file) => groupOf(file) !== "unit")) {
    const missing = ensureInstalled();
    if (missing.length > 0) {
      if (process.env.CI === "true") return 1;
      console.error("Tests that need them are skipped.");
    }
    // Once for all files: they run beside each other, from the same dist/ and the same images.
    ensureBuilt();
    process.env.LAB_IS_BUILT = "1";
    await shareImages();
  }
  if (isSoak()) process.env.SOAK = "true";
  if (wish.groups.join() === "unit") process.env.INNER_LOOP = "true";
  const failed: Group[] = [];
  for (const group of wish.groups) {
    const own = files.filter((file) => groupOf(file) === group);
    if (own.length > 0 && !(await runFiles(group, own))) failed.push(group);
  }
  if (failed.length > 0) {
    console.error(`\nFailed: ${failed.map((group) => titles[group]).join(", ")}.`);
  }
  return failed.length === 0 ? 0 : 1;
}

/** Most files of unit tests are done before a process has started, so those share some. */
function together(files: readonly string[]): readonly (readonly string[])[] {
  const short = files.filter((file) => !isLong(file));
  const count = Math.min(short.length, 6);
  const shared = Array.from({ length: count }, (_, at) =>
    short.slice((at * short.length) / count, ((at + 1) * short.length) / count),
  );
  return [...files.filter(isLong).map((file) => [file]), ...shared];
}

/** Known before anything else is: what runs how depends on it. */
function isSoak(): boolean {
  return process.argv.includes("--soak");
}

function parseArguments(args: readonly string[]): Wish | string {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const words = args.filter((arg) => !arg.startsWith("-"));
  const unknown = flags.find((flag) => flag !== "--unit" && flag !== "--soak");
  if (unknown !== undefined || flags.length > 1) {
    return `${unknown ?? flags.join(" ")}: expected at most one of --unit and --soak, and words that a file's path contains.`;
  }
  if (flags[0] === "--unit") return { groups: ["unit"], words };
  const real = ["unit", "part", "mesh"] as const;
  return { groups: flags[0] === "--soak" ? [...real, "soak"] : real, words };
}

/** Relative to the repository, in a fixed order. */
function testFiles(): readonly string[] {
  const files = readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" });
  return longestFirst(
    files.filter((file) => file.endsWith(".test.ts")).map((file) => path.join("test", file)),
  );
}

function groupOf(file: string): Group {
  if (file.endsWith(".soak.test.ts")) return "soak";
  if (!file.endsWith(".real.test.ts")) return "unit";
  return /^test\/(e2e|compose)\//.test(file) ? "mesh" : "part";
}

async function runFiles(group: Group, files: readonly string[]): Promise<boolean> {
  console.log(`${files.length} files of ${titles[group]}`);
  const modules = await bundleTests(
    group === "unit" ? together(files) : files.map((file) => [file]),
  );
  const { concurrency, minutes } = manners[group];
  const failed = await runModules(modules, concurrency, minutes);
  if (failed === "unknown") return false;
  const isLast = group === "unit" || isSoak() || failed.length > most;
  if (isLast) return failed.length === 0;
  const those = modules.filter(
    (module, at) => failed.includes(files[at] ?? "") || failed.includes(module),
  );
  if (those.length === 0) return true;
  console.log(`\nFailed, and run once more, alone:\n${failed.join("\n")}`);
  const again = await runModules(those, 1, minutes);
  const passed = failed.filter((file) => again !== "unknown" && !again.includes(file));
  // Whoever reads it shall make that test, or what it has found, better.
  if (passed.length > 0)
    console.log(`\nFailed, and passed when they were run again:\n${passed.join("\n")}`);
  return passed.length === failed.length;
}

/** Resolves to the test files, or modules, in which a test failed, relative to the repository; "unknown" where that cannot be told. */
async function runModules(
  modules: readonly string[],
  concurrency: number,
  minutes: number,
): Promise<readonly string[] | "unknown"> {
  const list = path.join(mkdtempSync(path.join(tmpdir(), "heartmesh-failed-")), "files");
  const node = spawn(
    process.execPath,
    [
      "--enable-source-maps",
      "--test",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      `--test-reporter=${path.join(root, "test", "failed-files.mjs")}`,
      `--test-reporter-destination=${list}`,
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${minutes * 60_000}`,
      ...modules,
    ],
    { cwd: root, stdio: "inherit" },
  );
  const stop = (): void => {
    node.kill("SIGTERM");
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  try {
    const [code] = (await once(node, "close")) as [number | null];
    if (code === 0) return [];
    const told = existsSync(list) ? readFileSync(list, "utf8").split("\n") : [];
    const failed = [...new Set(told)]
      .filter((file) => file !== "")
      .map((file) => path.relative(root, file));
    // What ended without a word of its own is told by the name of its module.
    const isKnown = failed.every((file) => file.endsWith(".test.ts") || modules.includes(file));
    return code === 1 && failed.length > 0 && isKnown ? failed : "unknown";
  } finally {
    process.removeListener("SIGTERM", stop);
    process.removeListener("SIGINT", stop);
    rmSync(path.dirname(list), { recursive: true });
  }
}
