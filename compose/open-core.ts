// A build step that opens the core to checkpoints: private fields become ordinary ones, and each class is registered under its name.
//
// The core is a graph of objects with private fields. To write its state down by hand would be a second implementation of it, in sixty
// classes, wrong as soon as one of them changes. So `#field` is renamed to `_field` in what is built, which changes nothing that runs
// (the compiler has checked the privacy before), and coordinator/io/checkpoint.ts walks the graph as it is.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "esbuild";
import ts from "typescript";

const root = path.join(import.meta.dirname, "..");
/** What the coordinator's state is made of. */
const opened = /[\\/](coordinator[\\/]core[\\/].+|proto[\\/]random)\.ts$/;

export function openCore(
  change: (file: string, text: string) => string = (_, text) => text,
): Plugin {
  return {
    name: "open-core",
    setup(builder) {
      builder.onLoad({ filter: opened }, ({ path: full }) => {
        const file = path.relative(root, full).replaceAll(path.sep, "/");
        const text = change(file, readFileSync(full, "utf8"));
        return { contents: openSource(file, text), loader: "ts" };
      });
    },
  };
}

/** @param file relative to the repository */
export function openSource(file: string, text: string): string {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const marks: number[] = [];
  const classes: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPrivateIdentifier(node)) marks.push(node.getStart(tree));
    if (ts.isClassDeclaration(node) && node.name !== undefined) classes.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  let renamed = "";
  let from = 0;
  for (const at of marks) {
    renamed += `${text.slice(from, at)}_`;
    from = at + 1;
  }
  renamed += text.slice(from);
  const register = path.posix.relative(
    path.posix.dirname(file),
    "coordinator/io/class-register.ts",
  );
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return [
    renamed,
    `import { registerClasses as registerForCheckpoints } from "${register}";`,
    `registerForCheckpoints("${file}", "${digest}", { ${classes.join(", ")} });`,
  ].join("\n");
}
