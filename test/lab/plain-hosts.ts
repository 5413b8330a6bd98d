// Hosts without a Swarm, each an engine that answers at its own address: coordinators and agents as on a Swarm, containers started by hand.

import { runContainer, type ContainerWish } from "./containers.ts";
import { startEngine, type LabEngine } from "./engine.ts";
import { ensureImages } from "./images.ts";
import { Lan } from "./lan.ts";
import type { SwarmHost } from "./swarm.ts";
import { SwarmTrio } from "./swarm-trio.ts";
import { until } from "../waiting.ts";
import type { EventView, WorkerView } from "../../proto/rest.ts";

/** Those with a coordinator, and the one that has none and may be cut off. */
const names = ["h1", "h2", "h3", "h4"];
export const lonely = "h4";
const enginePort = 2375;

/** A container as its engine has it; also one that does not run. */
export interface Found {
  readonly host: string;
  readonly id: string;
  readonly state: string;
}

/** Resolves when a trio leads and watches every host. @param env of the coordinators */
export async function startPlainHosts(
  env: Readonly<Record<string, string>> = {},
): Promise<PlainHosts> {
  const lan = await Lan.create(names);
  const starting = names.map(async (name): Promise<SwarmHost> => {
    const address = lan.address(name);
    const engine = await startEngine({
      name,
      network: (netns) => lan.plug(name, netns),
      args: ["--host", `tcp://${address}:${enginePort}`, "--tls=false"],
    });
    return { name, address, engine, nodeId: "", isManager: name !== lonely };
  });
  const started = await Promise.allSettled(starting);
  const hosts = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    for (const one of started) if (one.status === "rejected") throw one.reason;
    await Promise.all(hosts.map(({ engine }) => ensureImages(engine, ["worker"])));
    const list = (port: number, scheme: string): string =>
      hosts.map(({ name, address }) => `${name}=${scheme}${address}:${port}`).join(",");
    const trio = await SwarmTrio.start(
      { hosts },
      {
        DOCKER_HOST: list(enginePort, "tcp://"),
        HOSTS: list(8888, ""),
        VERIFY_WINDOW: "1",
        ...env,
      },
    );
    return new PlainHosts(lan, hosts, trio);
  } catch (error) {
    await stopAll(lan, hosts);
    throw error;
  }
}

async function stopAll(lan: Lan, hosts: readonly SwarmHost[]): Promise<void> {
  // Their containers are not asked to end.
  await Promise.all(hosts.map(({ engine }) => engine.powerOff().then(() => engine.stop())));
  await lan.stop();
}

export class PlainHosts {
  readonly trio: SwarmTrio;
  readonly #lan: Lan;
  readonly #hosts: readonly SwarmHost[];

  constructor(lan: Lan, hosts: readonly SwarmHost[], trio: SwarmTrio) {
    this.#lan = lan;
    this.#hosts = hosts;
    this.trio = trio;
  }

  engine(host: string): LabEngine {
    return this.#host(host).engine;
  }

  address(host: string): string {
    return this.#host(host).address;
  }

  #host(host: string): SwarmHost {
    const known = this.#hosts.find(({ name }) => name === host);
    if (known === undefined) throw new Error(`there is no host ${host}`);
    return known;
  }

  /** A worker that may move; resolves to its id when every coordinator watches it. */
  async runMovable(host: string, wish: ContainerWish): Promise<string> {
    const labels = { role: "node", "heartmesh.migrate": "true", ...wish.labels };
    const id = await runContainer(this.engine(host), { ...wish, labels });
    await until(
      `${wish.name} is watched`,
      async () => {
        const on = this.#hosts.filter(({ isManager }) => isManager);
        const all = await Promise.all(
          on.map(({ name }) => this.trio.get<readonly WorkerView[]>(name, "workers")),
        );
        return all.every((workers) => workers.some((one) => one.id === `${host}/${wish.name}`));
      },
      60_000,
      200,
    );
    return id;
  }

  /** All of that name, by the word of the engines themselves, also of one that is cut off. */
  async find(name: string): Promise<readonly Found[]> {
    const all = await Promise.all(
      this.#hosts.map(async ({ name: host, engine }) => {
        const words = ["ps", "-a", "--no-trunc", "--filter", `name=^/?${name}$`];
        const ran = await engine.docker(...words, "--format", "{{.ID}} {{.State}}");
        return ran.stdout
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => {
            const [id = "", state = ""] = line.split(" ");
            return { host, id, state };
          });
      }),
    );
    return all.flat();
  }

  /** Waits until those of that name are so. */
  untilFound(
    what: string,
    name: string,
    isSo: (found: readonly Found[]) => boolean,
    patience = 60_000,
  ): Promise<readonly Found[]> {
    return until(
      `${name}: ${what}`,
      async () => {
        const found = await this.find(name);
        return isSo(found) ? found : undefined;
      },
      patience,
      100,
    );
  }

  /** When it ended, or began, by its engine's record; wall-clock ms. */
  async instantOf({ host, id }: Found, field: "FinishedAt" | "StartedAt"): Promise<number> {
    const words = ["inspect", "--format", `{{.State.${field}}}`, id];
    return Date.parse((await this.engine(host).docker(...words)).stdout.trim());
  }

  /** Events of the container's move since then, oldest first, by all coordinators that can be asked. */
  async told(host: string, name: string, since: number): Promise<readonly EventView[]> {
    const on = this.#hosts.filter(({ isManager }) => isManager);
    const all = await Promise.all(on.map((one) => this.trio.events(one.name).catch(() => [])));
    return all
      .flat()
      .filter(({ worker, atMs }) => worker === `plain:${host}/${name}` && atMs >= since)
      .sort((a, b) => a.atMs - b.atMs);
  }

  untilTold(host: string, name: string, kind: string, since: number): Promise<EventView> {
    return until(
      `${name}: ${kind}`,
      async () => (await this.told(host, name, since)).find((event) => event.kind === kind),
      60_000,
      60,
    );
  }

  /** Nothing comes from it and nothing arrives there, and nobody is told. */
  cut(host: string): Promise<void> {
    return this.#lan.harm(host, { cut: "both" });
  }

  /** Resolves when every coordinator calls it healthy again. */
  async heal(host: string): Promise<void> {
    const since = Date.now();
    await this.#lan.heal(host);
    await this.trio.verdict(host, "healthy", since, 60_000);
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.trio.stop();
    await stopAll(this.#lan, this.#hosts);
  }
}
