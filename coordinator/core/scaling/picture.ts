// What the scaling of services goes by: the Swarm's rows, and what the mesh knows of tasks, hosts and moves. Pure.

import type { SwarmNodeRow, SwarmServiceRow, SwarmTaskRow } from "../../../proto/swarm-rest.ts";
import type { HostSummary } from "../hosts/host.ts";
import { caseOfService } from "../migration/order.ts";
import type { CoordinatorSummary } from "../summary.ts";
import { scalingJournalOf, type ScalingJournal } from "./policy.ts";

export interface ScaledService {
  readonly name: string;
  /** Undefined where it is not replicated. */
  readonly replicas: number | undefined;
  /** Which version of it this is: when it was written, in the Swarm's words. */
  readonly updatedAt: string;
  /** The same, wall-clock ms. */
  readonly writtenAt: number;
  /** Swarm replaces its tasks by others. */
  readonly isUpdating: boolean;
  readonly journal: ScalingJournal | undefined;
  /** Of its tasks by the agents inside them; where none tells one, of the hosts that they run on. */
  readonly loads: readonly number[];
  readonly loadOf: "tasks" | "hosts" | undefined;
  /** Why it may be about to move: a move, or a host of its tasks that is not well; empty where nothing is. */
  readonly trouble: string;
}

export interface ScalingRows {
  readonly nodes: readonly Pick<SwarmNodeRow, "id" | "hostname" | "state" | "availability">[];
  readonly services: readonly SwarmServiceRow[];
  readonly tasks: readonly Pick<
    SwarmTaskRow,
    "service" | "slot" | "nodeId" | "desired" | "state"
  >[];
}

type Known = Pick<CoordinatorSummary, "workers" | "hosts" | "services">;

/** @param wallOf an instant of the Swarm's rows, in wall-clock ms */
export function scaledOf(
  service: SwarmServiceRow,
  rows: ScalingRows,
  known: Known,
  wallOf: (text: string) => number,
): ScaledService {
  const { name, mode, desired, updatedAt, updateState, labels } = service;
  const tasks = rows.tasks.filter((one) => one.service === name && one.desired === "running");
  const running = tasks.filter(({ state }) => state === "running");
  const ofTasks = running.flatMap(({ slot }) => taskLoad(`${name}.${slot}`, known) ?? []);
  const ofHosts = running.flatMap(({ nodeId }) => hostLoad(hostOf(nodeId, known)) ?? []);
  const loads = ofTasks.length > 0 ? ofTasks : ofHosts;
  return {
    name,
    replicas: mode === "replicated" ? desired : undefined,
    updatedAt,
    writtenAt: wallOf(updatedAt),
    isUpdating: updateState === "updating" || updateState === "rollback_started",
    journal: scalingJournalOf(labels),
    loads,
    loadOf: loads.length === 0 ? undefined : ofTasks.length > 0 ? "tasks" : "hosts",
    trouble: moveOf(name, known) || troubleOf(new Set(tasks.map((one) => one.nodeId)), rows, known),
  };
}

/** By the agent inside it, whether or not its container is one that is looked after. */
function taskLoad(task: string, { workers }: Known): number | undefined {
  const ids = [`swarm/${task}`, `unmapped/${task}`];
  return workers.find(({ id, load }) => load !== undefined && ids.includes(id))?.load;
}

const hostOf = (nodeId: string, { hosts }: Known): HostSummary | undefined =>
  hosts.find(({ node }) => node !== undefined && node.id === nodeId);

/** Its load average for each of its processors. */
function hostLoad(host: HostSummary | undefined): number | undefined {
  if (host?.load === undefined || host.capacity === undefined || host.standing !== "up") {
    return undefined;
  }
  return host.load / Math.max(1, host.capacity.processors);
}

/** One that was moved, stays there and waits for nothing is scaled as any other. */
function moveOf(name: string, { services }: Known): string {
  const found = services.find(({ id }) => id === caseOfService(name));
  if (found === undefined) return "";
  if (found.verdict === "stranded") return `it has lost its host: ${found.reason}`;
  const { recovery } = found;
  return recovery === undefined || recovery.stage === "waiting" ? "" : "it is being moved";
}

function troubleOf(nodeIds: ReadonlySet<string>, { nodes }: ScalingRows, known: Known): string {
  for (const { id, hostname, state, availability } of nodes) {
    if (!nodeIds.has(id)) continue;
    if (state !== "ready") return `its host ${hostname} is ${state}, by the Swarm`;
    if (availability === "drain") return `its host ${hostname} is being drained`;
    const host = hostOf(id, known);
    // One that nobody has heard yet may have no agent at all.
    if (host === undefined || host.verdict === "unknown") continue;
    if (host.standing === "doubt" || host.standing === "down") {
      return `its host ${hostname} is in doubt`;
    }
    if (host.verdict !== "healthy") return `its host ${hostname} is ${host.verdict}`;
  }
  return "";
}
