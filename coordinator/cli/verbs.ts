// The verbs that ask a coordinator: how each is called, and what does it.

import type { HostsView, NotifyTestView, PlanView } from "../../proto/rest.ts";
import { backup, restore } from "./backup.ts";
import { coordinators } from "./coordinators.ts";
import { end, failback, migrate, revive, silence, switchHost } from "./deeds.ts";
import { doctor } from "./doctor.ts";
import { events, recoveries } from "./events.ts";
import { exits } from "./exit-codes.ts";
import { explain } from "./explaining.ts";
import { areHostsWell, hostsText, planText } from "./host-words.ts";
import { print } from "./print.ts";
import { queues } from "./queues.ts";
import { record } from "./record.ts";
import { status, workers } from "./standing.ts";
import type { Verb, VerbCall } from "./verb.ts";
import { notifyTestText } from "./words.ts";

const looking: Readonly<Record<string, Verb>> = {
  status: {
    usage: "status",
    text: "the coordinator that is asked, and what it sees",
    more: "Exit code 3 where it is not ready, abstains, the brake has tripped, or a worker is neither healthy nor starting nor left alone on purpose.",
    options: [],
    run: status,
  },
  workers: {
    usage: "workers",
    text: "all workers and their verdicts",
    more: "Exit code 3 where one is neither healthy nor starting, nor paused by a person, nor unwatched; or is in quarantine.",
    options: [],
    run: workers,
  },
  explain: {
    usage: "explain [<worker>] [--at TIME]",
    text: "why a worker has its verdict, and what was done about it",
    more: "With --at: what was known and done around that moment, of the worker, or of everything where none is named.",
    options: ["at"],
    wants: "worker",
    mayLackSubject: true,
    run: explain,
  },
  hosts: {
    usage: "hosts",
    text: "the engines' hosts, and all nodes of the Swarm",
    more: "Exit code 3 where one is dead, down or unreachable, or its engine or agent is not well.",
    options: [],
    run: async (call) => {
      const view = await call.client.get<HostsView>("/api/v1/hosts");
      print(call, view, hostsText);
      return areHostsWell(view) ? exits.done : exits.unwell;
    },
  },
  recoveries: {
    usage: "recoveries [--worker ID] [--limit N]",
    text: "recoveries, newest first",
    options: ["worker", "limit"],
    run: recoveries,
  },
  events: {
    usage: "events [-f] [--worker ID] [--kind KIND] [--limit N]",
    text: "events, oldest of them first; -f goes on",
    options: ["follow", "worker", "kind", "limit"],
    run: events,
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
  queues: {
    usage: "queues",
    text: "how many jobs wait, run, are put off and have failed, and why the last ones did",
    options: [],
    run: queues,
  },
};

const doing: Readonly<Record<string, Verb>> = {
  revive: {
    usage: "revive <worker> [--reason TEXT] [--wait]",
    text: "revive it now",
    more: "Begins a recovery although nothing failed, or in spite of quarantine. With --wait: 0 it recovered, 3 it was given up, 4 another recovery took its place, 5 it is still under way.",
    options: ["reason", "wait", "timeout"],
    wants: "worker",
    run: revive,
  },
  silence: {
    usage: "silence <worker> --for 1h --reason TEXT",
    text: "leave it alone for a while",
    options: ["for", "reason"],
    needs: ["for", "reason"],
    wants: "worker",
    run: silence,
  },
  unsilence: {
    usage: "unsilence <worker>",
    text: "care for it again",
    options: [],
    wants: "worker",
    run: (call) => end(call, "silence"),
  },
  release: {
    usage: "release <worker>",
    text: "end its quarantine",
    options: [],
    wants: "worker",
    run: (call) => end(call, "quarantine"),
  },
  drain: {
    usage: "drain <host> [--reason TEXT] [--wait]",
    text: "empty it for maintenance, and what follows for its services",
    more: "With --wait: until none of its tasks runs any more and the moves of its services have ended; 3 where a move was given up.",
    options: ["reason", "wait", "timeout"],
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
  migrate: {
    usage: "migrate <service> [--wait]",
    text: "say that a fenced service has ended where it ran, so that it may start elsewhere",
    more: "Nobody can tell that of a host without a live agent. Say it only when the host is off, or the service has ended there: otherwise it runs twice.",
    options: ["wait", "timeout"],
    wants: "service",
    run: migrate,
  },
  failback: {
    usage: "failback <host or service> [--wait]",
    text: "bring back what was moved away from the host, or the service",
    more: "--wait follows one service.",
    options: ["wait", "timeout"],
    wants: "host or service",
    run: failback,
  },
};

const keeping: Readonly<Record<string, Verb>> = {
  coordinators: {
    usage: "coordinators [add ID=HOST:PORT | remove ID]",
    text: "who the coordinators are; add or remove one",
    options: [],
    words: ["add", "remove"],
    run: coordinators,
  },
  notify: {
    usage: "notify test",
    text: "send a test message through every channel; also notify-test",
    options: [],
    words: ["test"],
    run: async (call) => {
      if (call.words.join(" ") === "test") return notifyTest(call);
      call.terminal.err("heartmesh: expected heartmesh notify test");
      return exits.misunderstood;
    },
  },
  "notify-test": {
    usage: "notify-test",
    text: "as notify test",
    options: [],
    run: notifyTest,
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
    words: [],
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
    text: "what should be mended before the night; exit code 1 where errors or warnings are found",
    more: "Asks every coordinator by way of the one that answers. Where none answers it looks at its own environment: configuration, sockets, Redis, disk and ports.",
    options: [],
    run: doctor,
  },
  healthcheck: {
    usage: "healthcheck",
    text: "exit code 0 while the coordinator answers; for Docker's HEALTHCHECK",
    options: [],
    run: async ({ client, terminal }) => {
      const { status: answered, text } = await client.ask("GET", "/livez", undefined, 3000);
      terminal.out(text.trim());
      return answered === 200 ? exits.done : exits.failed;
    },
  },
};

export const verbs: Readonly<Record<string, Verb>> = { ...looking, ...doing, ...keeping };

async function notifyTest(call: VerbCall): Promise<number> {
  const view = await call.client.post<NotifyTestView>("/api/v1/notify-test");
  print(call, view, notifyTestText);
  const isTold = view.channels.length > 0 && view.channels.every((one) => one.ok);
  return isTold ? exits.done : exits.failed;
}
