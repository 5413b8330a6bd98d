// What a person asks of a Swarm, told to one of its managers. Every change is written on the version that was read.

import type {
  SwarmChange,
  SwarmInfo,
  SwarmJoinToken,
  SwarmLogLine,
  SwarmNodeRow,
  SwarmServiceRow,
  SwarmTaskRow,
} from "../../proto/swarm-rest.ts";
import type { SwarmRows } from "../core/swarm-grades.ts";
import { setAvailability, type Availability, type NodeEngine } from "./availability.ts";
import type { EngineClient } from "./engines.ts";
import { LogLines, serviceLine } from "./log-lines.ts";
import { inSequence } from "./out-of-sequence.ts";
import {
  joinToken,
  nodeRow,
  serviceRow,
  taskRow,
  type RawNodeRow,
  type RawServiceRow,
  type RawSwarmInfo,
  type RawSwarmObject,
  type RawTaskRow,
} from "./swarm-rows.ts";

/** What is made of an engine. */
export type VerbEngine = NodeEngine &
  Pick<EngineClient, "call" | "stream" | "commandLine" | "endpoint">;

/** A person's word that the Swarm as it is does not bear. `missing`: there is no such thing. */
export class VerbRefused extends Error {
  readonly kind: "missing" | "conflict";

  constructor(kind: VerbRefused["kind"], text: string) {
    super(text);
    this.kind = kind;
  }
}

/** A change that was decided on what was seen of the service, and holds for nothing else. */
export interface DecidedScale {
  /** The version that was seen. */
  readonly updatedAt: string;
  /** Written in the same update. */
  readonly labels: Readonly<Record<string, string>>;
  /** Asked right before it is written. */
  readonly mayAct: () => boolean;
}

/** Nodes by host name, services by name. */
export interface AllRows extends SwarmRows {
  readonly tasks: readonly SwarmTaskRow[];
}

/** Of lines that are told at once. */
const logPatience = 5_000;

type ServiceSpec = NonNullable<RawServiceRow["Spec"]>;

export class SwarmVerbs {
  /** A manager; for `init` and `join` one that is none yet. */
  readonly engine: VerbEngine;

  constructor(engine: VerbEngine) {
    this.engine = engine;
  }

  async info(): Promise<SwarmInfo> {
    const [told, nodes] = await Promise.all([
      this.engine.call({ what: "info", path: "/info" }),
      this.#rawNodes(),
    ]);
    // Not of `/swarm`, which gives the tokens away and which a proxy may keep back.
    const { NodeID = "", NodeAddr = "", Cluster: swarm = {} } = (told as RawSwarmInfo).Swarm ?? {};
    return {
      id: swarm.ID ?? "",
      engine: this.engine.host,
      nodeId: NodeID,
      address: NodeAddr,
      nodes: nodes.length,
      managers: nodes.filter(({ Spec }) => Spec?.Role === "manager").length,
      createdAt: swarm.CreatedAt ?? "",
      updatedAt: swarm.UpdatedAt ?? "",
    };
  }

  /** @returns the new node's id */
  async init(advertiseAddr: string): Promise<string> {
    const body = { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: advertiseAddr };
    const told = await this.engine.call({
      what: "swarm init",
      method: "POST",
      path: "/swarm/init",
      body,
    });
    return String(told);
  }

  async join(remoteAddrs: readonly string[], token: string, advertiseAddr: string): Promise<void> {
    const body = {
      ListenAddr: "0.0.0.0:2377",
      ...(advertiseAddr === "" ? {} : { AdvertiseAddr: advertiseAddr }),
      RemoteAddrs: remoteAddrs,
      JoinToken: token,
    };
    // The engine itself gives up after 20 s, and goes on in the background.
    const timeout = 25_000;
    await this.engine.call({
      what: "swarm join",
      method: "POST",
      path: "/swarm/join",
      body,
      timeout,
    });
  }

  async leave(force: boolean): Promise<void> {
    const query = { force };
    await this.engine.call({ what: "swarm leave", method: "POST", path: "/swarm/leave", query });
  }

