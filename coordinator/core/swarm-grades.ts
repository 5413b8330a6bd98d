// How well a Swarm is, and why not better. Pure.

import type {
  SwarmGrade,
  SwarmGraded,
  SwarmHealth,
  SwarmNodeRow,
  SwarmServiceRow,
  SwarmTaskCounts,
  SwarmTaskRow,
} from "../../proto/swarm-rest.ts";

type Task = Pick<SwarmTaskRow, "desired" | "state" | "error" | "since" | "service">;

export interface SwarmRows {
  readonly nodes: readonly SwarmNodeRow[];
  readonly services: readonly SwarmServiceRow[];
  /** All that the Swarm remembers; `service` is the service's name. */
  readonly tasks: readonly Task[];
}

const failedStates: ReadonlySet<string> = new Set(["failed", "rejected", "orphaned"]);
const pendingStates: ReadonlySet<string> = new Set([
  ...["new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"],
]);

/**
 * A service none of whose tasks run, and a Swarm without a ready node, are critical. Whatever else is not as it should be is
 * degraded; a node that a person drained or paused is as it should be.
 */
export function gradeSwarm({ nodes, services, tasks }: SwarmRows, timestamp: string): SwarmHealth {
  const ofNodes = nodes.map(gradeNode);
  const ofServices = services.map((service) => gradeService(service, tasks));
  const ready = nodes.filter(({ state }) => state === "ready").length;
  const reasons = [...ofNodes, ...ofServices]
    .filter(({ health }) => health !== "healthy")
    .map(({ name, reasons: own }) => `${name}: ${own.join("; ")}`);
  const isCritical = ready === 0 || ofServices.some(({ health }) => health === "critical");
  const worst: SwarmGrade = isCritical ? "critical" : "degraded";
  return {
    overall_health: reasons.length === 0 && ready > 0 ? "healthy" : worst,
    reasons,
    nodes: { total: nodes.length, ready, down: nodes.length - ready, each: ofNodes },
    services: {
      total: services.length,
      healthy: ofServices.filter(({ health }) => health === "healthy").length,
      each: ofServices,
    },
    tasks: countTasks(tasks),
    timestamp,
  };
}

export function countTasks(tasks: readonly Task[]): SwarmTaskCounts {
  const count = (is: (task: Task) => boolean): number => tasks.filter(is).length;
  return {
    total: tasks.length,
    running: count(({ desired, state }) => desired === "running" && state === "running"),
    failed: count(({ state }) => failedStates.has(state)),
    // `ready`: it shall run as soon as the one before it has ended.
    pending: count(
      ({ desired, state }) => ["running", "ready"].includes(desired) && pendingStates.has(state),
    ),
  };
}

function gradeNode(node: SwarmNodeRow): SwarmGraded {
  const { id, hostname, state, message, availability, reachability } = node;
  const reasons: string[] = [];
  if (state !== "ready") reasons.push(message === "" ? `it is ${state}` : `${state}: ${message}`);
  if (reachability !== null && reachability !== "reachable") {
    reasons.push(`as a manager it is ${reachability}`);
  }
  const health: SwarmGrade =
    state === "ready" ? (reasons.length === 0 ? "healthy" : "degraded") : "critical";
  if (availability !== "active") reasons.push(`it takes no new tasks: ${availability}`);
  return { id, name: hostname, health, reasons };
}

function gradeService(service: SwarmServiceRow, tasks: readonly Task[]): SwarmGraded {
  const { id, name, mode, desired, running, updateState, updateMessage } = service;
  // A job that is done runs no more.
  const isShort = mode !== "job" && running < desired;
  const reasons: string[] = [];
  if (isShort) reasons.push(`${running} of ${desired} tasks run`);
  const isStuck = updateState === "paused" || updateState === "rollback_paused";
  if (isStuck) reasons.push(`its update is ${updateState}: ${updateMessage}`);
  const error = isShort ? lastError(name, tasks) : "";
  if (error !== "") reasons.push(error);
  const isDown = isShort && running === 0;
  const health: SwarmGrade = isDown ? "critical" : isShort || isStuck ? "degraded" : "healthy";
  return { id, name, health, reasons };
}

/** The newest words of the engine's on why a task of it does not run; empty where there are none. */
function lastError(service: string, tasks: readonly Task[]): string {
  const own = tasks.filter((task) => task.service === service && task.error !== "");
  return own.toSorted((a, b) => b.since.localeCompare(a.since))[0]?.error ?? "";
}
