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
