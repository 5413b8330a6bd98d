// What is to be made and removed so that engines run what a cluster's document says: nothing else, and nothing twice.

import { containerName, type Cluster, type ContainerWish } from "./cluster.ts";

/** A container with the cluster's label, as its engine lists it. */
export interface FoundContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly birth: string;
  readonly node: string;
  readonly number: number;
  readonly ordinal: number;
}

/** An engine, by where it is, and what it has of the cluster; undefined where it did not tell. */
export interface FoundEngine {
  readonly engine: string;
  readonly nodes: readonly string[];
  readonly containers: readonly FoundContainer[] | undefined;
}

export interface WantedContainer {
  readonly engine: string;
  readonly node: string;
  readonly name: string;
  readonly number: number;
  readonly ordinal: number;
  readonly wish: ContainerWish;
  readonly origin: string;
}

export interface Comparison {
  /** In the order of the log. `inTheWay`: of the same name on that engine, to be removed just before. */
  readonly create: readonly (WantedContainer & { readonly inTheWay: FoundContainer | undefined })[];
  /** Made and not started: whoever made it was broken off. */
  readonly start: readonly { readonly engine: string; readonly id: string }[];
  /** Wanted no more, or elsewhere; after everything else. */
  readonly remove: readonly { readonly engine: string; readonly found: FoundContainer }[];
  /** Wanted on nodes whose engine does not tell what it has. */
  readonly blocked: readonly { readonly node: string; readonly number: number }[];
}

export function compare(cluster: Cluster, engines: readonly FoundEngine[]): Comparison {
  const engineOf = new Map(engines.flatMap((one) => one.nodes.map((node) => [node, one])));
  const wanted = wantedOf(cluster).flatMap((one) => {
    const engine = engineOf.get(one.node);
    return engine === undefined ? [] : [{ ...one, engine: engine.engine }];
  });
  const blocked: Comparison["blocked"][number][] = [];
  // Where one still runs elsewhere it is better than none.
  const spared = waitingNames(cluster);
  const create: Comparison["create"][number][] = [];
  const start: Comparison["start"][number][] = [];
  const kept = new Set<FoundContainer>();
  for (const one of wanted) {
    const containers = engineOf.get(one.node)?.containers;
    const found = containers?.find(({ name }) => name === one.name);
    if (containers === undefined) {
      blocked.push(one);
      spared.add(one.name);
    } else if (found === undefined || !isIt(found, one, cluster)) {
      create.push({ ...one, inTheWay: found });
      if (found !== undefined) kept.add(found);
    } else {
      kept.add(found);
      if (found.state === "created") start.push({ engine: one.engine, id: found.id });
    }
  }
  const remove = engines.flatMap(({ engine, containers = [] }) =>
    containers
      .filter((found) => !kept.has(found) && !spared.has(found.name))
      .map((found) => ({ engine, found })),
  );
  return { create, start, remove, blocked };
}

const isIt = (
  found: FoundContainer,
  wanted: { readonly node: string },
  { birth }: Cluster,
): boolean => found.node === wanted.node && found.birth === birth;

/** Of replicas that have no node. */
const waitingNames = ({ id, services }: Cluster): Set<string> =>
  new Set(
    services.flatMap(({ number, replicas }) =>
      replicas
        .filter(({ node }) => node === "")
        .map(({ ordinal }) => containerName(id, number, ordinal)),
    ),
  );

function wantedOf(cluster: Cluster): readonly Omit<WantedContainer, "engine">[] {
  if (cluster.isDeleting) return [];
  return cluster.services.flatMap(({ number, parts, replicas, origin }) =>
    replicas.flatMap(({ ordinal, part, node }) => {
      const wish = parts[part];
      if (node === "" || wish === undefined) return [];
      const name = containerName(cluster.id, number, ordinal);
      return [{ node, name, number, ordinal, wish, origin }];
    }),
  );
}
