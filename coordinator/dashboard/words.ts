// How the words of the API look and read on a page. Every look has a mark beside its colour.

/** Of colour and mark together: `good` needs nothing, `busy` is on its way, `warn` is watched, `bad` has failed, `calm` is left alone. */
export type Tone = "good" | "busy" | "warn" | "bad" | "calm";

/** The mark of a tone: read without its colour. */
export const markOf: Readonly<Record<Tone, string>> = {
  good: "●",
  busy: "◐",
  warn: "▲",
  bad: "✕",
  calm: "–",
};

const verdictTones: Readonly<Record<string, Tone>> = {
  healthy: "good",
  starting: "busy",
  unhealthy: "bad",
  partial: "warn",
  silent: "bad",
  "agent-lost": "warn",
  stopped: "bad",
  paused: "calm",
  gone: "bad",
  unwatched: "calm",
  stranded: "bad",
  away: "warn",
  unknown: "calm",
  // Of hosts.
  dead: "bad",
  "engine-unhealthy": "warn",
  draining: "busy",
  // Of Swarm's nodes, tasks and grades.
  ready: "good",
  down: "bad",
  disconnected: "bad",
  running: "good",
  failed: "bad",
  rejected: "bad",
  degraded: "warn",
  critical: "bad",
  active: "good",
  pause: "calm",
  drain: "calm",
  complete: "calm",
  shutdown: "calm",
  remove: "calm",
  orphaned: "bad",
  // Of updates.
  completed: "good",
  updating: "busy",
  rollback_started: "warn",
  rollback_paused: "bad",
  rollback_completed: "warn",
  // Of clusters, their nodes and calls.
  joined: "good",
  joining: "busy",
  leaving: "calm",
  lost: "bad",
  deleting: "calm",
  done: "good",
  missing: "bad",
  waiting: "warn",
  exited: "bad",
  // Of stacks.
  created: "good",
  changed: "busy",
  unchanged: "calm",
  removed: "bad",
  kept: "calm",
  // Of recoveries.
  recovered: "good",
  exhausted: "bad",
  superseded: "calm",
};

/** A word that is not known is on its way to somewhere. */
export const toneOf = (word: string): Tone => verdictTones[word] ?? "busy";

/** What a verdict says, for somebody who reads it for the first time. */
export const verdictMeans: Readonly<Record<string, string>> = {
  healthy: "answers, and its check passes",
  starting: "runs, and is still within its start period",
  unhealthy: "answers, and its check fails",
  partial: "some coordinators hear it, some do not",
  silent: "a quorum of coordinators hears nothing of it",
  "agent-lost": "runs, but its agent does not",
  stopped: "its container does not run",
  paused: "its container is paused, by somebody's wish",
  gone: "its container was removed",
  unwatched: "was never heard and has no check",
  stranded: "its host is dead or being emptied",
  away: "was moved, and is not back yet",
  unknown: "nothing is known yet",
};

export const stageWords: Readonly<Record<string, string>> = {
  waiting: "waits",
  enqueueing: "being enqueued",
  enqueued: "enqueued",
  acting: "acting",
  verifying: "verifying",
  "backing-off": "waits for the next try",
};

export const roleWords: Readonly<Record<string, string>> = {
  leader: "leader",
  follower: "follower",
  candidate: "candidate",
  "pre-candidate": "asks for votes",
};

/** Tones from what wants attention first to what wants none. */
export const gravest: readonly Tone[] = ["bad", "warn", "busy", "calm", "good"];

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** `swarm-changed` → `Swarm changed`. */
export const sentenceCase = (word: string): string => {
  const text = word.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** `h1/shop-web-1` → `shop-web-1`. */
export const shortName = (id: string): string => id.slice(id.lastIndexOf("/") + 1);
