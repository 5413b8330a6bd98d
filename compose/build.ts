// Builds what is run: the agent as one file, the coordinator and the command line beside it, and the folders that images are made of.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { build, type BuildOptions } from "esbuild";
import ts from "typescript";
import { build as buildPages } from "vite";
import { openCore } from "./open-core.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** The context of the images; a build there needs no network. */
const context = join(root, "compose", "build");

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  outdir: "dist",
  logLevel: "warning",
};

/** Some of the bundled packages are CommonJS and ask for Node's own modules. */
const requireBanner = {
  js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
};

/** The sidecar, one file since an image with one file starts soonest and is read at a glance; and the library of Node workers. */
async function buildAgent(): Promise<void> {
  await build({
    ...shared,
    entryPoints: { "heartmesh-agent": "agent/bin.ts", "agent-library": "agent/index.ts" },
    banner: requireBanner,
    minifySyntax: true,
  });
}

/** The library of those who ask the API; it runs in a browser too. */
async function buildClient(): Promise<void> {
  await build({
    ...shared,
    platform: "neutral",
    entryPoints: { "swarm-client": "coordinator/swarm-client.ts" },
  });
  for (const file of ["coordinator/swarm-client", "proto/swarm-rest"]) declareTypes(file);
}

/** Of one file by itself, whose exports all say their types. */
function declareTypes(file: string): void {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(
    readFileSync(join(root, `${file}.ts`), "utf8"),
    { fileName: `${file}.ts`, compilerOptions: { isolatedDeclarations: true } },
  );
  const [fault] = diagnostics;
  if (fault !== undefined) {
    throw new Error(`${file}.ts: ${ts.flattenDiagnosticMessageText(fault.messageText, " ")}`);
  }
  const target = join(dist, "types", `${file}.d.ts`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, outputText.replaceAll(/(from "\.[^"]+)\.ts"/g, '$1.js"'));
}

/** Packages stay beside the bundle: Bull Board and the API's documentation read files of their own. */
async function buildCoordinator(): Promise<void> {
  await build({
    ...shared,
    entryPoints: {
      heartmesh: "coordinator/cli/main.ts",
      "mesh-thread": "coordinator/io/mesh-thread.ts",
    },
    packages: "external",
    splitting: true,
    chunkNames: "chunk-[hash]",
    plugins: [openCore()],
  });
}

/** Static files, with what browsers are sent of each: every coordinator serves them. */
async function buildDashboard(): Promise<void> {
  const made = join(dist, "dashboard");
  await buildPages({
    configFile: false,
    root: join(root, "coordinator", "dashboard"),
    base: "./",
    logLevel: "warn",
    plugins: [vue()],
    build: {
      outDir: made,
      emptyOutDir: true,
      target: "es2022",
      // A data: URL would have to be allowed by the policy of content.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  for (const name of readdirSync(made, { recursive: true, encoding: "utf8" })) {
    if (!/\.(html|js|css|svg)$/.test(name)) continue;
    const text = readFileSync(join(made, name));
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
    writeFileSync(join(made, `${name}.br`), brotliCompressSync(text, { params }));
    writeFileSync(join(made, `${name}.gz`), gzipSync(text, { level: 9 }));
  }
}

/** With the agent's library inside it. */
async function buildSample(): Promise<void> {
  await build({
    ...shared,
    outdir: "compose/build/sample",
    entryPoints: { worker: "compose/sample/worker.ts" },
    banner: requireBanner,
  });
}

function layOutImages(): void {
  const agent = join(context, "agent");
  const coordinator = join(context, "coordinator");
  mkdirSync(agent, { recursive: true });
  cpSync(join(dist, "heartmesh-agent.mjs"), join(agent, "heartmesh-agent.mjs"));
  cpSync(dist, join(coordinator, "dist"), { recursive: true });
  writeFileSync(join(coordinator, "package.json"), '{ "type": "module" }\n');
  // An image that makes the directory itself gives a named volume to its user.
  mkdirSync(join(coordinator, "data"));
  writeFileSync(join(coordinator, "data", ".keep"), "");
  for (const folder of productionPackages()) {
    cpSync(folder, join(coordinator, relative(root, folder)), { recursive: true, filter: isRun });
  }
}

/** Types, maps and texts are not run; they are half of what packages weigh. */
const isRun = (file: string): boolean => !/\.(d\.[cm]?ts|map|md|markdown|flow)$/i.test(file);

/** The folders of all packages that run in production, as they are installed here; nothing is fetched. */
function productionPackages(): readonly string[] {
  const list = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const folders = list.split("\n").filter((line) => line.includes("node_modules"));
  // Peers of packages that check types; nothing that runs asks for them.
  return folders.filter((folder) => !/node_modules\/(typescript|@types\/[^/]+)$/.test(folder));
}

rmSync(dist, { recursive: true, force: true });
rmSync(context, { recursive: true, force: true });
await Promise.all([
  buildAgent(),
  buildClient(),
  buildCoordinator(),
  buildDashboard(),
  buildSample(),
]);
layOutImages();
