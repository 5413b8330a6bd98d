// A container that was moved, and what it was moved from: which of them stands for all, so that exactly one runs in the end.

import type { ContainerView } from "../worker.ts";
import { journalLabel } from "./service-labels.ts";

/** What a moved container says of itself in its label `heartmesh.moved`. */
export interface Descent {
  /** The id of the container that was there first. */
  readonly origin: string;
  /** The host that it was moved away from. */
  readonly from: string;
  /** How many moves lie between the first one and this. */
  readonly generation: number;
  /** When it was made, wall-clock ms: of two of one generation the later one counts. */
  readonly madeAt: number;
}

/** The field `v` is the version of this shape. */
export const descentText = ({ origin, from, generation, madeAt }: Descent): string =>
  JSON.stringify({ v: 1, origin, from, generation, madeAt });

type DescentLabels = Pick<ContainerView, "id" | "labels">;

/** A container that was never moved, or whose label is not of this version, is its own origin. */
export function descentOf({ id, labels }: DescentLabels): Descent {
  const own: Descent = { origin: id, from: "", generation: 0, madeAt: 0 };
  const text = labels[journalLabel];
  if (text === undefined) return own;
  try {
    const read = JSON.parse(text) as Partial<Record<keyof Descent | "v", unknown>>;
    const { v, origin, from, generation, madeAt } = read;
    const isWhole = typeof origin === "string" && typeof from === "string";
    if (v !== 1 || !isWhole || !isCount(generation) || !isCount(madeAt)) return own;
    return { origin, from, generation, madeAt };
  } catch {
    return own;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

export interface Lineage {
  /** The one that counts: the newest that runs on a host that is not dead, else the newest. */
  readonly head: ContainerView;
  /** All others, which give way to it. */
  readonly others: readonly ContainerView[];
}

/** Of the containers whose label lets them move. @param isDead whether the host of that engine is dead */
export function lineagesOf(
  containers: Iterable<ContainerView>,
  isDead: (host: string) => boolean,
): readonly Lineage[] {
  const families = new Map<string, ContainerView[]>();
  for (const view of containers) {
    if (view.belongings === undefined) continue;
    const { origin } = descentOf(view);
    const family = families.get(origin);
    if (family === undefined) families.set(origin, [view]);
    else family.push(view);
  }
  return [...families.values()].map((family) => lineageOf(family, isDead));
}

/** Those that give way to another one. */
export const outlivedOf = (
  containers: Iterable<ContainerView>,
  isDead: (host: string) => boolean,
): ReadonlySet<ContainerView> =>
  new Set(lineagesOf(containers, isDead).flatMap(({ others }) => others));

function lineageOf(family: readonly ContainerView[], isDead: (host: string) => boolean): Lineage {
  const [newest, ...rest] = family.toSorted(byAge) as [ContainerView, ...ContainerView[]];
  if (rest.length === 0) return { head: newest, others: [] };
  const all = [newest, ...rest];
  const running = all.find(({ state, host }) => state === "running" && !isDead(host));
  const head = running ?? all.find(wasStarted) ?? newest;
  return { head, others: all.filter((one) => one !== head) };
}

/** One that was made and not started yet, or is on its way out, stands for nobody. */
const wasStarted = ({ state }: ContainerView): boolean =>
  state !== "created" && state !== "removing";

/** The newest first, and by id where nothing else tells. */
function byAge(a: ContainerView, b: ContainerView): number {
  const [one, other] = [descentOf(a), descentOf(b)];
  return (
    other.generation - one.generation ||
    other.madeAt - one.madeAt ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** Made after the other one, to stand for it. */
export function isYounger(a: DescentLabels, b: DescentLabels): boolean {
  const [one, other] = [descentOf(a), descentOf(b)];
  return (
    one.origin === other.origin &&
    (one.generation > other.generation ||
      (one.generation === other.generation && one.madeAt > other.madeAt))
  );
}