  async joinToken(role: SwarmJoinToken["role"]): Promise<SwarmJoinToken> {
    const [swarm, nodes] = await Promise.all([this.#swarm(), this.#rawNodes()]);
    return joinToken(swarm, role, nodes);
  }

  async nodes(): Promise<readonly SwarmNodeRow[]> {
    const [nodes, tasks] = await Promise.all([this.#rawNodes(), this.#rawTasks()]);
    return nodes.map((node) => nodeRow(node, tasks)).sort(byHost);
  }

  /** By id, or by host name where one alone has it. */
  async node(asked: string): Promise<SwarmNodeRow> {
    const [raw, tasks] = await Promise.all([this.#rawNode(asked), this.#rawTasks()]);
    return nodeRow(raw, tasks);
  }

  async setAvailability(asked: string, wanted: Availability | "pause"): Promise<SwarmChange> {
    const { ID, Description } = await this.#rawNode(asked);
    const before = await setAvailability(this.engine, ID, wanted);
    const name = Description?.Hostname ?? ID;
    const text = before === wanted ? `${name} is ${wanted} already` : `${name} is ${wanted} now`;
    return { text, before, after: wanted };
  }

  async removeNode(asked: string, force: boolean): Promise<SwarmChange> {
    const raw = await this.#rawNode(asked);
    const name = raw.Description?.Hostname ?? raw.ID;
    const query = { force };
    const path = `/nodes/${raw.ID}`;
    await this.engine.call({ what: "node remove", method: "DELETE", path, query });
    const before = `${raw.Spec?.Role ?? "worker"}, ${raw.Status?.State ?? "unknown"}`;
    return { text: `${name} is removed from the Swarm`, before, after: "" };
  }

  async services(): Promise<readonly SwarmServiceRow[]> {
    const services = await this.#rawServices();
    return services.map(serviceRow).sort(byService);
  }

  /** Throws `VerbRefused` where the service, or who asks, is not what `decided` says any more. */
  async scale(name: string, replicas: number, decided?: DecidedScale): Promise<SwarmChange> {
    return await this.#update(name, (spec, { UpdatedAt = "" }) => {
      if (decided !== undefined && (UpdatedAt !== decided.updatedAt || !decided.mayAct())) {
        throw new VerbRefused("conflict", `${name}, or who leads, has changed meanwhile`);
      }
      const own = spec.Mode?.Replicated;
      if (own === undefined) {
        const why = "is not replicated: how many tasks it has is not a number that is set";
        throw new VerbRefused("conflict", `${name} ${why}`);
      }
      const before = String(own.Replicas ?? 1);
      const after = String(replicas);
      const Labels = { ...spec.Labels, ...decided?.labels };
      const next = { ...spec, Labels, Mode: { Replicated: { ...own, Replicas: replicas } } };
      return {
        spec: next,
        before,
        after,
        text: `${name} has ${after} replicas, and had ${before}`,
      };
    });
  }

  async setImage(name: string, image: string): Promise<SwarmChange> {
    return await this.#update(name, (spec) => {
      const { TaskTemplate } = spec;
      const before = TaskTemplate?.ContainerSpec?.Image ?? "";
      const container = { ...TaskTemplate?.ContainerSpec, Image: image };
      const next = { ...spec, TaskTemplate: { ...TaskTemplate, ContainerSpec: container } };
      return { spec: next, before, after: image, text: `${name} is updated to ${image}` };
    });
  }

  async removeService(name: string): Promise<SwarmChange> {
    const { ID, Spec } = await this.#rawService(name);
    await this.engine.call({ what: "service remove", method: "DELETE", path: `/services/${ID}` });
    const before = Spec?.TaskTemplate?.ContainerSpec?.Image ?? "";
    return { text: `${Spec?.Name ?? name} is removed`, before, after: "" };
  }

  /** Newest first. */
  async tasks(name: string): Promise<readonly SwarmTaskRow[]> {
    const [service, tasks, nodes] = await Promise.all([
      this.#rawService(name),
      this.#rawTasks(),
      this.#rawNodes(),
    ]);
    const hosts = hostnames(nodes);
    return tasks
      .filter(({ ServiceID }) => ServiceID === service.ID)
      .map((task) => {
        const hostname = hosts.get(task.NodeID ?? "") ?? "";
        return taskRow(task, { service: service.Spec?.Name ?? "", hostname });
      })
      .sort(newestFirst);
  }

  /** The last so many lines, oldest first. */
  async logs(name: string, tail: number): Promise<readonly SwarmLogLine[]> {
    const abort = new AbortController();
    const lines: SwarmLogLine[] = [];
    const stream = await this.follow(name, tail, abort.signal, false);
    const timer = setTimeout(() => {
      // A host that is away holds its part back; the others' is there.
      stream.destroy();
    }, logPatience);
    stream.on("data", (line: SwarmLogLine) => lines.push(line));
    await new Promise<void>((resolve) => stream.once("close", resolve));
    clearTimeout(timer);
    abort.abort();
    return lines.sort((a, b) => a.at.localeCompare(b.at)).slice(-tail);
  }

  /** A stream of `SwarmLogLine`s, until the signal or its `destroy`. */
  async follow(name: string, tail: number, signal: AbortSignal, goesOn = true): Promise<LogLines> {
    const { ID } = await this.#rawService(name);
    const query = {
      stdout: true,
      stderr: true,
      timestamps: true,
      details: true,
      follow: goesOn,
      tail,
    };
    const bytes = await this.engine.stream("logs", `/services/${ID}/logs`, query, signal);
    const lines = new LogLines(serviceLine);
    bytes.on("error", () => lines.end());
    lines.on("close", () => bytes.destroy());
    return bytes.pipe(lines);
  }

  /** All that its health, its numbers and its scaling are made of. */
  async rows(): Promise<AllRows> {
    const [nodes, services, tasks] = await Promise.all([
      this.#rawNodes(),
      this.#rawServices(),
      this.#rawTasks(),
    ]);
    const hosts = hostnames(nodes);
    const names = new Map(services.map(({ ID, Spec }) => [ID, Spec?.Name ?? ""]));
    return {
      nodes: nodes.map((node) => nodeRow(node, tasks)).sort(byHost),
      services: services.map(serviceRow).sort(byService),
      tasks: tasks.map((task) =>
        taskRow(task, {
          service: names.get(task.ServiceID ?? "") ?? "",
          hostname: hosts.get(task.NodeID ?? "") ?? "",
        }),
      ),
    };
  }

  async #update(
    name: string,
    change: (spec: ServiceSpec, raw: RawServiceRow) => SwarmChange & { readonly spec: object },
  ): Promise<SwarmChange> {
    return await inSequence(async () => {
      const raw = await this.#rawService(name);
      const { ID, Spec, Version } = raw;
      const { spec, ...told } = change(Spec ?? {}, raw);
      await this.engine.call({
        what: "service update",
        method: "POST",
        path: `/services/${ID}/update`,
        query: { version: Version?.Index ?? 0, registryAuthFrom: "spec" },
        body: spec,
      });
      return told;
    });
  }

  async #swarm(): Promise<RawSwarmObject> {
    return (await this.engine.call({ what: "swarm", path: "/swarm" })) as RawSwarmObject;
  }

