// Reads variables by the table, notes every problem instead of stopping at the first, and remembers what was effective. Pure.

import {
  parseAddressList,
  parseDuration,
  parseFlag,
  parseInteger,
  secretFromFile,
  secretSource,
  valueOf,
  type Environment,
  type NamedAddress,
  type Parsed,
} from "../proto/config-parse.ts";
import type { Duration } from "../proto/units.ts";
import { coordinatorVariables, type VariableName } from "./config-table.ts";

/** A secret, and the file it came from where it did: whoever uses it reads the file again when it changes. */
export interface Secret {
  readonly text: string;
  readonly file: string | undefined;
}

/** The content of a file; undefined where it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

export class ConfigReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** What each variable amounts to, for a person; secrets are only said to be set. */
  readonly effective = new Map<VariableName, string>();
  readonly #env: Environment;
  readonly #files: ReadFile;

  constructor(env: Environment, files: ReadFile) {
    this.#env = env;
    this.#files = files;
  }

  /** Between the bounds, both in ms and included. */
  duration(name: VariableName, low: Duration, high: Duration): Duration {
    return this.#parse(name, low, (text) => {
      const value = parseDuration(text);
      if (!value.ok || (value.value >= low && value.value <= high)) return value;
      return malformed(`"${text}" is out of bounds; expected ${low / 1000} s to ${high / 1000} s`);
    });
  }

  integer(name: VariableName, low: number, high: number): number {
    return this.#parse(name, low, (text) => parseInteger(text, low, high));
  }

  port(name: VariableName): number {
    return this.integer(name, 1, 65_535);
  }

  flag(name: VariableName): boolean {
    return this.#parse(name, false, parseFlag);
  }

  /** In (0, 1]. */
  fraction(name: VariableName): number {
    return this.#parse<number>(name, 1, (text) => {
      const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (value > 0 && value <= 1) return { ok: true, value };
      return malformed(`"${text}" is not a share; expected more than 0 and at most 1`);
    });
  }

  choice<Word extends string>(name: VariableName, words: readonly [Word, ...Word[]]): Word {
    return this.#parse<Word>(name, words[0], (text) => {
      const word = words.find((one) => one === text.toLowerCase());
      if (word !== undefined) return { ok: true, value: word };
      return malformed(`"${text}" is none of ${words.join(", ")}`);
    });
  }

  /** Undefined where it is neither set nor has a default. */
  text(name: VariableName): string | undefined {
    const value = this.#raw(name);
    this.effective.set(name, value ?? "");
    return value;
  }

  /** A text of any shape of its own; `fallback` where it is missing or malformed. */
  shaped<Value>(
    name: VariableName,
    fallback: Value,
    parse: (text: string) => Parsed<Value>,
  ): Value {
    return this.#parse(name, fallback, parse);
  }

  addresses(name: VariableName, defaultPort?: number): readonly NamedAddress[] {
    return this.#parse<readonly NamedAddress[]>(name, [], (text) =>
      parseAddressList(text, defaultPort),
    );
  }

  /** From the variable or its `_FILE`; `check` says what is wrong with it without repeating it. */
  secret(name: VariableName, check?: (text: string) => string | undefined): Secret | undefined {
    const source = secretSource(this.#env, name);
    this.effective.set(name, source.kind === "none" ? "" : "(set)");
    switch (source.kind) {
      case "none":
        return undefined;
      case "both":
        this.problems.push(`${name}: ${name}_FILE is given too; keep one of them`);
        return undefined;
      case "value":
        return this.#checkedSecret(name, { text: source.value, file: undefined }, check);
      case "file": {
        this.effective.set(name, `(from ${source.path})`);
        const content = this.#files(source.path);
        const text = content === undefined ? "" : secretFromFile(content);
        if (text !== "") return this.#checkedSecret(name, { text, file: source.path }, check);
        const what = content === undefined ? "cannot be read" : "is empty";
        this.problems.push(`${name}_FILE: ${source.path} ${what}; mount it readable for this user`);
        return undefined;
      }
    }
  }

  /** A file that must be readable now; its path, since it is read again later. */
  file(name: VariableName): string | undefined {
    const path = this.text(name);
    if (path !== undefined && this.#files(path) === undefined) {
      this.problems.push(`${name}: ${path} cannot be read`);
    }
    return path;
  }

  isReadable(path: string): boolean {
    return this.#files(path) !== undefined;
  }

  isSet(name: VariableName): boolean {
    return valueOf(this.#env, name) !== undefined;
  }

  /** Whether a secret was given, in either way, usable or not. */
  isGiven(name: VariableName): boolean {
    return secretSource(this.#env, name).kind !== "none";
  }

  #checkedSecret(
    name: VariableName,
    secret: Secret,
    check: ((text: string) => string | undefined) | undefined,
  ): Secret {
    const wrong = check?.(secret.text);
    if (wrong !== undefined) {
      this.problems.push(`${name}${secret.file === undefined ? "" : "_FILE"}: ${wrong}`);
    }
    return secret;
  }

  #raw(name: VariableName): string | undefined {
    const row = coordinatorVariables.find((one) => one.name === name);
    const fallback = row === undefined || row.default === "" ? undefined : row.default;
    return valueOf(this.#env, name) ?? fallback;
  }

  #parse<Value>(
    name: VariableName,
    fallback: Value,
    parse: (text: string) => Parsed<Value>,
  ): Value {
    const text = this.#raw(name);
    this.effective.set(name, text ?? "");
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value.ok) return value.value;
    this.problems.push(`${name}: ${value.detail ?? "malformed"}`);
    return fallback;
  }
}

const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
