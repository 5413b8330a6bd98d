// The verbs that change something: each says what it asks of the leader, and with --wait follows what comes of it.

import type {
  CommandView,
  HostsView,
  HostSwitchView,
  PlanView,
  WorkerView,
} from "../../proto/rest.ts";
import { exits } from "./exit-codes.ts";
import { hostSwitchText } from "./host-words.ts";
import { print } from "./print.ts";
import { commandText, lookOf, workerPath, type VerbCall } from "./verb.ts";
import { endedBefore, followDrain, followRecovery, timeoutOf } from "./waiting.ts";

export async function revive(call: VerbCall): Promise<number> {
  const { reason, wait } = call.options;
  const body = reason === undefined ? undefined : { reason };
  const ask = (worker: string): Promise<CommandView> =>
    call.client.post<CommandView>(`${workerPath(worker)}/revive`, body);
  if (wait !== true) return print(call, await ask(call.subject), commandText);
  const { id } = await call.client.get<WorkerView>(workerPath(call.subject));
  return andFollow(call, id, () => ask(id));
}

export async function migrate(call: VerbCall): Promise<number> {
  const { subject } = call;
  const ask = (): Promise<CommandView> =>
    call.client.post<CommandView>(`/api/v1/services/${encodeURIComponent(subject)}/migrate`);
  if (call.options.wait !== true) return print(call, await ask(), commandText);
  return andFollow(call, subject.startsWith("plain:") ? subject : `swarm:${subject}`, ask);
}

/** A name of both is the host's. */
export async function failback(call: VerbCall): Promise<number> {
  const { client, subject, terminal } = call;
  const { hosts } = await client.get<HostsView>("/api/v1/hosts");
  const isHost = hosts.some(({ id, name }) => id === subject || name === subject);
  const path = `/api/v1/${isHost ? "hosts" : "services"}/${encodeURIComponent(subject)}/failback`;
  const ask = (): Promise<CommandView> => client.post<CommandView>(path);
  if (call.options.wait !== true) return print(call, await ask(), commandText);
  if (!isHost) return andFollow(call, `swarm:${subject}`, ask);
  terminal.err(`heartmesh: --wait follows one service; ${subject} is a host`);
  return exits.misunderstood;
}

export async function silence(call: VerbCall): Promise<number> {
  const body = { for: call.options.for, reason: call.options.reason };
  const path = `${workerPath(call.subject)}/silence`;
  return print(call, await call.client.post<CommandView>(path, body), commandText);
}

/** @param what of the worker is ended */
export async function end(call: VerbCall, what: "silence" | "quarantine"): Promise<number> {
  const path = `${workerPath(call.subject)}/${what}`;
  return print(call, await call.client.delete<CommandView>(path), commandText);
}

export async function switchHost(call: VerbCall, what: "drain" | "activate"): Promise<number> {
  const { reason, wait, json } = call.options;
  const timeout = timeoutOf(call);
  if (timeout === undefined) return exits.misunderstood;
  const host = `/api/v1/hosts/${encodeURIComponent(call.subject)}`;
  const moving = new Map<string, ReadonlySet<string>>();
  if (wait === true) {
    const { services } = await call.client.get<PlanView>(`${host}/plan`);
    for (const { name, action } of services) {
      if (action !== "move") continue;
      moving.set(`swarm:${name}`, await endedBefore(call, `swarm:${name}`));
    }
  }
  const body = reason === undefined ? undefined : { reason };
  const view = await call.client.post<HostSwitchView>(`${host}/${what}`, body);
  if (wait !== true) return print(call, view, hostSwitchText);
  if (!json) call.terminal.out(hostSwitchText(view, lookOf(call)));
  const { host: place, services } = view.plan;
  const names = services.map(({ name }) => name);
  return followDrain(call, { host: place.name, services: names, moving }, timeout);
}

async function andFollow(
  call: VerbCall,
  worker: string,
  ask: () => Promise<CommandView>,
): Promise<number> {
  const timeout = timeoutOf(call);
  if (timeout === undefined) return exits.misunderstood;
  const ended = await endedBefore(call, worker);
  const taken = await ask();
  if (!call.options.json) call.terminal.out(commandText(taken));
  return followRecovery(call, worker, ended, timeout);
}
