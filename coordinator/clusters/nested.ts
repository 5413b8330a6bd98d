// A node that is spawned where CLUSTER_NODE_IMAGE says how: an engine inside a privileged container of the cluster's own engine.

import type { Cluster, ClusterNode } from "../core/clusters/cluster.ts";
import { coded } from "../errors.ts";
import type { EngineClient } from "../docker/engines.ts";
import { birthLabel, createOrPull, isFinal } from "./engine-hands.ts";

const nodeLabel = "heartmesh.cluster-engine";
const enginePort = 2375;

const nestedName = (cluster: string, node: string): string => `hm-node-${cluster}-${node}`;

/** Makes the container of the node's engine where it is not there, and starts it where it does not run. */
export async function ensureNested(
  client: EngineClient,
  { id, birth }: Cluster,
  node: ClusterNode,
  image: string,
): Promise<void> {
  const name = nestedName(id, node.id);
  const found = await client.inspect(name);
  if (found?.state === "running") return;
  if (found !== undefined) {
    await client.start(found.id);
    return;
  }
  const body = {
    Image: image,
    // Without it the image of Docker itself makes certificates and listens by TLS alone.
    Env: ["DOCKER_TLS_CERTDIR="],
    Labels: { [nodeLabel]: id, [birthLabel]: birth },
    HostConfig: { Privileged: true, RestartPolicy: { Name: "unless-stopped" } },
  };
  const made = await createOrPull(client, { name, body }, image);
  try {
    await client.start(made);
  } catch (error) {
    // It has never run: nothing is lost with it. Where no answer came it may run by now.
    if (isFinal(error)) await removeNested(client, id, node.id).catch(() => undefined);
    throw error;
  }
}

/** Whether an engine that said this starts no privileged container, by its rights or by what guards it. */
export const isForbidden = (text: string): boolean =>
  /operation not permitted|permission denied|privileged|HTTP 403/i.test(text);

/** Where its engine answers. Throws HM_ENGINE_UNAVAILABLE where it has no address. */
export async function nestedAddress(
  client: EngineClient,
  cluster: string,
  node: string,
): Promise<{ readonly host: string; readonly port: number }> {
  const name = nestedName(cluster, node);
  const raw = await client.inspectRaw(name);
  const networks = Object.values(raw?.NetworkSettings?.Networks ?? {});
  const host = networks.map(({ IPAddress = "" }) => IPAddress).find((address) => address !== "");
  if (host === undefined) {
    throw coded("HM_ENGINE_UNAVAILABLE", `${client.host}: container ${name} has no address`);
  }
  return { host, port: enginePort };
}

/** With all that is in it. */
export async function removeNested(
  client: EngineClient,
  cluster: string,
  node: string,
): Promise<void> {
  const found = await client.inspect(nestedName(cluster, node));
  if (found === undefined) return;
  await client.remove(found.id, { volumes: true });
}
