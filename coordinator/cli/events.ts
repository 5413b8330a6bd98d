// `heartmesh events` and `heartmesh recoveries`: what happened, and with --follow what happens.

import { setTimeout as sleep } from "node:timers/promises";
import { isCoded } from "../../proto/coded-error.ts";
import type { EventView, RecoveryView } from "../../proto/rest.ts";
import { print } from "./print.ts";
import { lookOf, type VerbCall, type VerbOptions } from "./verb.ts";
import { eventText, recoveriesText } from "./words.ts";

export async function recoveries(call: VerbCall): Promise<number> {
  const path = `/api/v1/recoveries?${queryOf(call.options, "20")}`;
  return print(call, await call.client.get<RecoveryView[]>(path), recoveriesText);
}

export async function events(call: VerbCall): Promise<number> {
  const { client, options, terminal } = call;
  const query = queryOf(options, "50");
  const show = (event: EventView): void => {
    terminal.out(options.json ? JSON.stringify(event) : eventText(event, lookOf(call)));
  };
  const page = await client.get<EventView[]>(`/api/v1/events?${query}`);
  for (const event of page.toReversed()) show(event);
  // What happens between the page and the stream is repeated by the stream.
  if (options.follow === true) await follow(call, query, `${page[0]?.atMs ?? 0}-`, show);
  return 0;
}

function queryOf(options: VerbOptions, limit: string): string {
  const query = new URLSearchParams({ limit: options.limit ?? limit });
  if (options.worker !== undefined) query.set("worker", options.worker);
  if (options.kind !== undefined) query.set("kind", options.kind);
  return query.toString();
}

/** Until it is interrupted; a coordinator that goes away is asked again, from where it broke off. */
async function follow(
  { client, signal, terminal, progress }: VerbCall,
  query: string,
  from: string,
  show: (event: EventView) => void,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  progress.tell("waiting for events");
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
