// A notification in words: what an event means to the person who is woken by it, and what they can do. Pure.

import { createHash } from "node:crypto";
import type { EventKind, MeshEvent } from "../core/event.ts";
import {
  containerOfCase,
  isContainerCase,
  isServiceCase,
  serviceOfCase,
} from "../core/migration/order.ts";

export type Severity = "info" | "resolved" | "warning" | "critical";
export type ChannelKind = "slack" | "webhook" | "email";

export interface Message {
  /** The same for the same event, on whichever coordinator: receivers may drop what they have seen. */
  readonly id: string;
  readonly severity: Severity;
  /** One short line. */
  readonly title: string;
  /** One to three sentences. */
  readonly text: string;
  readonly evidence: readonly string[];
  /** What a person can do; empty where nothing is to be done. */
  readonly advice: string;
  /** The recovery's short name, or empty; messages with the same one tell one story. */
  readonly thread: string;
  /** What the whole story is about, the same for all its messages. */
  readonly topic: string;
  /** The first of its story. */
  readonly opens: boolean;
  readonly worker: string;
  readonly kind: EventKind | "digest" | "test";
  readonly by: string;
  readonly cluster: string;
  /** Wall-clock ms. */
  readonly at: number;
}

/** What is known of a recovery so far, for the words. */
export interface Story {
  /** Wall-clock ms of its first event. */
  readonly beganAt: number;
  readonly tries: number;
}

interface Wording {
  readonly severity: Severity;
  readonly title: (subject: string) => string;
  readonly advice?: (event: MeshEvent) => string;
  /** Goes out beyond the rate: silence about it would be the worse failure. */
  readonly urgent?: true;
}

const inspect = (event: MeshEvent): string => `heartmesh explain ${event.worker}`;
const release = (event: MeshEvent): string =>
  `Look at its logs. When it is mended: heartmesh release ${event.worker}`;

