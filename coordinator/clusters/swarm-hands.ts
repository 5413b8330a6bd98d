// A cluster that is a Swarm: each part of a service is a service of the Swarm, which places its tasks itself.

import { containerName, type Cluster, type ContainerWish } from "../core/clusters/cluster.ts";
import { hasStatus, isUnavailable } from "../docker/engines.ts";
import { inSequence } from "../docker/out-of-sequence.ts";
import type { SwarmReading } from "../docker/swarm.ts";
import type { VerbEngine } from "../docker/swarm-verbs.ts";
import { birthLabel, clusterFilter, isFinal, labelsOf, type Marks } from "./engine-hands.ts";
import type { Brought, MayAct } from "./hands.ts";

interface RawService {
  readonly ID: string;
  readonly Version?: { readonly Index?: number };
  readonly Spec?: {
    readonly Name?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly TaskTemplate?: { readonly ForceUpdate?: number };
  };
  readonly ServiceStatus?: { readonly RunningTasks?: number; readonly DesiredTasks?: number };
}

interface Wanted {
  readonly name: string;
  readonly number: number;
  readonly part: number;
  readonly wish: ContainerWish;
  readonly replicas: number;
}

/** One service of the Swarm that belongs to a cluster. */
export interface SwarmPart {
  readonly name: string;
  readonly running: number;
  readonly desired: number;
}

export class SwarmHands {
  readonly #read: () => Promise<SwarmReading>;
  readonly #engines: readonly VerbEngine[];
  readonly #marks: Marks;

  /** @param ask.read which of the engines is a manager */
  constructor(ask: {
    readonly read: () => Promise<SwarmReading>;
    readonly engines: readonly VerbEngine[];
    readonly marks: Marks;
  }) {
    this.#read = ask.read;
    this.#engines = ask.engines;
    this.#marks = ask.marks;
  }

  async find(cluster: Cluster): Promise<readonly SwarmPart[]> {
    const manager = await this.#manager();
    if (typeof manager === "string") return [];
    return (await this.#list(manager, cluster)).map(({ Spec, ServiceStatus }) => ({
      name: Spec?.Name ?? "",
      running: ServiceStatus?.RunningTasks ?? 0,
      desired: ServiceStatus?.DesiredTasks ?? 0,
    }));
  }

  /** Safe to repeat, as that of engines. */
  async bring(cluster: Cluster, mayAct: MayAct): Promise<Brought> {
    try {
      const manager = await this.#manager();
      if (typeof manager === "string") return { kind: "waits", text: manager };
      return await this.#bringBy(manager, cluster, mayAct);
    } catch (error) {
      if (isUnavailable(error)) return { kind: "waits", text: error.detail };
      if (isFinal(error)) return { kind: "refused", text: error.detail };
      throw error;
    }
  }

  async #bringBy(manager: VerbEngine, cluster: Cluster, mayAct: MayAct): Promise<Brought> {
    const wanted = wantedOf(cluster);
    const isOurs = ({ Spec }: RawService): boolean => Spec?.Labels?.[birthLabel] === cluster.birth;
    const found = await this.#list(manager, cluster);
    const strays = found.filter(
      (one) => !isOurs(one) || !wanted.some(({ name }) => name === one.Spec?.Name),
    );
    for (const { ID } of strays) {
      if (!(await mayAct())) return halted;
      await gone(manager, ID);
    }
    for (const one of wanted) {
      const same = found.find(({ Spec, ID }) => {
        return Spec?.Name === one.name && !strays.some((stray) => stray.ID === ID);
      });
      if (!(await mayAct())) return halted;
      if (same === undefined) await this.#create(manager, cluster, one);
      else if (one.number < cluster.rebalancedAt) await force(manager, same, cluster.rebalancedAt);
    }
    return { kind: "done", swept: [], problems: [] };
  }

  async #create(manager: VerbEngine, cluster: Cluster, wanted: Wanted): Promise<void> {
    const { number, part, wish, name, replicas } = wanted;
    const own = { ...labelsOf(cluster, this.#marks.mesh, number), "heartmesh.part": String(part) };
    const env = Object.entries(wish.env).map(([key, value]) => `${key}=${value}`);
    const body = {
      Name: name,
      Labels: own,
      TaskTemplate: {
        ContainerSpec: {
          Image: wish.image,
          ...(wish.command.length === 0 ? {} : { Args: wish.command }),
          // Labels take no placeholder: a task's ordinal is its slot.
          Env: [...env, "HEARTMESH_ORDINAL={{.Task.Slot}}"],
          Labels: { ...this.#marks.watch, ...labelsOf(cluster, this.#marks.mesh, number) },
        },
      },
      Mode: { Replicated: { Replicas: replicas } },
    };
    try {
      const path = "/services/create";
      await manager.call({ what: "service create", method: "POST", path, body });
    } catch (error) {
      // Made by whoever was broken off, or its answer was lost.
      if (!hasStatus(error, 409)) throw error;
    }
  }

  async #list(manager: VerbEngine, { id }: Cluster): Promise<readonly RawService[]> {
    const query = { status: true, filters: clusterFilter(id, this.#marks.mesh) };
    const told = await manager.call({ what: "list of services", path: "/services", query });
    return told as readonly RawService[];
  }

  /** Or why there is none. */
  async #manager(): Promise<VerbEngine | string> {
    const reading = await this.#read();
    if (reading.kind !== "swarm") return reading.text;
    const found = this.#engines.find(({ host }) => host === reading.by);
    return found ?? `${reading.by} is not asked any more`;
  }
}

const halted: Brought = { kind: "waits", text: "another coordinator leads" };

function wantedOf({ id, services, isDeleting }: Cluster): readonly Wanted[] {
  if (isDeleting) return [];
  return services.flatMap(({ number, parts, replicas }) =>
    parts.map((wish, part) => ({
      ...{ name: containerName(id, number, part + 1), number, part, wish },
      replicas: replicas.filter((one) => one.part === part).length,
    })),
  );
}

async function gone(manager: VerbEngine, id: string): Promise<void> {
  try {
    await manager.call({ what: "service remove", method: "DELETE", path: `/services/${id}` });
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
}

/** The tasks are placed anew, once for each such index. */
async function force(manager: VerbEngine, { ID }: RawService, index: number): Promise<void> {
  await inSequence(async () => {
    const told = await manager.call({ what: "service", path: `/services/${ID}` });
    const { Spec, Version } = told as RawService;
    if ((Spec?.TaskTemplate?.ForceUpdate ?? 0) >= index) return;
    await manager.call({
      what: "service update",
      method: "POST",
      path: `/services/${ID}/update`,
      query: { version: Version?.Index ?? 0, registryAuthFrom: "spec" },
      body: { ...Spec, TaskTemplate: { ...Spec?.TaskTemplate, ForceUpdate: index } },
    });
  });
}
