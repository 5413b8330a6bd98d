// What the pages of clusters say of calls and services. Pure.

import type { CallRow, ClusterServiceRow } from "../../proto/cluster-rest.ts";

/** What came of a call, or that it has not ended yet. */
export const callText = ({ call, state, text }: CallRow): string =>
  state === "done" ? `${text}.` : `${call} stands in the log, and is under way.`;

/** `2 × nginx:1.27, 1 × redis`. */
export const contentText = ({ containers }: Pick<ClusterServiceRow, "containers">): string =>
  containers.map(({ replicas, image }) => `${replicas} × ${image}`).join(", ");

/** Where its replicas run: `n1 ×2, n2`; those without room are told as waiting. */
export function placesText({ replicas }: Pick<ClusterServiceRow, "replicas">): string {
  const counts = new Map<string, number>();
  for (const { node } of replicas) {
    const name = node === "" ? "waiting for room" : node;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, many]) => (many === 1 ? name : `${name} ×${many}`)).join(", ");
}
