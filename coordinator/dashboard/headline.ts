// The sentence that somebody reads who was woken: how it stands, what is being done, what is wanted of a person. Pure.

import { containerOfCase, isServiceCase, serviceOfCase } from "../core/migration/order.ts";
import type { LeftToPeople, OpenRecovery, StatusView, WorkerRow } from "../../proto/rest.ts";
import { count, shortName, toneOf, type Tone } from "./words.ts";

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  /** What heartmesh does about it. */
  readonly doing: string;
}

/** What only a person can end. */
export interface Want {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
  /** What to do. */
  readonly advice: string;
  /** A page where it can be done; empty where it is not done here. */
  readonly to: string;
}

export interface Seen {
  readonly status: StatusView;
  readonly workers: readonly WorkerRow[];
  readonly recoveries: readonly OpenRecovery[];
  readonly left: readonly LeftToPeople[];
}

const isFailed = ({ verdict }: WorkerRow): boolean =>
  toneOf(verdict) === "bad" || verdict === "agent-lost";

const nameOf = ({ worker }: LeftToPeople): string =>
  isServiceCase(worker)
    ? `Service ${serviceOfCase(worker)}`
    : `Container ${containerOfCase(worker)}`;

export function headlineOf(seen: Seen): Headline {
  const { status, workers, recoveries, left } = seen;
  const failed = workers.filter(isFailed);
  const quarantined = failed.filter(({ quarantinedAtMs }) => quarantinedAtMs !== null);
  const wanted = wantsOf(seen).length;
  const calm = wanted === 0 ? "Nothing to do." : "Nothing is down; what stands below wants you.";
  const doing = doingOf(recoveries, failed.length, quarantined.length);
  if (status.leader === "") {
    const text = "No coordinator leads.";
    return {
      tone: "bad",
      text,
      doing: "Nothing is revived until a quorum of coordinators hears each other.",
    };
  }
  if (failed.length > 0) {
    const names =
      failed.length <= 2
        ? failed.map(({ id }) => shortName(id)).join(" and ")
        : count(failed.length, "worker");
    const kinds = [...new Set(failed.map(({ verdict }) => verdict))];
    const how = kinds.length === 1 ? (kinds[0] ?? "") : "down";
    return { tone: "bad", text: `${names} ${failed.length === 1 ? "is" : "are"} ${how}.`, doing };
  }
  const [stranded] = left;
  if (stranded !== undefined) {
    const who =
      left.length === 1
        ? nameOf(stranded)
        : count(left.length, "service or container", "services and containers");
    const text = `${who} ${left.length === 1 ? "is" : "are"} ${stranded.verdict}.`;
    return {
      tone: "bad",
      text,
      doing: `Nothing is done about ${left.length === 1 ? "it" : "them"} without you.`,
    };
  }
  if (recoveries.length > 0) {
    return {
      tone: "busy",
      text: `${count(recoveries.length, "recovery", "recoveries")} under way.`,
      doing,
    };
  }
  if (workers.length === 0) {
    return {
      tone: "calm",
      text: "No worker is watched yet.",
      doing: "Label a container with role=node, or name workers in WORKERS.",
    };
  }
  const doubtful = workers.filter(({ verdict }) => toneOf(verdict) === "warn");
  if (doubtful.length > 0) {
    const text = `${count(doubtful.length, "worker")} ${doubtful.length === 1 ? "is" : "are"} ${doubtful[0]?.verdict ?? ""}.`;
    return { tone: "warn", text, doing: "Watched; nothing is done to what somebody still hears." };
  }
  const healthy = workers.filter(({ verdict }) => verdict === "healthy").length;
  return healthy === workers.length
    ? {
        tone: "good",
        text: `All ${count(healthy, "worker")} ${healthy === 1 ? "is" : "are"} healthy.`,
        doing: calm,
      }
    : {
        tone: "good",
        text: `${healthy} of ${count(workers.length, "worker")} are healthy, none is down.`,
        doing: calm,
      };
}

function doingOf(recoveries: readonly OpenRecovery[], failed: number, quarantined: number): string {
  if (recoveries.length === 1) {
    const [one] = recoveries;
    if (one !== undefined) return `${shortName(one.worker)}: ${one.text}`;
  }
  if (recoveries.length > 1) return `${recoveries.length} recoveries are under way.`;
  if (failed > 0 && quarantined === failed)
    return "heartmesh has given up on it; it waits for you.";
  return failed > 0 ? "Being decided." : "";
}

/** The gravest first. */
export function wantsOf({ status, workers, left }: Seen): readonly Want[] {
  const wants: Want[] = [];
  for (const { id, quarantinedAtMs } of workers) {
    if (quarantinedAtMs === null) continue;
    const text = `${shortName(id)} is in quarantine: too many revivals, none of which lasted.`;
    wants.push({
      key: `q ${id}`,
      tone: "bad",
      text,
      advice: "Look why it dies, then release it.",
      to: `/workers/${encodeURIComponent(id)}`,
    });
  }
  for (const one of left) {
    const { worker } = one;
    wants.push({
      key: `l ${worker}`,
      tone: "bad",
      text: `${nameOf(one)} is ${one.verdict}: ${one.reason}.`,
      advice: `Nothing is done: ${one.text}.`,
      to: isServiceCase(worker) ? `/services/${encodeURIComponent(serviceOfCase(worker))}` : "",
    });
  }
  for (const reason of status.readiness.reasons) {
    wants.push({
      key: `r ${reason}`,
      tone: "bad",
      text: `${status.id} is not ready: ${reason}`,
      advice: "heartmesh doctor tells more.",
      to: "",
    });
  }
  for (const { host, reachable, reason } of status.engines) {
    if (reachable) continue;
    wants.push({
      key: `e ${host}`,
      tone: "bad",
      text: `The engine of ${host} does not answer: ${reason}`,
      advice: "Recoveries there wait for it.",
      to: "/hosts",
    });
  }
  if (status.redisByQuorum === "unreachable") {
    wants.push({
      key: "redis",
      tone: "warn",
      text: "Redis cannot be reached.",
      advice: "The leader acts without it; history is written down later.",
      to: "",
    });
  }
  for (const { subject, code, text } of status.findings) {
    wants.push({
      key: `f ${subject} ${code} ${text}`,
      tone: "warn",
      text: subject === "" || text.startsWith(subject) ? text : `${subject}: ${text}`,
      advice: "",
      to: "",
    });
  }
  return wants;
}
