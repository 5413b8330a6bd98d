// The project's own sources as syntax trees, for the tests that hold them to its rules.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export interface Source {
  /** Relative to the repository, with `/`. */
  readonly file: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Import {
  /** As written: `./a.ts`, `node:fs`, `fastify`. */
  readonly specifier: string;
  /** Relative to the repository; undefined for packages and Node's own modules. */
  readonly file: string | undefined;
  readonly typeOnly: boolean;
}

export const repository = path.dirname(import.meta.dirname);

/** All TypeScript files below these folders, in a fixed order. */
export function readSources(...folders: readonly string[]): readonly Source[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(repository, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !isMade(`${folder}/${name}`))
      .sort()
      .map((name) => parseSource(`${folder}/${name}`)),
  );
}

/** What `npm run build` lays out, packages among it. */
const isMade = (file: string): boolean => file.startsWith("compose/build/");

function parseSource(file: string): Source {
  const text = readFileSync(path.join(repository, file), "utf8");
  return { file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) };
}

/** For tests of the rules themselves. */
export function sourceOf(file: string, text: string): Source {
  return { file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) };
}

export function eachNode(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => {
    eachNode(child, visit);
  });
}

/** Imports, re-exports and dynamic imports. */
export function importsOf(source: Source): readonly Import[] {
  const imports: Import[] = [];
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const isOwn = specifier.text.startsWith(".");
    imports.push({
      specifier: specifier.text,
      file: isOwn ? path.posix.join(path.posix.dirname(source.file), specifier.text) : undefined,
      typeOnly,
    });
  };
  eachNode(source.tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
  });
  return imports;
}

function isTypeOnlyImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

/** Names that the file itself declares, wherever: they hide the global of the same name. */
function declaredNames(source: Source): ReadonlySet<string> {
  const names = new Set<string>();
  eachNode(source.tree, (node) => {
    const isDeclaration =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isClassDeclaration(node);
    if (isDeclaration && node.name !== undefined && ts.isIdentifier(node.name)) {
      names.add(node.name.text);
    }
  });
  return names;
}

/** Names used as values or types, not as the name of a property or of something declared here. */
export function usedNames(
  source: Source,
): readonly { readonly name: string; readonly line: number }[] {
  const declared = declaredNames(source);
  const used: { name: string; line: number }[] = [];
  eachNode(source.tree, (node) => {
    if (!ts.isIdentifier(node) || declared.has(node.text) || isPropertyName(node)) return;
    used.push({ name: node.text, line: lineOf(source, node) });
  });
  return used;
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isGetAccessor(parent) ||
      ts.isSetAccessor(parent)) &&
    parent.name === node
  );
}

export const lineOf = (source: Source, node: ts.Node): number =>
  source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1;

export interface FunctionSize {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Every function with a body, comments before it not counted. Blocks of tests (`describe`) are chapters, not functions. */
export function functionSizes(source: Source): readonly FunctionSize[] {
  const sizes: FunctionSize[] = [];
  eachNode(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
    if (isChapter(node)) return;
    const line = lineOf(source, node);
    const last = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const name = node.name === undefined ? "a function" : node.name.getText(source.tree);
    sizes.push({ name, line, lines: last - line + 1 });
  });
  return sizes;
}

const isChapter = (node: ts.Node): boolean =>
  ts.isCallExpression(node.parent) && /^(describe|suite)\b/.test(node.parent.expression.getText());

/** Texts of all string literals, with the node, so that a caller can tell where they stand. */
export function stringLiterals(source: Source): readonly ts.StringLiteralLike[] {
  const found: ts.StringLiteralLike[] = [];
  eachNode(source.tree, (node) => {
    if (ts.isStringLiteralLike(node)) found.push(node);
  });
  return found;
}
