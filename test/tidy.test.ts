// The project's rules about its own text, as ordinary failing tests.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import ts from "typescript";
import { agentVariables } from "../agent/config.ts";
import { announcerVariables } from "../coordinator/announce/config.ts";
import { commandLineVariables, coordinatorVariables } from "../coordinator/config-table.ts";
import { errorTable } from "../coordinator/errors.ts";
import {
  eachNode,
  functionSizes,
  importsOf,
  lineOf,
  readSources,
  repository,
  sourceOf,
  stringLiterals,
  usedNames,
  type Import,
  type Source,
} from "./source-tree.ts";

const product = readSources("proto", "agent", "coordinator", "compose");
const all = [...product, ...readSources("test")];
const core = product.filter((source) => /^(agent|coordinator)\/core\//.test(source.file));

const none = (faults: readonly string[]): void => {
  assert.deepEqual(faults, []);
};

describe("imports", () => {
  /** Who may import whom; test may import all. */
  const mayImport: Readonly<Record<string, readonly string[]>> = {
    // Its release.
    proto: ["proto", "package.json"],
    agent: ["proto", "agent"],
    coordinator: ["proto", "agent", "coordinator", "package.json"],
    compose: ["proto", "agent", "coordinator", "compose"],
  };
  const partOf = (file: string): string => file.split("/")[0] ?? "";

  test("go proto ← agent ← coordinator, and none from the product into test", () => {
    none(importFaults((from, to) => mayImport[partOf(from)]?.includes(partOf(to)) ?? true));
  });

  test("go core ← io ← main inside each part", () => {
    none(
      importFaults(
        (from, to) =>
          partOf(from) === "proto" || partOf(from) !== partOf(to) || rank(from) >= rank(to),
      ),
    );
  });

  test("of core are core and proto alone, and of Node its assertions", () => {
    const faults = core.flatMap((source) =>
      importsOf(source)
        .filter(({ file, specifier }) =>
          file === undefined
            ? specifier !== "node:assert/strict"
            : partOf(file) !== "proto" && !file.startsWith(`${partOf(source.file)}/core/`),
        )
        .map(({ specifier }) => `${source.file} imports ${specifier}`),
    );
    none(faults);
  });

  test("end in .ts, so that every runtime resolves them alike", () => {
    none(
      eachImport(all, (source, { file, specifier }) =>
        file !== undefined && !/\.(ts|vue|css)$/.test(file) && !specifier.endsWith(".json")
          ? `${source.file} imports ${specifier}`
          : undefined,
      ),
    );
  });

  test("of values form no circle", () => {
    none(circles(product));
  });

  function importFaults(isAllowed: (from: string, to: string) => boolean): readonly string[] {
    return eachImport(product, (source, { file, specifier }) =>
      file !== undefined && !isAllowed(source.file, file)
        ? `${source.file} imports ${specifier}`
        : undefined,
    );
  }
});

/** 0 core; 1 io and its siblings, and the configuration and error tables that they read; 2 what wires them up. */
function rank(file: string): number {
  if (file.includes("/core/")) return 0;
  if (/\/(main|bin)\.ts$/.test(file) || file.startsWith("coordinator/cli/")) return 2;
  const [, second = "", third] = file.split("/");
  return third !== undefined || /^(config.*|check-spec|errors|secret|version)\.ts$/.test(second)
    ? 1
    : 2;
}

function eachImport(
  sources: readonly Source[],
  judge: (source: Source, imported: Import) => string | undefined,
): readonly string[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .map((imported) => judge(source, imported))
      .filter((fault) => fault !== undefined),
  );
}

