// What a cluster does on an engine: lists what is labelled as its own, makes, starts and removes containers. Every call may be repeated.

import type { Cluster } from "../core/clusters/cluster.ts";
import type { FoundContainer, WantedContainer } from "../core/clusters/compare.ts";
import type { CreateSpec } from "../docker/engine-calls.ts";
import type { EngineClient } from "../docker/engines.ts";
import { EngineRefused, hasStatus } from "../docker/engines.ts";
import { nameOf } from "../docker/views.ts";
import type { BookedEngine } from "./engine-book.ts";

/** Of which cluster of that name it is. */
export const birthLabel = "heartmesh.cluster-birth";

const labels = {
  mesh: "heartmesh.cluster-mesh",
  cluster: "heartmesh.cluster",
  birth: birthLabel,
  node: "heartmesh.cluster-node",
  number: "heartmesh.log-index",
  ordinal: "heartmesh.ordinal",
  uniqId: "heartmesh.uniq-id",
  origin: "heartmesh.origin",
} as const;

/** What its owner is told by: the mesh, and the label by which heartmesh watches a container. */
export interface Marks {
  /** CLUSTER_ID. */
  readonly mesh: string;
  /** The first of WORKER_LABEL. */
  readonly watch: Readonly<Record<string, string>>;
}

/** A silent engine shall not hold up what others do. ms */
const listPatience = 4_000;

interface RawListed {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly State?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** The cluster's own on that engine, whatever their state. */
export async function listContainers(
  client: EngineClient,
  cluster: string,
  { mesh }: Marks,
): Promise<readonly FoundContainer[]> {
  const query = { all: true, filters: clusterFilter(cluster, mesh) };
  const path = "/containers/json";
  const told = await client.call({ what: "list", path, query, timeout: listPatience });
  return (told as readonly RawListed[]).map(foundOf);
}

function foundOf({ Id, Names, State = "", Labels }: RawListed): FoundContainer {
  const own = Labels ?? {};
  return {
    id: Id,
    name: nameOf(Names?.[0] ?? ""),
    state: State,
    birth: own[labels.birth] ?? "",
    node: own[labels.node] ?? "",
    number: Number(own[labels.number] ?? 0),
    ordinal: Number(own[labels.ordinal] ?? 0),
  };
}

/** Makes it and starts it. One of that name that is ours is there already: then it is started. */
export async function makeContainer(
  { client, isWatched }: BookedEngine,
  cluster: Cluster,
  wanted: WantedContainer,
  marks: Marks,
): Promise<void> {
  const body = bodyOf(cluster, wanted, marks, isWatched);
  const spec = { name: wanted.name, body };
  const id = await createOrPull(client, spec, wanted.wish.image).catch((error: unknown) => {
    if (!hasStatus(error, 409)) throw error;
    return ownOf(client, cluster, wanted, marks, error);
  });
  await client.start(id);
}

/** An image that is not there is pulled: the engine may have a registry. */
export async function createOrPull(
  client: EngineClient,
  spec: CreateSpec,
  image: string,
): Promise<string> {
  try {
    return await client.create(spec);
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
    await client.pull(image);
    return await client.create(spec);
  }
}

/** Whoever was broken off has made it, or its answer was lost. */
async function ownOf(
  client: EngineClient,
  cluster: Cluster,
  wanted: WantedContainer,
  marks: Marks,
  refusal: EngineRefused,
): Promise<string> {
  const found = (await listContainers(client, cluster.id, marks)).find(
    ({ name, birth, node }) =>
      name === wanted.name && birth === cluster.birth && node === wanted.node,
  );
  if (found === undefined) throw refusal;
  return found.id;
}

const bodyOf = (
  cluster: Cluster,
  { wish, node, number, ordinal, origin }: WantedContainer,
  { mesh, watch }: Marks,
  isWatched: boolean,
): Readonly<Record<string, unknown>> => ({
  Image: wish.image,
  ...(wish.command.length === 0 ? {} : { Cmd: wish.command }),
  Env: Object.entries(wish.env).map(([name, value]) => `${name}=${value}`),
  Labels: {
    ...watch,
    ...labelsOf(cluster, mesh, number),
    [labels.node]: node,
    [labels.ordinal]: String(ordinal),
    ...(wish.uniqId === "" ? {} : { [labels.uniqId]: wish.uniqId }),
    ...(origin === "" ? {} : { [labels.origin]: origin }),
  },
  // On an engine that heartmesh watches, it revives what dies; on another one the engine has to.
  ...(isWatched ? {} : { HostConfig: { RestartPolicy: { Name: "unless-stopped" } } }),
});

/** Of whatever is made for a service. */
export const labelsOf = (
  { id, birth }: Pick<Cluster, "id" | "birth">,
  mesh: string,
  number: number,
): Readonly<Record<string, string>> => ({
  [labels.mesh]: mesh,
  [labels.cluster]: id,
  [labels.birth]: birth,
  [labels.number]: String(number),
});

export const clusterFilter = (cluster: string, mesh: string): string =>
  JSON.stringify({ label: [`${labels.cluster}=${cluster}`, `${labels.mesh}=${mesh}`] });

/** The engine said no, and would say so again: an image that is nowhere, a program that is not in it. */
export const isFinal = (error: unknown): error is EngineRefused =>
  error instanceof EngineRefused && error.status < 600;
