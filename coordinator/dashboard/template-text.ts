// The parameters of a template while somebody writes it: which stand in its text, and what is said of each. The API has the last word. Pure.

import type { SwarmTemplateParameter } from "../../proto/swarm-rest.ts";

/** One parameter, as its row is edited. */
export interface ParameterRow {
  readonly name: string;
  /** Stands in the text, and is not edited beside it; null where there is none. */
  readonly textDefault: string | null;
  description: string;
  /** Empty: none. */
  default: string;
  required: boolean;
}

/** What the API takes. */
export interface DeclaredParameter {
  readonly name: string;
  readonly description?: string;
  readonly default?: string;
  readonly required?: boolean;
}

const parameter = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]{0,59})(?::-([^${}]*))?\}/g;

/** By name; what was said of one before stays. */
export function rowsOf(
  text: string,
  before: readonly Pick<SwarmTemplateParameter, "name" | "description" | "default" | "required">[],
): ParameterRow[] {
  const found = new Map<string, string | null>();
  for (const [, name, fallback] of text.matchAll(parameter)) {
    if (name !== undefined) found.set(name, fallback ?? found.get(name) ?? null);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, textDefault]) => {
      const said = before.find((one) => one.name === name);
      const other = textDefault === null ? (said?.default ?? "") : "";
      const description = said?.description ?? "";
      return { name, textDefault, description, default: other, required: said?.required ?? true };
    });
}

/** Only what is to be said beside the text. */
export function declaredOf(rows: readonly ParameterRow[]): readonly DeclaredParameter[] {
  return rows.flatMap((row): DeclaredParameter[] => {
    const { name, description, textDefault } = row;
    const own = textDefault === null ? row.default : "";
    const isOptional = textDefault === null && own === "" && !row.required;
    if (description === "" && own === "" && !isOptional) return [];
    return [
      {
        name,
        ...(description === "" ? {} : { description }),
        ...(own === "" ? {} : { default: own }),
        ...(isOptional ? { required: false } : {}),
      },
    ];
  });
}
