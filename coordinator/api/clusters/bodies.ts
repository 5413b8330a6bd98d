// From a request's body to a call of the core.

import type { ClusterCall, ContainerWish } from "../../core/clusters/cluster.ts";
import { splitCommand } from "../../core/clusters/command-line.ts";
import { ApiProblem } from "../problem.ts";

export interface ContainerBody {
  readonly uniq_id?: string;
  readonly label?: string;
  readonly description?: string;
  readonly image?: string;
  readonly command?: string | readonly string[];
  readonly env?: Readonly<Record<string, string>> | readonly string[];
  readonly replicas?: number;
}

export interface ServiceBody {
  readonly container?: ContainerBody;
  readonly replicas?: number;
  readonly containers?: readonly ContainerBody[];
}

export interface NodeBody {
  readonly id?: string;
  readonly host?: string;
  readonly port: number;
  readonly capacity?: number;
  readonly spawn: boolean;
  readonly cluster?: string;
}

/** @param image where a container names none; may be empty */
export function serviceCall(
  { container, replicas = 1, containers = [] }: ServiceBody,
  image: string,
): ClusterCall {
  const all = [...(container === undefined ? [] : [{ ...container, replicas }]), ...containers];
  const ids = all.map(({ uniq_id: id }) => id).filter((id) => id !== undefined && id !== "");
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw new ApiProblem(400, `Two containers have the uniq_id ${twice}.`);
  const parts = all.map((one) => ({ wish: wishOf(one, image), replicas: one.replicas ?? 1 }));
  return { kind: "add-service", parts };
}

function wishOf(body: ContainerBody, standard: string): ContainerWish {
  const { uniq_id: uniqId = "", label, description = "", image = standard, command = [] } = body;
  if (image === "") {
    throw new ApiProblem(400, "A container needs an image: name one, or set CLUSTER_IMAGE.");
  }
  return {
    ...{ uniqId, image, label: label ?? description },
    command: typeof command === "string" ? wordsOf(command) : command,
    env: envOf(body.env ?? {}),
  };
}

function wordsOf(command: string): readonly string[] {
  const split = splitCommand(command);
  if (split.ok) return split.value;
  throw new ApiProblem(400, `The command cannot be taken apart: ${split.detail ?? ""}.`);
}

function envOf(env: NonNullable<ContainerBody["env"]>): Readonly<Record<string, string>> {
  const pairs = isList(env)
    ? env.map((one): [string, string] => {
        const at = one.indexOf("=");
        return [one.slice(0, at), one.slice(at + 1)];
      })
    : Object.entries(env);
  const wrong = pairs.find(([name]) => name === "" || name.includes("="));
  if (wrong !== undefined)
    throw new ApiProblem(400, "A variable's name is not empty and has no =.");
  return Object.fromEntries(pairs);
}

const isList = (env: NonNullable<ContainerBody["env"]>): env is readonly string[] =>
  Array.isArray(env);

/** @param spawnsEngines whether a spawned node is an engine of its own */
export function nodeCall(body: NodeBody, spawnsEngines: boolean): ClusterCall {
  const { cluster, capacity = 0, spawn, port } = body;
  if (cluster !== undefined) {
    const place = { kind: "cluster", cluster } as const;
    const id = body.id ?? cluster;
    return { kind: "add-node", node: { id, place, host: body.host ?? cluster, port, capacity: 0 } };
  }
  const { host } = body;
  if (host === undefined && !spawn) {
    throw new ApiProblem(
      400,
      "A node needs a host: an engine of DOCKER_HOST by its name, or an address.",
    );
  }
  if (host === undefined && body.id === undefined) {
    throw new ApiProblem(400, "A node that is spawned needs an id, or a host and a port.");
  }
  const place = { kind: !spawn ? "engine" : spawnsEngines ? "nested" : "logical" } as const;
  const id = body.id ?? idOf(host ?? "", port);
  return { kind: "add-node", node: { id, place, host: host ?? id, port, capacity } };
}

/** What of it may stand in an id, and the port. */
function idOf(host: string, port: number): string {
  const plain = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return `${plain.slice(0, 33)}${port === 0 ? "" : `-${port}`}` || "node";
}
