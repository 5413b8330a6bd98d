// The verbs that ask a coordinator: what each sends, and what it prints of the answer.

import { setTimeout as sleep } from "node:timers/promises";
import { isCoded } from "../../proto/coded-error.ts";
import type {
  CommandView,
  EventView,
  HostsView,
  HostSwitchView,
  NotifyTestView,
  PlanView,
  RecoveryView,
  StatusView,
  WorkerView,
} from "../../proto/rest.ts";
import type { Client } from "./client.ts";
import { backup, restore } from "./backup.ts";
import { coordinators } from "./coordinators.ts";
import { diagnose, doctorText } from "./doctor.ts";
import { explainText } from "./explain.ts";
import { hostsText, hostSwitchText, planText } from "./host-words.ts";
import { print } from "./print.ts";
import { record } from "./record.ts";
import type { Terminal } from "./terminal.ts";
import { eventText, notifyTestText, recoveriesText, statusText, workersText } from "./words.ts";

/** Options as given; a verb that does not know one is never called with it. */
export interface VerbOptions {
  readonly json: boolean;
  readonly reason?: string;
  readonly for?: string;
  readonly limit?: string;
  readonly worker?: string;
  readonly kind?: string;
  readonly follow?: boolean;
  readonly out?: string;
  readonly replace?: boolean;
}

export interface VerbCall {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly options: VerbOptions;
  /** The worker or host, where the verb wants one. */
  readonly subject: string;
  /** What stands behind the verb, where it takes words. */
  readonly words: readonly string[];
  /** Aborts what has no end of its own. */
  readonly signal: AbortSignal;
}

export interface Verb {
  readonly usage: string;
  readonly text: string;
  /** Options beyond --json and --url. */
  readonly options: readonly Exclude<keyof VerbOptions, "json">[];
  readonly needs?: readonly Exclude<keyof VerbOptions, "json">[];
  /** It stands behind the verb. */
  readonly wants?: "worker" | "host" | "service" | "file";
  readonly takesWords?: true;
  /** The exit code. */
  readonly run: (call: VerbCall) => Promise<number>;
}

const pathOf = (worker: string): string => `/api/v1/workers/${encodeURIComponent(worker)}`;

const commandText = ({ text, recovery }: CommandView): string =>
  recovery === null ? text : `${text} (recovery ${recovery})`;

export const verbs: Readonly<Record<string, Verb>> = {
  status: {
    usage: "status",
    text: "the coordinator that is asked, and what it sees",
    options: [],
    run: async (call) =>
      print(call, await call.client.get<StatusView>("/api/v1/status"), statusText),
  },
  workers: {
    usage: "workers",
    text: "all workers and their verdicts",
    options: [],
    run: async (call) =>
      print(call, await call.client.get<WorkerView[]>("/api/v1/workers"), workersText),
  },
  explain: {
    usage: "explain <worker>",
    text: "why a worker has its verdict, and what was done about it",
    options: [],
    wants: "worker",
    run: explain,
  },
  hosts: {
    usage: "hosts",
    text: "the engines' hosts, and all nodes of the Swarm",
    options: [],
    run: async (call) => print(call, await call.client.get<HostsView>("/api/v1/hosts"), hostsText),
  },
  plan: {
    usage: "plan <host>",
    text: "what would happen to its services if it fell out; nothing is changed",
    options: [],
    wants: "host",
    run: async (call) => {
      const path = `/api/v1/hosts/${encodeURIComponent(call.subject)}/plan`;
      return print(call, await call.client.get<PlanView>(path), planText);
    },
  },
  drain: {
    usage: "drain <host> [--reason TEXT]",
    text: "empty it for maintenance, and what follows for its services",
    options: ["reason"],
    wants: "host",
    run: (call) => switchHost(call, "drain"),
  },
  activate: {
    usage: "activate <host> [--reason TEXT]",
    text: "give it work again",
    options: ["reason"],
    wants: "host",
    run: (call) => switchHost(call, "activate"),
  },
  failback: {
    usage: "failback <host or service>",
    text: "bring back what was moved away from it, or the service",
    options: [],
    wants: "host",
    run: failback,
  },
  migrate: {
    usage: "migrate <service>",
    text: "say that a fenced service has ended where it ran, so that it may start elsewhere",
    options: [],
    wants: "service",
    run: async (call) => {
      const path = `/api/v1/services/${encodeURIComponent(call.subject)}/migrate`;
      return print(call, await call.client.post<CommandView>(path, undefined), commandText);
    },
  },
  revive: {
    usage: "revive <worker> [--reason TEXT]",
    text: "revive it now",
    options: ["reason"],
    wants: "worker",
    run: async (call) => {
      const { reason } = call.options;
      const path = `${pathOf(call.subject)}/revive`;
      const body = reason === undefined ? undefined : { reason };
      return print(call, await call.client.post<CommandView>(path, body), commandText);
    },
  },
  silence: {
    usage: "silence <worker> --for 1h --reason TEXT",
    text: "leave it alone for a while",
    options: ["for", "reason"],
    needs: ["for", "reason"],
    wants: "worker",
    run: async (call) => {
      const body = { for: call.options.for, reason: call.options.reason };
      const path = `${pathOf(call.subject)}/silence`;
      return print(call, await call.client.post<CommandView>(path, body), commandText);
    },
  },
  unsilence: {
    usage: "unsilence <worker>",
    text: "care for it again",
    options: [],
    wants: "worker",
    run: async (call) => {
      const path = `${pathOf(call.subject)}/silence`;
      return print(call, await call.client.delete<CommandView>(path), commandText);
    },
  },
  release: {
    usage: "release <worker>",
    text: "end its quarantine",
    options: [],
    wants: "worker",
    run: async (call) => {
      const path = `${pathOf(call.subject)}/quarantine`;
      return print(call, await call.client.delete<CommandView>(path), commandText);
    },
  },
  coordinators: {
    usage: "coordinators [add ID=HOST:PORT | remove ID]",
    text: "who the coordinators are; add or remove one",
    options: [],
    takesWords: true,
    run: coordinators,
  },
  recoveries: {
    usage: "recoveries [--worker ID] [--limit N]",
    text: "recoveries, newest first",
    options: ["worker", "limit"],
    run: async (call) => {
      const path = `/api/v1/recoveries?${queryOf(call.options, "20")}`;
      const page = await call.client.get<RecoveryView[]>(path);
      return print(call, page, (all) => recoveriesText(all, call.terminal.now()));
    },
  },
  events: {
    usage: "events [--follow] [--worker ID] [--kind KIND] [--limit N]",
    text: "events, oldest of them first; --follow goes on",
    options: ["follow", "worker", "kind", "limit"],
    run: events,
  },
  "notify-test": {
    usage: "notify-test",
    text: "send a test message through every channel",
    options: [],
    run: async (call) => {
      const view = await call.client.post<NotifyTestView>("/api/v1/notify-test");
      print(call, view, notifyTestText);
      return view.channels.every((one) => one.ok) ? 0 : 1;
    },
  },
  record: {
    usage: "record [--out FILE]",
    text: "the coordinator's last minutes as a file, to be replayed",
    options: ["out"],
    run: record,
  },
  backup: {
    usage: "backup [FILE]",
    text: "templates, policies, clusters, silences and quarantines as a file",
    options: [],
    takesWords: true,
    run: backup,
  },
  restore: {
    usage: "restore <file> [--replace]",
    text: "put back what a backup holds; --replace also what is there and differs",
    options: ["replace"],
    wants: "file",
    run: restore,
  },
  doctor: {
    usage: "doctor",
    text: "what should be mended; exit code 1 where something is found",
    options: [],
    run: async (call) => {
      const [status, workers] = await Promise.all([
        call.client.get<StatusView>("/api/v1/status"),
        call.client.get<WorkerView[]>("/api/v1/workers"),
      ]);
      const findings = diagnose(status, workers);
      print(call, findings, doctorText);
      return findings.length === 0 ? 0 : 1;
    },
  },
  healthcheck: {
    usage: "healthcheck",
    text: "exit code 0 while the coordinator answers; for Docker's HEALTHCHECK",
    options: [],
    run: async ({ client, terminal }) => {
      const { status, text } = await client.ask("GET", "/livez", undefined, 3000);
      terminal.out(text.trim());
      return status === 200 ? 0 : 1;
    },
  },
};

