// What the pages of hosts, services and stacks say, computed from what the API told. Pure.

import type { HostView, PlanView, ServicePlanView } from "../../proto/rest.ts";
import type { SwarmNodeRow, SwarmServiceRow, SwarmTaskRow } from "../../proto/swarm-rest.ts";
import { count, type Tone } from "./words.ts";

/** A host as its row shows it, of whichever Swarm. */
export interface HostRow {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly verdict: string;
  readonly why: string;
  readonly role: string;
  readonly availability: string;
  /** One-minute load average per processor; null where nobody tells. */
  readonly load: number | null;
  readonly loadText: string;
  /** Of its memory; null where nobody tells. */
  readonly memory: number | null;
  readonly fence: string;
  readonly workers: number | null;
  readonly tasks: number | null;
}

export function rowOfHost(host: HostView): HostRow {
  const { id, name, address, verdict, role, availability, load, capacity } = host;
  return {
    ...{ id, name, address, workers: host.workers, tasks: host.runningTasks },
    verdict: verdict?.kind ?? host.state,
    why: verdict?.reason ?? "",
    role: role ?? "",
    availability: availability ?? "",
    load: load === null || capacity === null ? null : load / Math.max(1, capacity.processors),
    loadText:
      load === null ? "" : `${load.toFixed(2)} of ${capacity === null ? "?" : capacity.processors}`,
    memory: capacity === null ? null : 1 - capacity.available / Math.max(1, capacity.memory),
    fence: fenceText(host),
  };
}

export const rowOfNode = (node: SwarmNodeRow): HostRow => ({
  ...{ id: node.id, name: node.hostname, address: node.address, verdict: node.state },
  ...{ why: node.message, role: node.role, availability: node.availability, load: null },
  ...{ loadText: "", memory: null, fence: "", workers: null, tasks: node.runningTasks },
});

/** Whether containers that must not run twice are stopped there when it is cut off. */
export function fenceText({ fence }: Pick<HostView, "fence">): string {
  if (fence === null) return "";
  if (fence.stop !== null) return fence.stop.text;
  if (!fence.able) return "cannot fence";
  return {
    never: "not granted yet",
    held: "granted",
    lapsed: "lapsed: fenced containers are stopped",
    kept: "kept",
  }[fence.state];
}

/** Moves first, then what stays, as sentences; services that are not touched are counted. */
export function planLines({ services }: PlanView): readonly string[] {
  const lines = services.filter(({ action }) => action !== "untouched").map(planLine);
  const untouched = services.length - lines.length;
  if (untouched > 0) {
    lines.push(`${count(untouched, "service")} ${untouched === 1 ? "is" : "are"} not touched.`);
  }
  return lines;
}

function planLine({ name, action, replicas, targets, reason }: ServicePlanView): string {
  const what = `${name}, ${count(replicas, "replica")},`;
  if (action === "stay") return `${what} stays where it is: ${reason}.`;
  const where = targets.map((one) => one.name).join(" or ");
  return where === "" ? `${what} finds no host: ${reason}.` : `${what} moves to ${where}.`;
}

/** The host that heartmesh moved it away from, by its journal; undefined where it was not moved. */
export function movedFrom({ labels }: Pick<SwarmServiceRow, "labels">): string | undefined {
  const text = labels["heartmesh.moved"];
  if (text === undefined) return undefined;
  try {
    const { from } = JSON.parse(text) as { readonly from?: unknown };
    return typeof from === "string" ? from : "";
  } catch {
    return "";
  }
}

/** As many as shall run are well; fewer are on their way, or fail; of what shall not run nothing is asked. */
export function replicasTone({
  running,
  desired,
}: Pick<SwarmServiceRow, "running" | "desired">): Tone {
  if (desired === 0 && running === 0) return "calm";
  if (running >= desired) return "good";
  return running === 0 ? "bad" : "warn";
}

/** Those of a stack; of all where it is empty. The words are sought in name, image and labels, in any case of letters. */
export function servicesFound(
  rows: readonly SwarmServiceRow[],
  { words, stack }: { readonly words: string; readonly stack: string },
): readonly SwarmServiceRow[] {
  const sought = words.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (stack === "" || row.stack === stack) &&
      [row.name, row.image, ...Object.entries(row.labels).map(([key, value]) => `${key}=${value}`)]
        .join("\n")
        .toLowerCase()
        .includes(sought),
  );
}

export interface StackRow {
  readonly name: string;
  readonly services: number;
  readonly running: number;
  readonly desired: number;
}

/** By name, of the services that belong to one. */
export function stacksOf(rows: readonly SwarmServiceRow[]): readonly StackRow[] {
  const names = [...new Set(rows.map(({ stack }) => stack))].filter((name) => name !== "").sort();
  return names.map((name) => {
    const own = rows.filter(({ stack }) => stack === name);
    const sum = (of: (row: SwarmServiceRow) => number): number =>
      own.reduce((total, row) => total + of(row), 0);
    return {
      ...{ name, services: own.length },
      running: sum(({ running }) => running),
      desired: sum(({ desired }) => desired),
    };
  });
}

/** Without what a registry resolved it to. */
export const shortImage = (image: string): string => image.replace(/@sha256:[0-9a-f]+$/, "");

/** What shall run first, then what has ended, each newest first. */
export const tasksInOrder = (tasks: readonly SwarmTaskRow[]): readonly SwarmTaskRow[] =>
  tasks.toSorted(
    (a, b) =>
      Number(b.desired === "running") - Number(a.desired === "running") ||
      b.since.localeCompare(a.since),
  );

/** `web.2`; of a global service its name alone. */
export const taskName = ({ service, slot }: SwarmTaskRow): string =>
  slot === 0 ? service : `${service}.${slot}`;

/** As what a stack is deployed, and how. */
export interface StackWish {
  name: string;
  prune: boolean;
  resolveImage: "always" | "changed" | "never";
}

/** What a deployment still wants; empty where nothing is missing. */
export function missingOf(stack: string, others: string): string {
  if (others !== "") return others;
  if (stack === "") return "The stack needs a name.";
  return /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/.test(stack)
    ? ""
    : "A stack's name has letters, digits, - and _, and begins with a letter or digit.";
}
