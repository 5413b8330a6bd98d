// The kinds of documents that a backup holds, and what each must be: a kind that is kept on a shelf of its own has a line here.

import { limits } from "../../proto/limits.ts";
import { isName } from "../../proto/text.ts";
import { scalingFaults } from "../core/scaling/policy.ts";

/** What is wrong with a document of that kind, in words; empty where it can be put back. */
export const backupKinds: Readonly<
  Record<string, (document: Readonly<Record<string, unknown>>) => string>
> = {
  templates: () => "",
  scaling: ({ putAt, by, ...policy }) => {
    const faults = [...scalingFaults(policy)];
    if (typeof putAt !== "number") faults.push("putAt is no number of milliseconds");
    if (typeof by !== "string") faults.push("by is no text");
    return faults.join("; ");
  },
  clusters: () => "",
};

/** All that is wrong with the documents of a backup, each with its kind and name. */
export function documentFaults(
  documents: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly string[] {
  const known = Object.keys(backupKinds).join(", ");
  return Object.entries(documents).flatMap(([kind, named]) => {
    const faultOf = Object.hasOwn(backupKinds, kind) ? backupKinds[kind] : undefined;
    if (faultOf === undefined) return [`there are no documents called ${kind}; known: ${known}`];
    return Object.entries(named).flatMap(([name, document]) => {
      const fault = generalFault(name, document) || faultOf(document as Record<string, unknown>);
      return fault === "" ? [] : [`${kind} ${name}: ${fault}`];
    });
  });
}

function generalFault(name: string, document: unknown): string {
  if (!isName(name)) return `this is no name; expected 1 to ${limits.nameBytes} bytes of text`;
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return "it is no object";
  }
  const bytes = Buffer.byteLength(JSON.stringify(document));
  return bytes > limits.documentBytes
    ? `it has ${bytes} bytes; at most ${limits.documentBytes} are taken`
    : "";
}
