// Which containers of an engine matter here: what is labelled, and what shares a network namespace with that.

import { nameOf, networkModeOf, type RawSummary } from "./views.ts";

/** `key=value`, or `key` with any value. */
export interface LabelSelector {
  readonly key: string;
  readonly value: string | undefined;
}

export interface Relevance {
  /** `WORKER_LABEL`. */
  readonly labels: readonly LabelSelector[];
  /** Containers that `WORKERS` names with `@container`. */
  readonly names: readonly string[];
}

export interface Summary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkMode: string;
}

export const parseLabelSelector = (text: string): LabelSelector => {
  const at = text.indexOf("=");
  return at === -1
    ? { key: text, value: undefined }
    : { key: text.slice(0, at), value: text.slice(at + 1) };
};

export const summaryOf = (raw: RawSummary): Summary => ({
  id: raw.Id,
  // Legacy links add names of the form /other/alias.
  name: nameOf((raw.Names ?? []).find((name) => !name.slice(1).includes("/")) ?? raw.Id),
  labels: raw.Labels ?? {},
  networkMode: networkModeOf(raw.HostConfig?.NetworkMode),
});

/** The healer's own parts, by `heartmesh.role`. */
const roles = ["coordinator", "redis", "haproxy"];

/** A recreation makes the new container under such a name, and gives it its own in the end. */
export const nameBeside = (name: string, mark: string): string => `${name}.heartmesh-${mark}`;
const besidePattern = /\.heartmesh-[0-9a-f]{12}$/;

/** By its own labels or name, whatever namespace it is in. */
export function isMarked(
  container: Pick<Summary, "name" | "labels">,
  relevance: Relevance,
): boolean {
  const { labels, name } = container;
  if (besidePattern.test(name)) return false;
  return (
    relevance.names.includes(name) ||
    labels["heartmesh.agent"] === "true" ||
    roles.includes(labels["heartmesh.role"] ?? "") ||
    relevance.labels.some(({ key, value }) =>
      value === undefined ? Object.hasOwn(labels, key) : labels[key] === value,
    )
  );
}

/** The id or name that `container:…` points at; undefined for any other mode. */
export const namespaceOwner = (networkMode: string): string | undefined =>
  networkMode.startsWith("container:") ? networkMode.slice("container:".length) : undefined;

/** Whether a `container:…` reference (a full id, or a name where a proxy or another engine keeps it so) means this container. */
export const refersTo = (
  reference: string | undefined,
  container: Pick<Summary, "id" | "name">,
): boolean =>
  reference !== undefined && (reference === container.id || reference === container.name);

/** The marked containers and everything in one network namespace with one of them, in the order given. */
export function relevantContainers(
  all: readonly Summary[],
  relevance: Relevance,
): readonly Summary[] {
  const rootOf = new Map<Summary, string>();
  const byReference = new Map<string, Summary>();
  for (const summary of all) {
    byReference.set(summary.name, summary);
    byReference.set(summary.id, summary);
  }
  for (const summary of all) rootOf.set(summary, namespaceRoot(summary, byReference));
  const roots = new Set<string>();
  for (const summary of all) {
    if (isMarked(summary, relevance)) roots.add(rootOf.get(summary) ?? summary.id);
  }
  return all.filter((summary) => roots.has(rootOf.get(summary) ?? summary.id));
}

/** The id of the container that owns the namespace; of one that is gone, the reference itself, so that its dependants still belong together. */
function namespaceRoot(summary: Summary, byReference: ReadonlyMap<string, Summary>): string {
  let current = summary;
  // A chain is bounded by the number of containers; a loop (which the engine refuses) must not hang.
  for (let step = 0; step < byReference.size; step++) {
    const owner = namespaceOwner(current.networkMode);
    if (owner === undefined) return current.id;
    const next = byReference.get(owner);
    if (next === undefined) return owner;
    current = next;
  }
  return current.id;
}
