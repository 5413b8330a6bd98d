// A Swarm on which services are moved: three managers with the mesh, and two workers, one primary and one secondary, that may fall out without a word of Swarm's own managers.

import type { EventView, RecoveryView } from "../../proto/rest.ts";
import { startSwarm, type SwarmLab } from "./swarm.ts";
import { SwarmTrio } from "./swarm-trio.ts";
import { until } from "../waiting.ts";

/** Where primary services are, and where they go. */
export const primary = "h4";
export const secondary = "h5";

export const tied = ["--constraint", "node.labels.type==primary"];

export interface Moving {
  readonly lab: SwarmLab;
  readonly trio: SwarmTrio;
  /** How many containers of the service really run on these hosts; of all that are not cut off or without power unless given. */
  readonly count: (service: string, hosts?: readonly string[]) => Promise<number>;
  /** Waits until exactly so many run on these hosts; how long it took, ms. */
  readonly untilOn: (
    hosts: readonly string[],
    service: string,
    count: number,
    patience?: number,
  ) => Promise<number>;
  /** What the Swarm holds of the service: its placement, update settings and labels. */
  readonly spec: (service: string) => Promise<ServiceSpec>;
  /** Events of one service since then, oldest first, by all coordinators that can be asked. */
  readonly told: (service: string, since: number) => Promise<readonly EventView[]>;
  /** Waits for an event of the service since then. */
  readonly untilTold: (
    service: string,
    kind: string,
    since: number,
    patience?: number,
  ) => Promise<EventView>;
  readonly recoveries: () => Promise<readonly RecoveryView[]>;
  readonly stop: () => Promise<void>;
}

export interface ServiceSpec {
  readonly constraints: readonly string[];
  readonly update: Readonly<Record<string, unknown>> | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
}

interface RawSpec {
  readonly Labels?: Readonly<Record<string, string>>;
  readonly UpdateConfig?: Readonly<Record<string, unknown>>;
  readonly TaskTemplate: {
    readonly Placement?: { readonly Constraints?: readonly string[] };
    readonly ContainerSpec: { readonly Env?: readonly string[] };
  };
}

export async function startMoving(env: Readonly<Record<string, string>> = {}): Promise<Moving> {
  const labels = { [primary]: { type: "primary" }, [secondary]: { type: "secondary" } };
  const lab = await startSwarm({ hosts: 5, managers: 3, labels, images: ["worker"] });
  try {
    // Each coordinator may ask every manager.
    const engines = lab.hosts.flatMap(({ isManager, engine }) => (isManager ? engine.host : []));
    const common = { VERIFY_WINDOW: "1", DOCKER_HOST: engines.join() };
    const trio = await SwarmTrio.start(lab, { ...common, ...env });
    return { lab, trio, ...looks(lab, trio), stop: () => trio.stop().finally(() => lab.stop()) };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

function looks(lab: SwarmLab, trio: SwarmTrio): Omit<Moving, "lab" | "trio" | "stop"> {
  const names = lab.hosts.map(({ name }) => name);
  const count: Moving["count"] = async (service, hosts = names) => {
    const all = await Promise.all(hosts.map((host) => lab.containers(host, service)));
    return all.flat().length;
  };
  const told: Moving["told"] = async (service, since) => {
    const managers = lab.hosts.filter(({ isManager }) => isManager);
    const page = `events?limit=1000&worker=${encodeURIComponent(`swarm:${service}`)}`;
    const all = await Promise.all(
      managers.map(({ name }) => trio.get<readonly EventView[]>(name, page).catch(() => [])),
    );
    return all
      .flat()
      .filter(({ atMs }) => atMs >= since)
      .sort((a, b) => a.atMs - b.atMs);
  };
  return {
    count,
    told,
    async untilOn(hosts, service, wanted, patience = 30_000) {
      const begun = performance.now();
      const isSo = async (): Promise<boolean> => (await count(service, hosts)) === wanted;
      const what = `${wanted} of ${service} on ${hosts.join(", ")}`;
      await until(what, async () => (await isSo()) || undefined, patience, 60);
      return performance.now() - begun;
    },
    async spec(service) {
      const words = ["service", "inspect", "--format", "{{json .Spec}}", service];
      const raw = JSON.parse(await lab.docker(...words)) as RawSpec;
      return {
        constraints: raw.TaskTemplate.Placement?.Constraints ?? [],
        update: raw.UpdateConfig ?? null,
        labels: raw.Labels ?? {},
        env: raw.TaskTemplate.ContainerSpec.Env ?? [],
      };
    },
    async untilTold(service, kind, since, patience = 30_000) {
      const find = async (): Promise<EventView | undefined> =>
        (await told(service, since)).find((event) => event.kind === kind);
      try {
        return await until(`${service}: ${kind}`, find, patience, 60);
      } catch (cause) {
        const all = (await told(service, since)).map(({ atMs, kind: one, text }) => {
          return `${atMs - since} ${one}: ${text}`;
        });
        throw new Error(`${service}: no ${kind}, but ${all.join("; ")}`, { cause });
      }
    },
    recoveries: async () => trio.get(await trio.leader(), "recoveries?limit=100"),
  };
}