const wordings: Readonly<Record<EventKind, Wording>> = {
  "verdict-changed": { severity: "info", title: (who) => `${who}: new verdict`, advice: inspect },
  held: { severity: "info", title: (who) => `${who} is waited for` },
  "left-alone": { severity: "info", title: (who) => `${who} is left alone`, advice: inspect },
  "recovery-enqueued": {
    severity: "warning",
    title: (who) => `${who} failed and is being revived`,
  },
  "recovery-adopted": { severity: "warning", title: (who) => `${who}: its recovery goes on` },
  "try-started": { severity: "info", title: (who) => `${who}: a try began` },
  acted: { severity: "info", title: (who) => `${who} was acted on` },
  verified: { severity: "info", title: (who) => `${who} answers again` },
  "try-failed": { severity: "warning", title: (who) => `${who}: a try failed` },
  recovered: { severity: "resolved", title: (who) => `${who} is healthy again` },
  exhausted: {
    severity: "critical",
    title: (who) => `heartmesh gave up on ${who}`,
    advice: release,
    urgent: true,
  },
  superseded: { severity: "info", title: (who) => `${who}: its recovery is moot` },
  quarantined: {
    severity: "critical",
    title: (who) => `${who} is in quarantine`,
    advice: release,
    urgent: true,
  },
  "quarantine-ended": { severity: "resolved", title: (who) => `${who} left quarantine` },
  silenced: { severity: "info", title: (who) => `${who} was silenced` },
  "silence-ended": { severity: "info", title: (who) => `${who} is watched again` },
  "revive-requested": { severity: "info", title: (who) => `${who}: somebody asked for a revival` },
  "brake-tripped": {
    severity: "critical",
    title: () => "The brake tripped: too much fails at once",
    advice: () => "Recoveries go one by one. Look for what the failures share: heartmesh status",
    urgent: true,
  },
  "brake-released": { severity: "resolved", title: () => "The brake was released", urgent: true },
  "leader-changed": { severity: "info", title: () => "Another coordinator leads" },
  "coordinators-changed": {
    severity: "info",
    title: () => "The set of coordinators changed",
    urgent: true,
  },
  "quorum-lost": {
    severity: "critical",
    title: () => "The quorum is lost: nothing is healed",
    advice: () => "Bring a coordinator back, or mend the network between them.",
    urgent: true,
  },
  "quorum-back": { severity: "resolved", title: () => "The quorum is back", urgent: true },
  "redis-lost": {
    severity: "critical",
    title: () => "Redis is lost: the leader heals without its queue",
    advice: () => "Check REDIS_URL and the server.",
    urgent: true,
  },
  "redis-back": { severity: "resolved", title: () => "Redis is back", urgent: true },
  "engine-lost": {
    severity: "critical",
    title: () => "A Docker engine does not answer",
    advice: () => "Its workers cannot be revived until it does. Check the engine and DOCKER_HOST.",
    urgent: true,
  },
  "link-changed": { severity: "info", title: () => "A test cut or restored a link" },
  "host-changed": { severity: "info", title: () => "A host: new verdict" },
  "host-dead": {
    severity: "critical",
    title: () => "A host is dead",
    advice: () => "Look at the machine and its network: heartmesh doctor",
    urgent: true,
  },
  "host-back": { severity: "resolved", title: () => "A host is back", urgent: true },
  restored: { severity: "info", title: () => "A backup was restored" },
  "host-switched": { severity: "info", title: () => "A host is emptied, or takes work again" },
  "swarm-changed": { severity: "info", title: () => "A person changed the Swarm" },
  "cluster-changed": { severity: "info", title: () => "A cluster of containers changed" },
  "swarm-lost": {
    severity: "critical",
    title: () => "The Swarm does not tell what runs where",
    advice: () => "Nothing can be moved until a manager with a quorum answers: docker node ls",
    urgent: true,
  },
  "swarm-back": { severity: "resolved", title: () => "The Swarm tells again", urgent: true },
  "command-taken": { severity: "info", title: () => "A person gave a command" },
  "change-refused": { severity: "info", title: () => "What a person asked for was refused" },
  "move-requested": { severity: "info", title: (who) => `${who}: somebody asked for a move` },
  "engine-back": { severity: "resolved", title: () => "A Docker engine is back", urgent: true },
  finding: {
    severity: "warning",
    title: (who) => `${who}: a finding`,
    advice: () => "heartmesh doctor",
  },
  abstained: { severity: "warning", title: () => "A coordinator abstains" },
  "abstention-ended": { severity: "resolved", title: () => "A coordinator judges again" },
  "disk-failed": {
    severity: "critical",
    title: () => "A coordinator cannot write its vote and stands for none",
    advice: () => "Make room under DATA_DIR, or mend its disk.",
    urgent: true,
  },
  "agent-leaving": { severity: "info", title: (who) => `${who}: its agent is stopping` },
  started: { severity: "info", title: () => "A coordinator started" },
  stopping: { severity: "info", title: () => "A coordinator is stopping" },
};

const itsEvents = ({ worker }: MeshEvent): string => `heartmesh events --worker ${worker}`;

/** Where a service of a Swarm, or a container that moves, is told of in other words than a worker. */
const ofMoves: Partial<Record<EventKind, Wording>> = {
  "left-alone": { severity: "warning", title: (who) => `${who} is not moved`, advice: itsEvents },
  "recovery-enqueued": { severity: "warning", title: (who) => `${who} is being moved` },
  verified: { severity: "info", title: (who) => `${who} runs where it shall` },
  recovered: { severity: "resolved", title: (who) => `${who} runs where it shall` },
  "revive-requested": { severity: "info", title: (who) => `${who}: somebody asked for a move` },
};

const logLevels = { critical: "error", warning: "warn", resolved: "info", info: "info" } as const;

/** How grave an event's own line in the log is. */
export const logLevelOf = (kind: EventKind): (typeof logLevels)[Severity] =>
  logLevels[wordings[kind].severity];

export const isUrgent = (kind: EventKind): boolean => wordings[kind].urgent === true;

