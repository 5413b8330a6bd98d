// The kinds of documents that a backup holds, and what each must be: and where it is kept.

import { limits } from "../../proto/limits.ts";
import { isName } from "../../proto/text.ts";
import type { ClusterExport } from "../clusters/log.ts";
import { scalingFaults } from "../core/scaling/policy.ts";
import type { Documents } from "../io/shelf.ts";
import { clusterFaults, templateFaults } from "./backup-checks.ts";
import type { ControlPlane } from "./plane.ts";

/** All that is wrong with a document of that kind; none where it can be put back. */
export const backupKinds: Readonly<
  Record<string, (document: Readonly<Record<string, unknown>>, name: string) => readonly string[]>
> = {
  templates: templateFaults,
  scaling: ({ putAt, by, ...policy }) => {
    const faults = [...scalingFaults(policy)];
    if (typeof putAt !== "number") faults.push("putAt is no number of milliseconds");
    if (typeof by !== "string") faults.push("by is no text");
    return faults;
  },
  clusters: clusterFaults,
};

type Kept = Pick<Documents<unknown>, "list" | "put">;

/** Most lie on a shelf; what clusters want follows from their logs, and is not replaced: `put` leaves one that is there. */
export const keptOf = (plane: ControlPlane, kind: string): Kept =>
  kind === "clusters"
    ? {
        list: async () => {
          const all = await plane.clusters().export();
          return new Map(all.map((one) => [one.cluster.id, one]));
        },
        put: async (_name, document) => {
          await plane.clusters().import([document as ClusterExport]);
        },
      }
    : plane.shelf<unknown>(kind);

/** All that is wrong with the documents of a backup, each with its kind and name. */
export function documentFaults(
  documents: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly string[] {
  const known = Object.keys(backupKinds).join(", ");
  return Object.entries(documents).flatMap(([kind, named]) => {
    const faultOf = Object.hasOwn(backupKinds, kind) ? backupKinds[kind] : undefined;
    if (faultOf === undefined) return [`there are no documents called ${kind}; known: ${known}`];
    return Object.entries(named).flatMap(([name, document]) => {
      const general = generalFault(name, document);
      const faults =
        general === "" ? faultOf(document as Record<string, unknown>, name) : [general];
      return faults.map((fault) => `${kind} ${name}: ${fault}`);
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
