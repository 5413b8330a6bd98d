// The names that a coordinator knows: for the shell's completion, and for a person who misspelt one.

import type { HostsView, WorkerView } from "../../proto/rest.ts";
import { levenshtein } from "../../proto/config-parse.ts";
import type { Client } from "./client.ts";
import type { Subject } from "./verb.ts";

/** Rejects as the client does. A Swarm that cannot be read has no services for now. */
export async function namesOf(client: Client, subject: Subject): Promise<readonly string[]> {
  switch (subject) {
    case "worker":
      return (await client.get<WorkerView[]>("/api/v1/workers")).map(({ id }) => id);
    case "host":
      return hostNames(client);
    case "service":
      return serviceNames(client);
    case "host or service":
      return [...(await hostNames(client)), ...(await serviceNames(client))];
    case "file":
      return [];
  }
}

const hostNames = async (client: Client): Promise<readonly string[]> =>
  (await client.get<HostsView>("/api/v1/hosts")).hosts.map(({ name }) => name);

async function serviceNames(client: Client): Promise<readonly string[]> {
  const { status, text } = await client.ask("GET", "/api/swarm/services");
  if (status !== 200) return [];
  const { data } = JSON.parse(text) as { readonly data: readonly { readonly name: string }[] };
  return data.map(({ name }) => name);
}

/** Those that may have been meant, the likeliest first; at most three. */
export function nearest(asked: string, known: readonly string[]): readonly string[] {
  const wanted = asked.toLowerCase();
  const within = Math.max(1, Math.floor(wanted.length / 3));
  const distance = (name: string): number => {
    const whole = name.toLowerCase();
    const last = whole.slice(whole.lastIndexOf("/") + 1);
    const isPart = wanted.length >= 3 && whole.includes(wanted);
    const typed = Math.min(levenshtein(wanted, whole), levenshtein(wanted, last));
    return isPart ? Math.min(typed, within) : typed;
  };
  return known
    .map((name) => ({ name, distance: distance(name) }))
    .filter((one) => one.distance <= within)
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

export function didYouMean(asked: string, known: readonly string[]): string {
  const near = nearest(asked, known);
  return near.length === 0 ? "" : `Did you mean ${near.join(" or ")}?`;
}
