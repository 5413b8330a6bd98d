// Hosts and plans as the API says them. Pure.

import type {
  HostFenceView,
  HostsView,
  HostView,
  PlanView,
  ServicePlanView,
} from "../../proto/rest.ts";
import type { HostPlan, ServicePlan } from "../core/migration/plan.ts";
import type { PlainPlan } from "../core/migration/plain-plan.ts";
import { compare, type SwarmHost } from "../core/migration/swarm-view.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { HostSummary } from "../core/hosts/host.ts";
import { isNodeOf } from "../core/migration/measured.ts";
import { caseOfContainer } from "../core/migration/order.ts";
import type { EnginePlace, SwarmReading } from "../docker/swarm.ts";

export function hostsView(summary: CoordinatorSummary, reading: SwarmReading): HostsView {
  const nodes = reading.kind === "swarm" ? reading.view.hosts : [];
  const outside = reading.engines.filter((place) => !nodes.some((node) => isOn(place, node)));
  const listed = summary.hosts.filter(
    (one) =>
      !nodes.some((node) => isNodeOf(one, node)) &&
      !outside.some(({ engine }) => engine === one.id),
  );
  const hosts = [
    ...nodes.map((host) => nodeView(host, summary, reading)),
    ...outside.map(({ engine }) => engineView(engine, summary)),
    ...listed.map(listedView),
  ];
  return {
    hosts: hosts.toSorted((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
    swarm: {
      kind: reading.kind,
      text: reading.kind === "swarm" ? `told by ${reading.by}` : reading.text,
    },
  };
}

function nodeView(host: SwarmHost, summary: CoordinatorSummary, reading: SwarmReading): HostView {
  const { id, name, role, state, availability, address, labels } = host;
  const engine = reading.engines.find((place) => isOn(place, host))?.engine ?? null;
  const tasks = reading.kind === "swarm" ? reading.view.tasks : [];
  const running = tasks.filter((task) => task.hostId === id && task.state === "running");
  return {
    id,
    name,
    kind: "swarm",
    role,
    state,
    availability,
    address,
    labels,
    // On a host that is away, what Swarm has given up may still be called running.
    runningTasks: running.filter(({ desired }) => desired === "running").length,
    engine,
    workers: engine === null ? null : workersOn(engine, summary),
    ...watchedView(summary.hosts.find((one) => isNodeOf(one, host))),
  };
}

/** One that has never answered is known by its name alone, which is its host's unless DOCKER_HOST gives another. */
const isOn = ({ engine, nodeId }: EnginePlace, { id, name }: SwarmHost): boolean =>
  nodeId === undefined ? engine === name : nodeId === id;

function engineView(engine: string, summary: CoordinatorSummary): HostView {
  const known = summary.engines.find(({ host }) => host === engine);
  const watched = summary.hosts.find(({ id }) => id === engine);
  return {
    id: engine,
    name: engine,
    kind: "engine",
    role: null,
    state: known?.reachable === false ? "unreachable" : "ready",
    availability: null,
    address: watched?.address ?? "",
    labels: {},
    runningTasks: null,
    engine,
    workers: workersOn(engine, summary),
    ...watchedView(watched),
  };
}

/** Its agent is all that is known of it. */
const listedView = (host: HostSummary): HostView => ({
  id: host.id,
  name: host.id,
  kind: "listed",
  role: null,
  state: "unknown",
  availability: null,
  address: host.address,
  labels: {},
  runningTasks: null,
  engine: null,
  workers: null,
  ...watchedView(host),
});

function watchedView(
  host: HostSummary | undefined,
): Pick<HostView, "verdict" | "load" | "capacity" | "fence"> {
  if (host === undefined) return { verdict: null, load: null, capacity: null, fence: null };
  const { verdict, reason, since, load = null, capacity = null } = host;
  const fence = fenceOf(host);
  return { verdict: { kind: verdict, reason, since: Math.round(since) }, load, capacity, fence };
}

function fenceOf({ fence, fenceView: { kind, text }, verdict }: HostSummary): HostFenceView | null {
  if (fence === undefined) return null;
  const { able, state, isGranted: granted } = fence;
  return { able, state, granted, stop: verdict === "dead" ? { kind, text } : null };
}

const workersOn = (engine: string, { workers }: CoordinatorSummary): number =>
  workers.filter(({ host }) => host === engine).length;

export const planView = (host: HostView, plan: HostPlan, by: string): PlanView => ({
  host,
  cause: plan.cause,
  by,
  services: plan.services.map(servicePlanView),
  findings: plan.findings,
});

/** With what would happen to the containers of its engine that may move. */
export const withContainers = (plan: PlanView, containers: readonly PlainPlan[]): PlanView => {
  const ranks = { move: 0, stay: 1, untouched: 2 } as const;
  const services = [...plan.services, ...containers.map(containerPlanView)];
  return {
    ...plan,
    services: services.toSorted((a, b) => ranks[a.action] - ranks[b.action]),
    findings: [...plan.findings, ...containers.flatMap(({ findings }) => findings)],
  };
};

function containerPlanView(plan: PlainPlan): ServicePlanView {
  const { container, action, reason, labels, targets, unfit, strategy, warnings } = plan;
  return {
    id: caseOfContainer(container),
    name: container.name,
    action,
    reason,
    replicas: 1,
    targets: targets.map((host) => ({ id: host, name: host })),
    unfit: unfit.map(({ host, reason: why }) => ({ id: host, name: host, reason: why })),
    strategy:
      action === "stay"
        ? null
        : { asked: labels.strategy, used: strategy.used, reason: strategy.because },
    change: null,
    warnings,
  };
}

function servicePlanView(plan: ServicePlan): ServicePlanView {
  const { service, action, reason, lost, warnings } = plan;
  const unfit = action === "untouched" ? [] : plan.unfit;
  const move = action === "move" ? plan : undefined;
  return {
    id: service.id,
    name: service.name,
    action,
    reason,
    replicas: lost,
    targets: (move?.choice.targets ?? []).map(({ host }) => placeOf(host)),
    unfit: unfit.map((one) => ({ ...placeOf(one.host), reason: one.reason })),
    strategy:
      move === undefined
        ? null
        : {
            asked: move.labels.strategy,
            used: move.choice.used,
            reason: move.choice.usedBecause,
          },
    change:
      move === undefined
        ? null
        : {
            version: service.version,
            constraints: move.change.constraints,
            constraintsBefore: move.change.journal.before,
            updateConfig: move.change.updateConfig,
            labels: move.change.labels,
          },
    warnings,
  };
}

const placeOf = ({ id, name }: SwarmHost): { id: string; name: string } => ({ id, name });
