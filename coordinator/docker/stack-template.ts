// Stack files with parameters, `${NAME}` and `${NAME:-default}`, in their values. What is given for a parameter never becomes part of the
// YAML: the docker command line is told it as a variable of its own and puts it into the value, after it has read the file.

import { isMap, parseDocument, visit } from "yaml";
import type { SwarmTemplateParameter } from "../../proto/swarm-rest.ts";
import { limits } from "../../proto/limits.ts";

/** What a person says of a parameter; all but the name may be left out. */
export interface Declared {
  readonly name: string;
  readonly description?: string;
  readonly default?: string | null;
  readonly required?: boolean;
}

/** Every fault, each a sentence that names what it is of. */
export class TemplateRefused extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "TemplateRefused";
    this.problems = problems;
  }
}

/** What docker is given. */
export interface FilledTemplate {
  readonly stack: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** So that no variable of the process itself, PATH say, is ever meant. */
const prefix = "HEARTMESH_PARAMETER_";
/** An escaped dollar, a parameter with or without a default, or a dollar that is neither. */
const dollars = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]{0,59})(?::-([^${}]*))?\}|\$/g;
const expected = "expected ${NAME}, ${NAME:-default}, or $$ for a dollar";

/** The parameters by name. Throws `TemplateRefused`. */
export function readTemplate(
  text: string,
  declared: readonly Declared[],
): readonly SwarmTemplateParameter[] {
  const { uses, problems } = scan(text);
  if (uses.length === 0 && problems.length > 0) throw new TemplateRefused(problems);
  const names = [
    ...new Set([...uses.map(({ name }) => name), ...declared.map(({ name }) => name)]),
  ];
  if (names.length > limits.templateParameters) {
    problems.push(`${names.length} parameters are too many; at most ${limits.templateParameters}`);
  }
  const parameters = names.sort().map((name) => {
    const own = declared.filter((one) => one.name === name);
    if (own.length > 1) problems.push(`${name} is declared twice`);
    const inText = uses.filter((one) => one.name === name);
    if (inText.length === 0) problems.push(`${name} is declared and stands nowhere in the file`);
    return parameterOf(name, own[0], inText, problems);
  });
  if (problems.length > 0) throw new TemplateRefused(problems);
  return parameters;
}

function parameterOf(
  name: string,
  own: Declared | undefined,
  uses: readonly Use[],
  problems: string[],
): SwarmTemplateParameter {
  const said = [own, ...uses].flatMap((one) => one?.default ?? []);
  const [fallback = null, ...others] = [...new Set(said)];
  if (others.length > 0) problems.push(`${name} has more than one default: ${said.join(", ")}`);
  const required = own?.required ?? fallback === null;
  if (required && fallback !== null) {
    problems.push(`${name} is required and has a default; leave one of them out`);
  }
  return { name, description: own?.description ?? "", default: fallback, required };
}

/** @param given an empty value is none. Throws `TemplateRefused`. */
export function fillTemplate(
  text: string,
  parameters: readonly SwarmTemplateParameter[],
  given: Readonly<Record<string, string>>,
): FilledTemplate {
  const known = new Set(parameters.map(({ name }) => name));
  const unknown = Object.keys(given).filter((name) => !known.has(name));
  const valueOf = (name: string): string => (Object.hasOwn(given, name) ? (given[name] ?? "") : "");
  const missing = parameters.filter((one) => one.required && valueOf(one.name) === "");
  const problems = [
    ...unknown.map((name) => `${name} is no parameter of it; it has ${[...known].join(", ")}`),
    ...missing.map(({ name }) => `${name} is missing`),
  ];
  if (problems.length > 0) throw new TemplateRefused(problems);
  return {
    stack: scan(text).renamed,
    variables: Object.fromEntries(
      parameters.map((one) => [prefix + one.name, valueOf(one.name) || (one.default ?? "")]),
    ),
  };
}

interface Use {
  readonly name: string;
  readonly default: string | undefined;
}

interface Scan {
  readonly uses: readonly Use[];
  readonly problems: string[];
  /** The file with each parameter under its variable's name. */
  readonly renamed: string;
}

function scan(text: string): Scan {
  const document = parseDocument(text, { logLevel: "error" });
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message }) =>
      (message.split("\n")[0] ?? "").replace(/:$/, ""),
    );
    return { uses: [], problems, renamed: text };
  }
  const { contents } = document;
  if (!isMap(contents) || !isMap(contents.get("services"))) {
    return { uses: [], problems: ["it has no services; expected a stack file"], renamed: text };
  }
  const uses: Use[] = [];
  const problems: string[] = [];
  const pieces: string[] = [];
  let done = 0;
  visit(document, {
    Scalar: (key, { value, range }) => {
      if (typeof value !== "string" || !value.includes("$") || !range) return;
      const [start, end] = range;
      const found = usesIn(value);
      if (key === "key" && found.some(({ kind }) => kind !== "dollar")) {
        problems.push(`"${shown(value)}" is a name; parameters stand in values only`);
        return;
      }
      if (found.some(({ kind }) => kind === "stray")) {
        problems.push(`"${shown(value)}" has a $ that says nothing; ${expected}`);
      }
      const source = text.slice(start, end);
      if (namesOf(usesIn(source)) !== namesOf(found)) {
        problems.push(`"${shown(value)}" writes its $ by an escape; ${expected}`);
      }
      uses.push(...found.filter(({ kind }) => kind === "parameter"));
      pieces.push(text.slice(done, start), renamedIn(source));
      done = end;
    },
  });
  return { uses, problems, renamed: pieces.join("") + text.slice(done) };
}

interface Found extends Use {
  readonly kind: "dollar" | "parameter" | "stray";
}

const usesIn = (value: string): readonly Found[] =>
  [...value.matchAll(dollars)].map(([all, name, fallback]) => {
    if (name !== undefined) return { kind: "parameter", name, default: fallback };
    return { kind: all === "$$" ? "dollar" : "stray", name: "", default: undefined };
  });

const renamedIn = (source: string): string =>
  source.replaceAll(dollars, (all: string, name: string | undefined) =>
    name === undefined ? all : `\${${prefix}${name}}`,
  );

const namesOf = (found: readonly Found[]): string =>
  found.map(({ kind, name }) => `${kind} ${name}`).join();

const shown = (value: string): string => value.slice(0, 60);
