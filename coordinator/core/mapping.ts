// Which container an agent's name means, and which containers belong to a worker: exact matches or none (design rule 4).

import type { ContainerView } from "./worker.ts";

export const agentLabel = "heartmesh.agent";
export const workerNameLabel = "heartmesh.worker";
export const roleLabel = "heartmesh.role";
export const swarmTaskLabel = "com.docker.swarm.task.id";

/** `key=value` or `key`, as in WORKER_LABEL; any of them marks a worker. */
export function hasWorkerLabel(view: ContainerView, workerLabels: readonly string[]): boolean {
  return workerLabels.some((label) => {
    const split = label.indexOf("=");
    if (split < 0) return label in view.labels;
    return view.labels[label.slice(0, split)] === label.slice(split + 1);
  });
}

export const isAgent = (view: ContainerView): boolean => view.labels[agentLabel] === "true";

export const isSwarmTask = (view: ContainerView): boolean => swarmTaskLabel in view.labels;

/** The project and service that Compose wrote; undefined for a container that is not Compose's. */
export function composeOf(
  view: Pick<ContainerView, "labels">,
): { readonly project: string; readonly service: string; readonly number: string } | undefined {
  const project = view.labels["com.docker.compose.project"];
  const service = view.labels["com.docker.compose.service"];
  if (project === undefined || service === undefined) return undefined;
  return { project, service, number: view.labels["com.docker.compose.container-number"] ?? "1" };
}

/** The id of the container whose network namespace this one has joined. */
export function joined(view: ContainerView): string | undefined {
  return view.networkMode.startsWith("container:") ? view.networkMode.slice(10) : undefined;
}

/** All containers of a worker's network namespace, and where its addresses are. */
export interface Namespace {
  /** The container that owns the namespace: the worker itself, or the one that it joined. */
  readonly owner: ContainerView | undefined;
  readonly members: readonly ContainerView[];
}

export function namespaceOf(worker: ContainerView, all: readonly ContainerView[]): Namespace {
  const ownerId = joined(worker) ?? worker.id;
  const owner = ownerId === worker.id ? worker : all.find((view) => isSameId(view.id, ownerId));
  const members = all.filter((view) => {
    const other = joined(view);
    return (
      view.id !== worker.id &&
      (isSameId(view.id, ownerId) || (other !== undefined && isSameId(other, ownerId)))
    );
  });
  return { owner, members };
}

const isSameId = (a: string, b: string): boolean => a === b || (b.length >= 12 && a.startsWith(b));

export type AgentMatch =
  | { readonly kind: "one"; readonly agent: ContainerView }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly agents: readonly ContainerView[] };

/** The agent's container of a worker: in its network namespace, or naming it by `heartmesh.worker`. */
export function agentOf(worker: ContainerView, all: readonly ContainerView[]): AgentMatch {
  const named = all.filter(
    (view) => isAgent(view) && view.labels[workerNameLabel] === worker.name && isAlive(view),
  );
  const beside = namespaceOf(worker, all).members.filter(
    (view) => isAgent(view) && (view.labels[workerNameLabel] ?? worker.name) === worker.name,
  );
  const agents = [...new Set([...named, ...beside])];
  const [first] = agents;
  if (first === undefined) return { kind: "none" };
  return agents.length === 1 ? { kind: "one", agent: first } : { kind: "several", agents };
}

/** Compose leaves the container that it replaces for a moment beside its successor; one that is being removed matches nothing. */
const isAlive = (view: ContainerView): boolean => view.state !== "removing";

export type NameMatch =
  | { readonly kind: "one"; readonly container: ContainerView }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly containers: readonly ContainerView[] };

/**
 * The worker that an agent's name means, in this order: `heartmesh.worker` of the worker, container name, Compose service and
 * index (`web`, `web-1`, `web_1`, `project-web-1`), the host name (of the worker, or of its agent's container).
 */
export function containerNamed(
  name: string,
  workers: readonly {
    readonly container: ContainerView;
    readonly agent: ContainerView | undefined;
  }[],
): NameMatch {
  const rules: readonly ((view: ContainerView, agent: ContainerView | undefined) => boolean)[] = [
    (view) => view.labels[workerNameLabel] === name,
    (view) => view.name === name,
    (view) => isComposeName(view, name),
    (view, agent) =>
      isHostname(view, name) ||
      (agent !== undefined && (agent.name === name || isHostname(agent, name))),
  ];
  for (const rule of rules) {
    const matches = workers.filter(({ container, agent }) => rule(container, agent));
    const [first] = matches;
    if (first === undefined) continue;
    if (matches.length === 1) return { kind: "one", container: first.container };
    return { kind: "several", containers: matches.map(({ container }) => container) };
  }
  return { kind: "none" };
}

function isComposeName(view: ContainerView, name: string): boolean {
  const compose = composeOf(view);
  if (compose === undefined) return false;
  const { project, service, number } = compose;
  return [
    service,
    `${service}-${number}`,
    `${service}_${number}`,
    `${project}-${service}-${number}`,
    `${project}_${service}_${number}`,
  ].includes(name);
}

function isHostname(view: ContainerView, name: string): boolean {
  return view.hostname === name || (name.length === 12 && view.id.startsWith(name));
}