  async #rawNodes(): Promise<readonly RawNodeRow[]> {
    const told = await this.engine.call({ what: "list of nodes", path: "/nodes" });
    return told as readonly RawNodeRow[];
  }

  async #rawNode(asked: string): Promise<RawNodeRow> {
    const nodes = await this.#rawNodes();
    const named = nodes.filter(({ Description }) => Description?.Hostname === asked);
    const found = nodes.find(({ ID }) => ID === asked) ?? named[0];
    if (found === undefined) throw new VerbRefused("missing", `the Swarm has no node ${asked}`);
    if (found.ID !== asked && named.length > 1) {
      const ids = named.map(({ ID }) => ID).join(", ");
      throw new VerbRefused(
        "conflict",
        `${named.length} nodes are called ${asked}; say which: ${ids}`,
      );
    }
    return found;
  }

  async #rawServices(): Promise<readonly RawServiceRow[]> {
    const query = { status: true };
    const told = await this.engine.call({ what: "list of services", path: "/services", query });
    return told as readonly RawServiceRow[];
  }

  async #rawService(asked: string): Promise<RawServiceRow> {
    const services = await this.#rawServices();
    const found = services.find(({ ID, Spec }) => ID === asked || Spec?.Name === asked);
    if (found === undefined) throw new VerbRefused("missing", noService(asked));
    return found;
  }

  async #rawTasks(): Promise<readonly RawTaskRow[]> {
    const told = await this.engine.call({ what: "list of tasks", path: "/tasks" });
    return told as readonly RawTaskRow[];
  }
}

const byName =
  <Row>(nameOf: (row: Row) => string) =>
  (a: Row, b: Row): number =>
    nameOf(a).localeCompare(nameOf(b), "en", { numeric: true });

const byHost = byName<SwarmNodeRow>(({ hostname }) => hostname);
const byService = byName<SwarmServiceRow>(({ name }) => name);
const newestFirst = (a: SwarmTaskRow, b: SwarmTaskRow): number =>
  b.createdAt.localeCompare(a.createdAt);

/** Newest first. Throws `VerbRefused` where there is no such service. */
export function tasksOfService({ services, tasks }: AllRows, asked: string): SwarmTaskRow[] {
  const found = services.find(({ id, name }) => id === asked || name === asked);
  if (found === undefined) throw new VerbRefused("missing", noService(asked));
  return tasks.filter(({ service }) => service === found.name).sort(newestFirst);
}

/** Newest first, by the node's id or host name. Throws `VerbRefused` where there is no such node. */
export function tasksOfNode({ nodes, tasks }: AllRows, asked: string): SwarmTaskRow[] {
  const found = nodes.find(({ id, hostname }) => id === asked || hostname === asked);
  if (found === undefined) throw new VerbRefused("missing", `the Swarm has no node ${asked}`);
  return tasks.filter(({ nodeId }) => nodeId === found.id).sort(newestFirst);
}

const noService = (asked: string): string => `the Swarm has no service ${asked}`;

const hostnames = (nodes: readonly RawNodeRow[]): ReadonlyMap<string, string> =>
  new Map(nodes.map(({ ID, Description }) => [ID, Description?.Hostname ?? ""]));
