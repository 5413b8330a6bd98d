// `heartmesh explain`: asks for all that tells why a worker is as it is, or what was known and done around a moment of the past.

import { isCoded } from "../../proto/coded-error.ts";
import { parseDuration } from "../../proto/config-parse.ts";
import type { EventView, RecoveryView, WorkerView } from "../../proto/rest.ts";
import type { Client } from "./client.ts";
import { exits } from "./exit-codes.ts";
import { explainText, momentText, type Moment } from "./explain.ts";
import { print } from "./print.ts";
import { workerPath, type VerbCall } from "./verb.ts";

/** What is shown around a moment. */
const around = { before: 10 * 60_000, after: 5 * 60_000 } as const;
const eventsShown = 200;
const pageSize = 1000;
const pagesRead = 10;
const recoveriesShown = 20;
const day = 86_400_000;

export async function explain(call: VerbCall): Promise<number> {
  const { client, options, subject, terminal } = call;
  if (options.at !== undefined) {
    const at = momentOf(options.at, terminal.now());
    if (at === undefined) {
      terminal.err(
        `heartmesh: --at "${options.at}" is no moment of the past; expected 3h (ago), 2026-11-22T03:12 (UTC), or the same with Z or +02:00 behind it`,
      );
      return exits.misunderstood;
    }
    return print(call, await momentAt(client, subject, at), momentText);
  }
  if (subject === "") {
    terminal.err("heartmesh: name one worker, or a moment by --at");
    return exits.misunderstood;
  }
  const worker = await client.get<WorkerView>(workerPath(subject));
  const query = `worker=${encodeURIComponent(worker.id)}`;
  const [recoveries, events] = await Promise.all([
    ifReadable(client.get<RecoveryView[]>(`/api/v1/recoveries?limit=5&${query}`)),
    ifReadable(client.get<EventView[]>(`/api/v1/events?limit=10&${query}`)),
  ]);
  return print(call, { worker, recoveries, events }, explainText);
}

/** In Unix ms; undefined where it is none, or lies ahead. A zone that is not told is UTC, as in all that is printed. */
export function momentOf(text: string, now: number): number | undefined {
  const date =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (date !== null) {
    const [, day_ = "", time = "00:00", zone = "Z"] = date;
    const at = Date.parse(`${day_}T${time}${zone}`);
    return Number.isNaN(at) || at > now ? undefined : at;
  }
  const days = /^(\d{1,3})d$/.exec(text)?.[1];
  if (days !== undefined) return now - Number(days) * day;
  const ago = parseDuration(text);
  return ago.ok ? now - ago.value : undefined;
}

async function momentAt(client: Client, worker: string, at: number): Promise<Moment> {
  const subject = worker === "" ? "" : await fullId(client, worker);
  const query = subject === "" ? "" : `&worker=${encodeURIComponent(subject)}`;
  const [from, to] = [at - around.before, at + around.after];
  // Their ids begin with the time at which they were written down, a moment after the event.
  const [within, [standing]] = await Promise.all([
    eventsBetween(client, from, to, query),
    subject === ""
      ? [undefined]
      : client.get<EventView[]>(
          `/api/v1/events?limit=1&kind=verdict-changed&before=${at + 1}-0${query}`,
        ),
  ]);
  const events = nearest(within, at);
  const ids = [...new Set(within.map(({ recovery }) => recovery).filter((id) => id !== ""))];
  const found = await Promise.all(
    ids
      .slice(0, recoveriesShown)
      .map((id) =>
        ifReadable(client.get<RecoveryView>(`/api/v1/recoveries/${encodeURIComponent(id)}`)),
      ),
  );
  const recoveries = found
    .filter((one) => one !== undefined)
    .toSorted((a, b) => a.detectedAtMs - b.detectedAtMs);
  const untold = within.length - events.length;
  return {
    atMs: at,
    fromMs: from,
    toMs: to,
    worker: subject,
    standing,
    recoveries,
    events,
    untold,
  };
}

/** Newest first; of a time of which more is on record than a person reads, the latest part. */
async function eventsBetween(
  client: Client,
  from: number,
  to: number,
  query: string,
): Promise<readonly EventView[]> {
  const found: EventView[] = [];
  let before = `${to}-0`;
  for (let pages = 0; pages < pagesRead; pages++) {
    const page = await client.get<EventView[]>(
      `/api/v1/events?limit=${pageSize}&from=${from}&before=${before}${query}`,
    );
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) break;
    before = last.id;
  }
  return found;
}

/** One that is not watched any more is asked for as it was written. */
async function fullId(client: Client, worker: string): Promise<string> {
  const { status, text } = await client.ask("GET", workerPath(worker));
  return status === 200 ? (JSON.parse(text) as WorkerView).id : worker;
}

/** Oldest first: those that are nearest to the moment, where there are many. */
function nearest(events: readonly EventView[], at: number): readonly EventView[] {
  const distance = ({ atMs }: EventView): number => Math.abs(atMs - at);
  return events
    .toSorted((a, b) => distance(a) - distance(b))
    .slice(0, eventsShown)
    .toSorted((a, b) => a.atMs - b.atMs);
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
