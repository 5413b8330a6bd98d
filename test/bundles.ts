// Makes of each test file one module that Node starts as it is. Read by tsx, a test file takes a quarter of a second of a processor more, one that uses fast-check a whole second.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = path.dirname(import.meta.dirname);

/** Inside the repository, where packages are found, of this process alone, and not in dist/, which is built anew now and then. */
const folder = path.join(root, "node_modules", ".cache", `heartmesh-tests-${process.pid}`);

/**
 * Where the modules are, relative to the repository, in the order of `groups`; Node's runner sorts them by name, so their names begin
 * with a number. The test files of a group are one module, and so one process.
 */
export async function bundleTests(
  groups: readonly (readonly string[])[],
): Promise<readonly string[]> {
  const names = groups.map(([file = "", ...others], at) => {
    const name = file.replaceAll(path.sep, "-").slice(0, -3);
    return `${String(at).padStart(3, "0")}-${name}${others.length > 0 ? `-and-${others.length}` : ""}`;
  });
  mkdirSync(folder, { recursive: true });
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  await build({
    absWorkingDir: root,
    entryPoints: names.map((out, at) => ({ in: `group:${at}`, out })),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
    plugins: [groupsAsModules(groups), packagesStayOutside, filesKnowWhereTheyAre],
  });
  return names.map((name) => path.relative(root, path.join(folder, `${name}.mjs`)));
}

const groupsAsModules = (groups: readonly (readonly string[])[]): Plugin => ({
  name: "groups as modules",
  setup(builder) {
    builder.onResolve({ filter: /^group:/ }, ({ path: name }) => ({
      path: name.slice("group:".length),
      namespace: "group",
    }));
    builder.onLoad({ filter: /.*/, namespace: "group" }, ({ path: at }) => ({
      contents: (groups[Number(at)] ?? []).map((file) => `import "./${file}";`).join("\n"),
      resolveDir: root,
    }));
  },
});

/** But one, which is some hundred small files. */
const packagesStayOutside: Plugin = {
  name: "packages stay outside",
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ path: wanted, importer, kind }) => {
      const isInside = kind === "entry-point" || importer.includes("node_modules");
      return isInside || wanted === "fast-check" ? undefined : { path: wanted, external: true };
    });
  },
};

/** In the modules as in the sources. */
const filesKnowWhereTheyAre: Plugin = {
  name: "files know where they are",
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const contents = readFileSync(file, "utf8")
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(file).href))
        .replaceAll("import.meta.dirname", JSON.stringify(path.dirname(file)));
      return { contents, loader: "ts" };
    });
  },
};