function circles(sources: readonly Source[]): readonly string[] {
  const needs = new Map(
    sources.map((source) => [
      source.file,
      importsOf(source).flatMap(({ file, typeOnly }) =>
        file === undefined || typeOnly ? [] : [file],
      ),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const next of needs.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const { file } of sources) walk(file, []);
  return found;
}

describe("purity of core", () => {
  const impure = new Set(
    (
      "Date performance process global globalThis console fetch crypto require WebSocket Worker Promise " +
      "setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask"
    ).split(" "),
  );

  function impurities(source: Source): readonly string[] {
    const faults = usedNames(source)
      .filter(({ name }) => impure.has(name))
      .map(({ name, line }) => `${source.file}:${line} uses ${name}`);
    eachNode(source.tree, (node) => {
      const fault = impurity(node);
      if (fault !== undefined) faults.push(`${source.file}:${lineOf(source, node)} uses ${fault}`);
    });
    return faults;
  }

  function impurity(node: ts.Node): string | undefined {
    if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AwaitKeyword) return "await";
    if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
    if (ts.isPropertyAccessExpression(node) && node.getText() === "Math.random") {
      return "Math.random";
    }
    return undefined;
  }

  test("it reads no clock, rolls no dice, awaits nothing and touches no process", () => {
    assert.ok(core.length > 0);
    none(core.flatMap(impurities));
  });

  test("the rule sees what it forbids, and not a field or variable of the same name", () => {
    const seen = (text: string) => impurities(sourceOf("agent/core/x.ts", text)).length > 0;
    const forbidden = [
      "const t = Date.now();",
      "new Date();",
      "performance.now();",
      "Math.random();",
      "setTimeout(() => 0, 1);",
      "const p = process.pid;",
      "async function f() {}",
      "let p: Promise<void>;",
      "for await (const a of b) c(a);",
    ];
    for (const text of forbidden) assert.equal(seen(text), true, text);
    const allowed = [
      "const a = message.process;",
      "interface Obituary { process: string }",
      "function f(process: string) { return process.length; }",
      "const a = { performance: 1 };",
    ];
    for (const text of allowed) assert.equal(seen(text), false, text);
  });
});

describe("size", () => {
  test("no file has more than 400 lines", () => {
    const faults = [...all, ...readPages()]
      .map(({ file, text }) => ({ file, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > 400)
      .map(({ file, lines }) => `${file}: ${lines} lines`);
    none(faults);
  });

  test("no function has more than 70 lines", () => {
    const faults = all.flatMap((source) =>
      functionSizes(source)
        .filter(({ lines }) => lines > 70)
        .map(({ name, line, lines }) => `${source.file}:${line} ${name}: ${lines} lines`),
    );
    none(faults);
  });
});

/** What stands in Vue files. */
const readPages = (): readonly { readonly file: string; readonly text: string }[] =>
  readdirSync(path.join(repository, "coordinator/dashboard"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".vue"))
    .map((name) => `coordinator/dashboard/${name}`)
    .map((file) => ({ file, text: readFileSync(path.join(repository, file), "utf8") }));

describe("files", () => {
  test("of the product begin with a comment that says what they are for", () => {
    none(product.filter(({ text }) => !/^(#!.*\n)?\/[/*]/.test(text)).map(({ file }) => file));
  });

  test("are named by their idea", () => {
    const vague = /(^|[/-])(utils?|helpers?|common|managers?|misc|shared)([-./]|$)/;
    none(all.map(({ file }) => file).filter((file) => vague.test(file)));
  });

  test("stand where they belong: no stray entry at the top", () => {
    const allowed = new Set(
      (
        "agent coordinator proto compose test package.json tsconfig.json README.md .ci .git .gitignore .npmrc " +
        "LICENSE eslint.config.js package-lock.json .prettierignore node_modules dist"
      ).split(" "),
    );
    none(readdirSync(repository).filter((entry) => !allowed.has(entry)));
  });
});

const variables = [
  ...coordinatorVariables,
  ...commandLineVariables,
  ...announcerVariables,
  ...agentVariables,
];
const variableNames = [...new Set(variables.map(({ name }) => name))].sort();

describe("environment variables", () => {
  const sources = product.filter(({ file }) => /^(agent|coordinator)\//.test(file));

  test("of the tables are read, and what is read stands in a table", () => {
    // Where programs are found is the machine's to say.
    const known = new Set<string>([...variableNames, "PATH"]);
    const read = new Set<string>();
    const faults: string[] = [];
    for (const source of sources) {
      for (const literal of stringLiterals(source)) {
        if (known.has(literal.text) && !isRowName(literal)) read.add(literal.text);
      }
      eachNode(source.tree, (node) => {
        const name = environmentAccess(node);
        if (name === undefined) return;
        if (known.has(name)) read.add(name);
        else faults.push(`${source.file}:${lineOf(source, node)} reads ${name}`);
      });
    }
    none([
      ...faults,
      ...variableNames.filter((name) => !read.has(name)).map((n) => `${n}: unread`),
    ]);
  });

  test(
    "of the README's configuration table are those of the programs",
    { skip: noReadme() },
    () => {
      const documented = tableCells("configuration").filter((cell) =>
        /^[A-Z][A-Z0-9_]+$/.test(cell),
      );
      assert.deepEqual([...new Set(documented)].sort(), variableNames);
    },
  );
});

/** `name: "X"` in a table's row. */
const isRowName = (node: ts.Node): boolean =>
  ts.isPropertyAssignment(node.parent) && node.parent.name.getText() === "name";

/** The name in `process.env.NAME` or `process.env["NAME"]`. */
function environmentAccess(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    return node.expression.getText() === "process.env" ? node.name.text : undefined;
  }
  if (!ts.isElementAccessExpression(node) || node.expression.getText() !== "process.env") {
    return undefined;
  }
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : undefined;
}

test("the README's error codes are those of the table", { skip: noReadme() }, () => {
  const documented = tableCells("error").filter((cell) => /^HM_[A-Z0-9_]+$/.test(cell));
  assert.deepEqual([...new Set(documented)].sort(), Object.keys(errorTable).sort());
});

function readmeFile(): string {
  return path.join(repository, "README.md");
}

function noReadme(): string | false {
  return existsSync(readmeFile()) ? false : "README.md is not written yet";
}

/** What stands in backticks in the first cells of the tables below headings that contain `word`, deeper headings included. */
function tableCells(word: string): readonly string[] {
  const cells: string[] = [];
  let inside = 0;
  for (const line of readFileSync(readmeFile(), "utf8").split("\n")) {
    const heading = /^(#+) (.*)/.exec(line);
    if (heading !== null) {
      const depth = (heading[1] ?? "").length;
      if (heading[2]?.toLowerCase().includes(word) === true) inside ||= depth;
      else if (depth <= inside) inside = 0;
    }
    const firstCell = inside > 0 ? /^\s*\|([^|]*)\|/.exec(line)?.[1] : undefined;
    for (const match of firstCell?.matchAll(/`([^`]+)`/g) ?? []) cells.push(match[1] ?? "");
  }
  return cells;
}
