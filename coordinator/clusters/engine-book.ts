// Which engine a node's containers run on: one of DOCKER_HOST where it is named or at the same address, else one of our own by TCP.

import { coded } from "../errors.ts";
import type { Cluster, ClusterNode } from "../core/clusters/cluster.ts";
import { EngineClient } from "../docker/engines.ts";
import { endpointText, type Endpoint, type EngineSpec } from "../docker/endpoints.ts";

export interface BookedEngine {
  readonly client: EngineClient;
  /** Whether it is of DOCKER_HOST, so that what dies there is revived by heartmesh. */
  readonly isWatched: boolean;
}

const dockerPort = 2375;

export class EngineBook {
  readonly #watched: readonly EngineClient[];
  readonly #specs: readonly EngineSpec[];
  /** Ours, by address; those that have answered once. */
  readonly #own = new Map<string, EngineClient>();
  readonly #connected = new Set<EngineClient>();

  /** @param specs of the watched ones, in their order */
  constructor(watched: readonly EngineClient[], specs: readonly EngineSpec[]) {
    this.#watched = watched;
    this.#specs = specs;
  }

  /** Of DOCKER_HOST by its name; the first where none is named. Throws HM_ENGINE_UNAVAILABLE where there is none. */
  named(name: string): EngineClient {
    const found = name === "" ? this.#watched[0] : this.#watched.find(({ host }) => host === name);
    if (found !== undefined) return found;
    const known = this.#watched.map(({ host }) => host).join(", ");
    throw coded(
      "HM_ENGINE_UNAVAILABLE",
      name === ""
        ? "DOCKER_HOST names no engine"
        : `no engine is called ${name}; there are ${known}`,
    );
  }

  has(name: string): boolean {
    return this.#watched.some(({ host }) => host === name);
  }

  /** @param node that is no cluster */
  async of(cluster: Pick<Cluster, "engine">, node: ClusterNode): Promise<BookedEngine> {
    if (node.place.kind === "logical") {
      return { client: this.named(cluster.engine), isWatched: true };
    }
    if (this.has(node.host)) return { client: this.named(node.host), isWatched: true };
    const endpoint = endpointOf(node, this.#tls());
    const address = endpointText(endpoint);
    const at = this.#specs.findIndex(({ read }) => endpointText(read) === address);
    const watched = this.#watched[at];
    if (watched !== undefined) return { client: watched, isWatched: true };
    return { client: await this.#ownAt(address, endpoint), isWatched: false };
  }

  close(): void {
    for (const client of this.#own.values()) client.close();
    this.#own.clear();
  }

  async #ownAt(address: string, endpoint: Endpoint): Promise<EngineClient> {
    const known = this.#own.get(address);
    const client = known ?? new EngineClient({ name: address, read: endpoint, write: endpoint });
    this.#own.set(address, client);
    if (!this.#connected.has(client)) {
      await client.connect();
      this.#connected.add(client);
    }
    return client;
  }

  /** What TCP engines of DOCKER_HOST are reached by, others are too. */
  #tls(): Extract<Endpoint, { kind: "tcp" }>["tls"] {
    const [tls] = this.#specs.flatMap(({ read }) => (read.kind === "tcp" ? [read.tls] : []));
    return tls;
  }
}

function endpointOf(
  { host, port, place }: ClusterNode,
  tls: Extract<Endpoint, { kind: "tcp" }>["tls"],
): Endpoint {
  if (host.startsWith("unix:///")) return { kind: "unix", path: host.slice("unix://".length) };
  const isNested = place.kind === "nested";
  return {
    kind: "tcp",
    host,
    port: port === 0 ? dockerPort : port,
    tls: isNested ? undefined : tls,
  };
}
