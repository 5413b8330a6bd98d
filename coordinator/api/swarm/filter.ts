// Which nodes and services of a list are wanted; all that is given must hold. Pure.

import type {
  SwarmNodeFilter,
  SwarmNodeRow,
  SwarmServiceFilter,
  SwarmServiceRow,
} from "../../../proto/swarm-rest.ts";

export const isNodeWanted = (row: SwarmNodeRow, filter: SwarmNodeFilter): boolean =>
  isLabelled(row.labels, filter.label) &&
  isFound(filter.search, [row.hostname, row.id, row.address, ...labelTexts(row.labels)]) &&
  (filter.role ?? row.role) === row.role &&
  (filter.availability ?? row.availability) === row.availability &&
  (filter.state ?? row.state) === row.state;

export const isServiceWanted = (row: SwarmServiceRow, filter: SwarmServiceFilter): boolean =>
  isLabelled(row.labels, filter.label) &&
  isFound(filter.search, [row.name, row.id, row.image, ...labelTexts(row.labels)]) &&
  row.name.includes(filter.name ?? "") &&
  row.image.includes(filter.image ?? "") &&
  (filter.stack ?? row.stack) === row.stack;

type Labels = Readonly<Record<string, string>>;

function isLabelled(labels: Labels, label: string | undefined): boolean {
  if (label === undefined) return true;
  const [key = "", value] = label.split(/=(.*)/s);
  const has = Object.hasOwn(labels, key) ? labels[key] : undefined;
  return value === undefined ? has !== undefined : has === value;
}

const labelTexts = (labels: Labels): readonly string[] =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`);

/** In any case of letters. */
function isFound(search: string | undefined, texts: readonly string[]): boolean {
  if (search === undefined) return true;
  const words = search.toLowerCase();
  return texts.some((text) => text.toLowerCase().includes(words));
}
