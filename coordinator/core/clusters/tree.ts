// Clusters that stand as nodes of others: no circle, and none that is there no more.

import type { Clusters } from "./cluster.ts";

/** Whether `wanted` is `from`, or stands anywhere below it. */
export function reaches(clusters: Clusters, from: string, wanted: string): boolean {
  const seen = new Set<string>();
  const next = [from];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (id === wanted) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    for (const { place } of clusters.get(id)?.nodes ?? []) {
      if (place.kind === "cluster") next.push(place.cluster);
    }
  }
  return false;
}

/** Whether anything below it can run a container: its loss is the loss of a node. */
export function isAlive(clusters: Clusters, id: string): boolean {
  const cluster = clusters.get(id);
  if (cluster === undefined || cluster.isDeleting) return false;
  return cluster.nodes.some(
    ({ state, place }) =>
      state === "joined" && (place.kind !== "cluster" || isAlive(clusters, place.cluster)),
  );
}