export function messageOf(event: MeshEvent, story: Story | undefined, cluster: string): Message {
  const moving = movingOf(event.worker);
  const subject = moving ?? shortName(event.worker);
  const wording = (moving === undefined ? undefined : ofMoves[event.kind]) ?? wordings[event.kind];
  return {
    // A new leader may tell the end of a recovery again; it is the same message.
    id: digestOf(
      event.recovery === ""
        ? [event.kind, event.worker, event.by, String(event.at)]
        : [event.kind, event.worker, event.recovery],
    ),
    severity: wording.severity,
    title: wording.title(subject),
    text: textOf(event, story, wording.title(subject)),
    evidence: event.evidence.map((one) => `${one.kind} (${one.by}): ${one.text}`),
    advice: wording.advice?.(event) ?? "",
    thread: event.recovery === "" ? "" : threadOf(event.recovery),
    topic: event.recovery === "" ? wording.title(subject) : `${subject}: recovery`,
    opens: event.kind === "recovery-enqueued" || event.recovery === "",
    worker: event.worker,
    kind: event.kind,
    by: event.by,
    cluster,
    at: event.at,
  };
}

/** What the event is about where it is about a move. */
function movingOf(worker: string): string | undefined {
  if (isContainerCase(worker)) return `container ${containerOfCase(worker)}`;
  return isServiceCase(worker) ? `service ${serviceOfCase(worker)}` : undefined;
}

function textOf(event: MeshEvent, story: Story | undefined, title: string): string {
  const at = clockTime(event.at);
  switch (event.kind) {
    case "recovered":
      if (story === undefined) return sentence(event.text);
      return `${title} ${howLong(event.at - story.beganAt)} after its failure was found (${triesText(story.tries)}). ${sentence(event.text)}`.trim();
    case "exhausted":
      if (story === undefined) return sentence(event.text);
      return `Given up at ${at} after ${triesText(story.tries)} in ${howLong(event.at - story.beganAt)}. ${sentence(event.text)}`.trim();
    default:
      return `At ${at}: ${sentence(event.text)}`;
  }
}

/** All that a rate bound held back, in one message. */
export function digestMessage(
  held: readonly Message[],
  cluster: string,
  by: string,
  at: number,
): Message {
  const worst = (["critical", "warning", "resolved", "info"] as const).find((severity) =>
    held.some((one) => one.severity === severity),
  );
  const lines = held.map((one) => `${clockTime(one.at)} ${one.title}${shortThread(one)}`);
  const shown = lines.slice(0, digestLines);
  const rest = lines.length - shown.length;
  return {
    id: digestOf(held.map((one) => one.id)),
    severity: worst ?? "info",
    title: `${held.length} more notifications`,
    text: [...shown, ...(rest > 0 ? [`… and ${rest} more: heartmesh events`] : [])].join("\n"),
    evidence: [],
    advice: "",
    thread: "",
    topic: "More notifications than NOTIFY_RATE allows",
    opens: true,
    worker: "",
    kind: "digest",
    by,
    cluster,
    at,
  };
}

export const testMessage = (cluster: string, by: string, at: number): Message => ({
  id: digestOf(["test", by, String(at)]),
  severity: "info",
  title: "Test of the notifications",
  text: `Coordinator ${by} can reach you through this channel.`,
  evidence: [],
  advice: "",
  thread: "",
  topic: "Test of the notifications",
  opens: true,
  worker: "",
  kind: "test",
  by,
  cluster,
  at,
});

const digestLines = 40;

const shortThread = (message: Message): string =>
  message.thread === "" ? "" : ` [${message.thread}]`;

/** Eight letters that people can compare; the recovery's id is longer. */
const threadOf = (recovery: string): string => digestOf([recovery]).slice(0, 8);

const digestOf = (parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24);

/** Without the host: `h1/web-1` → `web-1`. */
const shortName = (worker: string): string =>
  worker === "" ? "heartmesh" : worker.slice(worker.indexOf("/") + 1);

/** UTC: the trio and its readers may sit in different zones. */
const clockTime = (at: number): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

const triesText = (tries: number): string => (tries === 1 ? "1 try" : `${tries} tries`);

/** `0.8 s`, `12 s`, `3 min 20 s`. */
function howLong(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