async function switchHost(call: VerbCall, what: "drain" | "activate"): Promise<number> {
  const { reason } = call.options;
  const path = `/api/v1/hosts/${encodeURIComponent(call.subject)}/${what}`;
  const body = reason === undefined ? undefined : { reason };
  return print(call, await call.client.post<HostSwitchView>(path, body), hostSwitchText);
}

async function explain(call: VerbCall): Promise<number> {
  const { client, terminal } = call;
  const worker = await client.get<WorkerView>(pathOf(call.subject));
  const query = `worker=${encodeURIComponent(worker.id)}`;
  const [recoveries, events] = await Promise.all([
    ifReadable(client.get<RecoveryView[]>(`/api/v1/recoveries?limit=5&${query}`)),
    ifReadable(client.get<EventView[]>(`/api/v1/events?limit=10&${query}`)),
  ]);
  return print(call, { worker, recoveries, events }, (all) => explainText(all, terminal.now()));
}

/** The record needs Redis; the rest is worth telling without it. */
async function ifReadable<View>(asked: Promise<View>): Promise<View | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isCoded(error, "HM_REFUSED")) return undefined;
    throw error;
  }
}

function queryOf(options: VerbOptions, limit: string): string {
  const query = new URLSearchParams({ limit: options.limit ?? limit });
  if (options.worker !== undefined) query.set("worker", options.worker);
  if (options.kind !== undefined) query.set("kind", options.kind);
  return query.toString();
}

async function events(call: VerbCall): Promise<number> {
  const { client, options } = call;
  const query = queryOf(options, "50");
  const show = (event: EventView): void => {
    const now = call.terminal.now();
    call.terminal.out(options.json ? JSON.stringify(event) : eventText(event, now));
  };
  const page = await client.get<EventView[]>(`/api/v1/events?${query}`);
  for (const event of page.toReversed()) show(event);
  // What happens between the page and the stream is repeated by the stream.
  if (options.follow === true) await follow(call, query, `${page[0]?.atMs ?? 0}-`, show);
  return 0;
}

/** Until it is interrupted; a coordinator that goes away is asked again, from where it broke off. */
async function follow(
  { client, signal, terminal }: VerbCall,
  query: string,
  from: string,
  show: (event: EventView) => void,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let lastId = from;
  while (!isOver()) {
    try {
      for await (const { id, data } of client.stream(`/api/v1/events?${query}`, lastId, signal)) {
        lastId = id;
        show(JSON.parse(data) as EventView);
      }
    } catch (error) {
      if (isOver()) return;
      if (isCoded(error, "HM_REFUSED")) throw error;
      terminal.err(error instanceof Error ? error.message : String(error));
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
}

/** A name of both is the host's. */
async function failback(call: VerbCall): Promise<number> {
  const { client, subject } = call;
  const { hosts } = await client.get<HostsView>("/api/v1/hosts");
  const isHost = hosts.some(({ id, name }) => id === subject || name === subject);
  const path = `/api/v1/${isHost ? "hosts" : "services"}/${encodeURIComponent(subject)}/failback`;
  return print(call, await client.post<CommandView>(path, undefined), commandText);
}
