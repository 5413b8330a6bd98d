// Hosts and plans as people read them on a terminal. Pure.

import type {
  HostsView,
  HostSwitchView,
  HostView,
  PlanView,
  ServicePlanView,
} from "../../proto/rest.ts";
import { table, type Look } from "./table.ts";
import { printable } from "./terminal.ts";
import { tonedWord } from "./tones.ts";

const notWell: ReadonlySet<string> = new Set([
  ...["down", "unreachable", "disconnected"],
  ...["dead", "engine-unhealthy", "partial", "agent-lost"],
]);

export const areHostsWell = ({ hosts }: HostsView): boolean =>
  hosts.every(({ state, verdict }) => !notWell.has(state) && !notWell.has(verdict?.kind ?? ""));

export function hostsText({ hosts, swarm }: HostsView, look: Look): string {
  const rows = hosts.map((host) => [
    host.name,
    host.id.slice(0, 12),
    host.role ?? (host.kind === "listed" ? "-" : "engine"),
    tonedWord(host.state),
    tonedWord(host.verdict?.kind ?? "-"),
    host.availability ?? "-",
    host.address === "" ? "-" : host.address,
    host.runningTasks === null ? "-" : String(host.runningTasks),
    host.workers === null ? "-" : String(host.workers),
    labelsText(host),
  ]);
  const head = [
    "HOST",
    "ID",
    "ROLE",
    "STATE",
    "VERDICT",
    "AVAILABILITY",
    "ADDRESS",
    "TASKS",
    "WORKERS",
  ];
  const lines = hosts.length === 0 ? ["No hosts."] : [table([...head, "LABELS"], rows, look)];
  if (swarm.kind !== "swarm") lines.push(printable(`${swarmWords[swarm.kind]}: ${swarm.text}.`));
  return lines.join("\n");
}

const swarmWords: Readonly<Record<Exclude<HostsView["swarm"]["kind"], "swarm">, string>> = {
  none: "No Swarm",
  "no-quorum": "The nodes of the Swarm are not known, it has no quorum of managers",
  refused: "The nodes of the Swarm may not be read",
  silent: "The nodes of the Swarm are not known",
};

const labelsText = ({ labels }: HostView): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(" ");

/** Of one that takes work again nothing is planned for now. */
export const hostSwitchText = ({ text, after, plan }: HostSwitchView, look: Look): string =>
  after === "drain" ? `${printable(text)}.\n${planText(plan, look)}` : `${printable(text)}.`;

export function planText(plan: PlanView, look: Look): string {
  const told = plan.services.filter(({ action }) => action !== "untouched");
  const lines = [headText(plan)];
  if (told.length > 0) lines.push("", ...serviceLines(plan.host.name, told, look));
  const twice = twiceText(told);
  if (twice !== "") lines.push("", twice);
  const untouched = plan.services.filter(({ action }) => action === "untouched");
  if (untouched.length > 0) {
    lines.push("", "Not touched:");
    lines.push(...untouched.map(({ name, reason }) => `  ${name}: ${reason}`));
  }
  if (plan.findings.length > 0) {
    lines.push("", "Labels to correct:");
    lines.push(...plan.findings.map(({ service, text }) => `  ${service}: ${text}`));
  }
  return lines.map(printable).join("\n");
}

function headText({ host, cause, services, by }: PlanView): string {
  const count = (action: ServicePlanView["action"]): number =>
    services.filter((one) => one.action === action).length;
  const when = cause === "drain" ? "is emptied" : "is dead";
  const what = `${count("move")} move, ${count("stay")} stay, ${count("untouched")} not touched`;
  return `When ${host.name} (now ${[host.state, host.availability ?? []].flat().join(", ")}) ${when}, of ${services.length} services: ${what}. Told by ${by}.`;
}

/** Below each row what a person should know of it. */
function serviceLines(
  host: string,
  services: readonly ServicePlanView[],
  { width, now }: Look,
): string[] {
  const rows = services.map((one) => [
    one.name,
    one.action === "move" ? `moves ${one.replicas}` : `stays`,
    host,
    one.targets.length === 0 ? "-" : one.targets.map(({ name }) => name).join(", "),
    one.reason,
  ]);
  const [head = "", ...lines] = table(
    ["SERVICE", "WHAT", "FROM", "TO", "HOW OR WHY"],
    rows,
    // What stands between the rows is made printable with them, colours too.
    { width, now, isColored: false },
  ).split("\n");
  return [head, ...lines.flatMap((line, at) => [line, ...notesOf(services[at])])];
}

function notesOf(service: ServicePlanView | undefined): string[] {
  if (service === undefined) return [];
  const unfit = service.action === "stay" ? service.unfit : [];
  return [
    ...unfit.map(({ name, reason }) => `    ${name}: ${reason}`),
    ...service.warnings
      .filter(({ code }) => code !== "may-run-twice")
      .map(({ code, text }) => `    ${code}: ${text}`),
  ];
}

/** True of most, so once for all. */
function twiceText(services: readonly ServicePlanView[]): string {
  const warned = services.flatMap(({ name, warnings }) =>
    warnings.filter(({ code }) => code === "may-run-twice").map(({ text }) => ({ name, text })),
  );
  const [first] = warned;
  if (first === undefined) return "";
  return `${warned.map(({ name }) => name).join(", ")}: ${first.text}.`;
}
