// Of several things that a person may have meant, the one.

import { ApiProblem } from "./problem.ts";

/** @param missing what is thrown where there is none; where there are several, their ids are told */
export function theOne<Known extends { readonly id: string }>(
  found: readonly Known[],
  asked: string,
  missing: () => Error,
): Known {
  const [only] = found;
  if (only === undefined) throw missing();
  if (found.length === 1) return only;
  const ids = found.map(({ id }) => id);
  throw new ApiProblem(409, `${asked} is ambiguous: ${ids.join(", ")}. Ask by the whole id.`, ids);
}

/** Those of this id; else of this name; else those whose id begins so. */
export function asAsked<Known extends { readonly id: string; readonly name: string }>(
  all: readonly Known[],
  asked: string,
): readonly Known[] {
  const exact = all.filter(({ id }) => id === asked);
  if (exact.length > 0) return exact;
  const named = all.filter(({ name }) => name === asked);
  return named.length > 0 ? named : all.filter(({ id }) => id.startsWith(asked));
}
