// The counters of the summary, by the names that Prometheus knows.

import type { Exposition } from "./exposition.ts";

interface Metric {
  /** Without `heartmesh_` and `_total`. */
  readonly name: string;
  readonly help: string;
  /** Of ms: shown in seconds. */
  readonly isTime?: true;
}

/** By their names in the summary. */
const metrics: Readonly<Record<string, Metric>> = {
  pings: { name: "pings", help: "PINGs sent to workers, repeated ones included." },
  checks: { name: "checks", help: "Checks of workers that this coordinator made itself." },
  answers: { name: "answers", help: "Questions to workers that were answered." },
  failedAttempts: {
    name: "attempts_failed",
    help: "Attempts to hear a worker that ended without an answer, by PINGs or by a check.",
  },
  doubts: { name: "doubts", help: "Doubts of workers begun: a PING was not answered in time." },
  doubtsEnded: { name: "doubts_ended", help: "Doubts that ended with an answer." },
  downs: { name: "downs", help: "Workers that this coordinator by itself held for down." },
  refusals: { name: "refusals", help: "PINGs that came back refused." },
  hastened: { name: "hastened", help: "Questions asked at once since another doubted." },
  lateness: {
    name: "lateness_seconds",
    help: "Lateness of our own ticks that was added to what workers are given.",
    isTime: true,
  },
  stalls: { name: "stalls", help: "Ticks of the mesh thread that came more than 50 ms late." },
  jumps: { name: "clock_jumps", help: "Times that this coordinator was suspended or paused." },
  drops: { name: "queue_overflows", help: "Times that its own queue of inputs was full." },
  "elections-started": { name: "elections_started", help: "Times that it stood for election." },
  "elections-won": { name: "elections_won", help: "Times that it became the leader." },
  "leases-ended": { name: "leases_ended", help: "Times that its lease ended while it led." },
  "messages-of-no-member": {
    name: "messages_of_no_member",
    help: "Messages of coordinators that are not of the set.",
  },
  "host-knocks": { name: "host_knocks", help: "Knocks at hosts whose agent was not heard." },
  "host-verdicts": { name: "host_verdicts", help: "Changes of what is concluded of hosts." },
  "datagrams-sent": { name: "datagrams_sent", help: "Datagrams sent." },
  "datagrams-received": { name: "datagrams_received", help: "Datagrams received." },
  "datagrams-unsent": { name: "datagrams_unsent", help: "Datagrams that could not be sent." },
  "socket-errors": { name: "socket_errors", help: "Errors of the mesh's socket." },
};

/** Of what was received and came to nothing: the label `reason`. What the seal refuses is called `dropped-<reason>`. */
const dropReasons: Readonly<Record<string, string>> = {
  unknownNonces: "unknown-nonce",
  strangers: "stranger",
  "host-strangers": "host-stranger",
  "inputs-dropped": "queue-full",
};
const dropped = "dropped-";

/** Undefined where it is no datagram that was dropped. */
const dropReasonOf = (name: string): string | undefined =>
  dropReasons[name] ?? (name.startsWith(dropped) ? name.slice(dropped.length) : undefined);

/** Whether a counter of that name is shown. */
export const isShown = (name: string): boolean =>
  metrics[name] !== undefined || dropReasonOf(name) !== undefined;

export function showCounters(text: Exposition, counters: Readonly<Record<string, number>>): void {
  for (const [name, { name: shown, help, isTime = false }] of Object.entries(metrics)) {
    // From 0 on, so that the first one is an increase.
    const value = counters[name] ?? 0;
    text.counter(`heartmesh_${shown}_total`, help, isTime ? value / 1000 : value);
  }
  text.counter(
    "heartmesh_datagrams_dropped_total",
    "Datagrams that were received and came to nothing, by reason.",
    Object.entries(counters).flatMap(([name, value]) => {
      const reason = dropReasonOf(name);
      return reason === undefined ? [] : [[{ reason }, value] as const];
    }),
  );
}
