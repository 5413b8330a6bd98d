// Which container an agent's name means, and which containers belong to a worker: exact matches or none (design rule 4).

import type { WorkerId } from "../../proto/units.ts";
import { slotNames } from "./swarm-task.ts";
import type { ContainerView, WorkerSpec } from "./worker.ts";

const agentLabel = "heartmesh.agent";
const workerNameLabel = "heartmesh.worker";
export const roleLabel = "heartmesh.role";

/** `key=value` or `key`, as in WORKER_LABEL; any of them marks a worker. */
export function hasWorkerLabel(view: ContainerView, workerLabels: readonly string[]): boolean {
  return workerLabels.some((label) => {
    const split = label.indexOf("=");
    if (split < 0) return label in view.labels;
    return view.labels[label.slice(0, split)] === label.slice(split + 1);
  });
}

export const isAgent = (view: ContainerView): boolean => view.labels[agentLabel] === "true";

/** The project and service that Compose wrote; undefined for a container that is not Compose's. */
export function composeOf(
  view: Pick<ContainerView, "labels">,
): { readonly project: string; readonly service: string; readonly number: string } | undefined {
  const project = view.labels["com.docker.compose.project"];
  const service = view.labels["com.docker.compose.service"];
  if (project === undefined || service === undefined) return undefined;
  return { project, service, number: view.labels["com.docker.compose.container-number"] ?? "1" };
}

/** The Compose projects of the containers with this host name: of the process's own container. */
export function projectsOf(hostname: string, all: Iterable<ContainerView>): readonly string[] {
  const own = [...all].filter((view) => view.hostname === hostname);
  return own.flatMap((view) => composeOf(view)?.project ?? []);
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

/** What is looked up for every worker of a host, found once for all of them. */
interface HostIndex {
  readonly byReference: ReadonlyMap<string, ContainerView>;
  /** Containers by the id of the one that owns their network namespace; the owner is not among them. */
  readonly joinedTo: ReadonlyMap<string, readonly ContainerView[]>;
  /** Agents by the worker's name in their label. */
  readonly agentsOf: ReadonlyMap<string, readonly ContainerView[]>;
}

const indexes = new WeakMap<readonly ContainerView[], HostIndex>();

function indexOf(all: readonly ContainerView[]): HostIndex {
  const known = indexes.get(all);
  if (known !== undefined) return known;
  const byReference = new Map<string, ContainerView>();
  for (const view of all) byReference.set(view.name, view);
  // A short id, as some tools write it, means the same as the whole one.
  for (const view of all) byReference.set(view.id, view).set(view.id.slice(0, 12), view);
  const joinedTo = new Map<string, ContainerView[]>();
  const agentsOf = new Map<string, ContainerView[]>();
  for (const view of all) {
    const other = joined(view);
    if (other !== undefined) append(joinedTo, byReference.get(other)?.id ?? other, view);
    const named = view.labels[workerNameLabel];
    if (named !== undefined && isAgent(view) && isAlive(view)) append(agentsOf, named, view);
  }
  const index = { byReference, joinedTo, agentsOf };
  indexes.set(all, index);
  return index;
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

/** @param all every container of its host, in an array that is not changed afterwards */
export function namespaceOf(worker: ContainerView, all: readonly ContainerView[]): Namespace {
  const { byReference, joinedTo } = indexOf(all);
  const other = joined(worker);
  const owner = other === undefined ? worker : byReference.get(other);
  const members = (joinedTo.get(owner?.id ?? other ?? "") ?? []).filter(
    ({ id }) => id !== worker.id,
  );
  return {
    owner,
    members: owner === undefined || owner === worker ? members : [owner, ...members],
  };
}

export type AgentMatch =
  | { readonly kind: "one"; readonly agent: ContainerView }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly agents: readonly ContainerView[] };

/** The agent's container of a worker: in its network namespace, or naming it by `heartmesh.worker`. */
export function agentOf(worker: ContainerView, all: readonly ContainerView[]): AgentMatch {
  const named = indexOf(all).agentsOf.get(worker.name) ?? [];
  const beside = namespaceOf(worker, all).members.filter(
    (view) =>
      isAgent(view) &&
      isAlive(view) &&
      (view.labels[workerNameLabel] ?? worker.name) === worker.name,
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

/** A worker's container, and its agent's where that is one of its own. */
export interface NamedWorker {
  readonly container: ContainerView;
  readonly agent: ContainerView | undefined;
}

/** Workers by what they may be called, one map for each rule, in the order of the rules. */
const nameIndexes = new WeakMap<
  readonly NamedWorker[],
  readonly ReadonlyMap<string, readonly ContainerView[]>[]
>();

/**
 * The worker that an agent's name means, in this order: `heartmesh.worker` of the worker, container name, a Swarm service's slot (`web.1`,
 * of a global one `web.<host>`), Compose service and index (`web`, `web-1`, `web_1`, `project-web-1`), the host name (of the worker, or of its agent's container).
 * @param workers in an array that is not changed afterwards
 */
export function containerNamed(name: string, workers: readonly NamedWorker[]): NameMatch {
  for (const names of nameIndexOf(workers)) {
    const containers = names.get(name) ?? [];
    const [container] = containers;
    if (container === undefined) continue;
    return containers.length === 1 ? { kind: "one", container } : { kind: "several", containers };
  }
  return { kind: "none" };
}

function nameIndexOf(
  workers: readonly NamedWorker[],
): readonly ReadonlyMap<string, readonly ContainerView[]>[] {
  const known = nameIndexes.get(workers);
  if (known !== undefined) return known;
  const rules: readonly ((worker: NamedWorker) => readonly string[])[] = [
    ({ container }) => [container.labels[workerNameLabel] ?? ""],
    ({ container }) => [container.name],
    ({ container }) => slotNames(container),
    ({ container }) => composeNames(container),
    ({ container, agent }) => [
      ...hostNames(container),
      ...(agent === undefined ? [] : [agent.name, ...hostNames(agent)]),
    ],
  ];
  const index = rules.map((namesOf) => {
    const byName = new Map<string, ContainerView[]>();
    for (const worker of workers) {
      for (const one of new Set(namesOf(worker))) {
        if (one !== "") append(byName, one, worker.container);
      }
    }
    return byName;
  });
  nameIndexes.set(workers, index);
  return index;
}

function composeNames(view: ContainerView): readonly string[] {
  const compose = composeOf(view);
  if (compose === undefined) return [];
  const { project, service, number } = compose;
  return [
    service,
    `${service}-${number}`,
    `${service}_${number}`,
    `${project}-${service}-${number}`,
    `${project}_${service}_${number}`,
  ];
}

const hostNames = (view: ContainerView): readonly string[] => [view.hostname, view.id.slice(0, 12)];

/** The worker that `heartmesh.depends-on` names: by id, by container name on the same host, or by service in the same Compose project. */
export function namedBeside(
  name: string,
  dependant: Pick<WorkerSpec, "container">,
  workers: Iterable<WorkerSpec>,
): WorkerId | undefined {
  const own = dependant.container;
  const project = own === undefined ? undefined : composeOf(own)?.project;
  let ofService: WorkerId | undefined;
  for (const { id, container } of workers) {
    if (id === name) return id;
    if (container === undefined) continue;
    if (container.host === own?.host && container.name === name) return id;
    const compose = composeOf(container);
    const isBeside = project !== undefined && compose?.project === project;
    if (isBeside && container.host === own?.host && compose.service === name) {
      ofService = id;
    }
  }
  return ofService;
}
