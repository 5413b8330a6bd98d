// The one file that talks to the network: who is signed in, the live picture, what is asked and what is done.

import { computed, reactive, readonly, ref, shallowRef } from "vue";
import type {
  EventView,
  LeftToPeople,
  LiveChange,
  LiveView,
  OpenRecovery,
  Problem,
  SessionView,
  StatusView,
  WorkerRow,
} from "../../proto/rest.ts";
import { mayAct, type Role } from "../../proto/roles.ts";

/** `live`: events come by themselves. `polling`: they are asked for. `lost`: nobody answers, what is shown is old. */
export type Connection = "connecting" | "live" | "polling" | "lost";

export class Refused extends Error {
  readonly status: number;
  readonly problems: readonly string[];

  constructor(status: number, detail: string, problems: readonly string[] = []) {
    super(detail);
    this.status = status;
    this.problems = problems;
  }
}

const eventsKept = 60;
/** Without a byte for so long the stream is taken for dead; the server says "still here" every 15 s. ms */
const silenceBound = 40_000;
const pollEvery = 1_000;
const answerWithin = 15_000;

const session = ref<SessionView>();
const status = ref<StatusView>();
const workerById = new Map<string, WorkerRow>();
const workers = shallowRef<readonly WorkerRow[]>([]);
const shapes = shallowRef<readonly WorkerRow[]>([]);
const recoveries = shallowRef<readonly OpenRecovery[]>([]);
const left = shallowRef<readonly LeftToPeople[]>([]);
const events = shallowRef<readonly EventView[]>([]);
const connection = ref<Connection>("connecting");
const heardAt = ref(0);
/** The server's clock less ours, ms. */
const skew = ref(0);
const now = ref(Date.now());
const announcements = reactive<{ id: number; text: string; isBad: boolean }[]>([]);

setInterval(() => {
  now.value = Date.now() + skew.value;
}, 500);

export const store = {
  session: readonly(session),
  status: readonly(status),
  /** By id, as last told. */
  workers,
  /** The same, but a new list only when a verdict, a host, a stage or a mark has changed: round trips change every second. */
  shapes,
  recoveries,
  /** What waits for a person. */
  left,
  events,
  connection: readonly(connection),
  /** When the picture was last heard, by the server's clock. */
  heardAt: readonly(heardAt),
  /** The server's clock, twice a second. */
  now: readonly(now),
  announcements,
  isSignedIn: computed(() => session.value !== undefined && session.value.role !== null),
};

/** Undefined where it is not watched (any more). */
export const workerOf = (id: string): WorkerRow | undefined =>
  store.workers.value.length === 0 ? undefined : workerById.get(id);

/** Buttons that a role may not use are absent. */
export function may(needed: Role): boolean {
  const own = session.value?.role;
  return own !== undefined && own !== null && mayAct(own, needed);
}

/** Asks who is signed in, and follows the picture where somebody is. */
export async function begin(): Promise<void> {
  session.value = await ask<SessionView>("GET", "/api/v1/session");
  if (store.isSignedIn.value) follow();
}

export async function signIn(token: string): Promise<void> {
  session.value = await ask<SessionView>("POST", "/api/v1/session", { token });
  follow();
}

export async function signOut(): Promise<void> {
  stop();
  await ask("DELETE", "/api/v1/session");
  session.value = await ask<SessionView>("GET", "/api/v1/session");
}

/** For what a person must not miss; it is read to those who cannot see. */
export function announce(text: string, isBad = false): void {
  const id = Date.now() + Math.random();
  announcements.push({ id, text, isBad });
  setTimeout(
    () => {
      dismiss(id);
    },
    isBad ? 12_000 : 6_000,
  );
}

export const dismiss = (id: number): void => {
  const at = announcements.findIndex((one) => one.id === id);
  if (at >= 0) announcements.splice(at, 1);
};

export const get = <View>(path: string, signal?: AbortSignal): Promise<View> =>
  ask<View>("GET", path, undefined, signal);

/** An answer in the envelope of `/api/swarm`, `/clusters` and `/stats`, without it. */
export async function getData<View>(path: string, signal?: AbortSignal): Promise<View> {
  const { data } = await ask<{ readonly data: View }>("GET", path, undefined, signal);
  return data;
}

export type Write = "POST" | "PUT" | "PATCH" | "DELETE";

/** @param within how long it may take, ms */
export const send = <View>(
  method: Write,
  path: string,
  body?: object,
  within?: number,
): Promise<View> => ask<View>(method, path, body, undefined, within);

/**
 * Follows server-sent events of one kind until the returned function is called; the browser comes back by itself after a cut.
 * @param onState whether it is followed at the moment
 */
export function listen(
  path: string,
  kind: string,
  onData: (data: never) => void,
  onState: (isOpen: boolean) => void,
): () => void {
  const stream = new EventSource(path);
  stream.addEventListener(kind, (message: MessageEvent<string>) => {
    onData(JSON.parse(message.data) as never);
  });
  stream.addEventListener("open", () => {
    onState(true);
  });
  stream.addEventListener("error", () => {
    onState(false);
  });
  return () => {
    stream.close();
  };
}

async function ask<View>(
  method: "GET" | Write,
  path: string,
  body?: object,
  signal?: AbortSignal,
  within = answerWithin,
): Promise<View> {
  const limit = AbortSignal.timeout(within);
  const csrf = session.value?.csrf ?? "";
  const response = await fetch(path, {
    method,
    credentials: "same-origin",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(method === "GET" || csrf === "" ? {} : { "x-heartmesh-csrf": csrf }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as View;
  if (response.status === 401 && path !== "/api/v1/session") void leave();
  throw refusalOf(response.status, text);
}

/** A problem, or the `error` of an envelope. */
function refusalOf(status: number, text: string): Refused {
  try {
    const said = JSON.parse(text) as Partial<Problem> & { readonly error?: string };
    return new Refused(status, said.detail ?? said.error ?? said.title ?? text, said.problems);
  } catch {
    return new Refused(status, text === "" ? `The answer was ${status}.` : text);
  }
}

/** The login has ended: the page of the sign-in shows itself. */
async function leave(): Promise<void> {
  stop();
  session.value = await ask<SessionView>("GET", "/api/v1/session").catch(() => undefined);
}

export const wordsOf = (error: unknown): string => {
  if (error instanceof Refused) return [error.message, ...error.problems].join(" ");
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "No answer came in time.";
  }
  return "The coordinator cannot be reached.";
};

let source: EventSource | undefined;
let watch: ReturnType<typeof setInterval> | undefined;
let isPolling = false;

function follow(): void {
  stop();
  connection.value = "connecting";
  openStream();
  watch = setInterval(() => void tend(), pollEvery);
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("pagehide", onHide);
}

function stop(): void {
  source?.close();
  source = undefined;
  clearInterval(watch);
  document.removeEventListener("visibilitychange", onVisible);
  removeEventListener("pagehide", onHide);
}

/** A page that the browser keeps for the way back must not keep one of its six connections; `tend` opens it anew. */
function onHide(): void {
  source?.close();
}

/** A machine that slept has a stream that nobody told of its end. */
function onVisible(): void {
  if (document.visibilityState === "visible" && connection.value !== "live") void poll();
}

function openStream(): void {
  source?.close();
  source = new EventSource("/api/v1/live");
  const on = (kind: string, then: (data: never) => void): void => {
    source?.addEventListener(kind, (message: MessageEvent<string>) => {
      connection.value = "live";
      heard();
      then(JSON.parse(message.data) as never);
    });
  };
  on("picture", showPicture);
  on("change", showChange);
  on("event", addEvent);
  source.addEventListener("error", () => {
    if (connection.value === "live") connection.value = "connecting";
  });
}

/** Once a second: a stream that has gone silent is opened anew, and meanwhile the picture is asked for. */
async function tend(): Promise<void> {
  const isSilent = Date.now() - heardLocally > silenceBound;
  if (source === undefined || source.readyState === EventSource.CLOSED || isSilent) {
    heardLocally = Date.now();
    openStream();
  }
  if (connection.value !== "live") await poll();
}

async function poll(): Promise<void> {
  if (isPolling) return;
  isPolling = true;
  try {
    const picture = await get<LiveView>("/api/v1/picture");
    if (connection.value !== ("live" as Connection)) {
      connection.value = "polling";
      showPicture(picture);
      heard();
    }
  } catch {
    if (connection.value !== ("live" as Connection)) connection.value = "lost";
  } finally {
    isPolling = false;
  }
}

let heardLocally = Date.now();

function heard(): void {
  heardLocally = Date.now();
  heardAt.value = heardLocally + skew.value;
}

function tell(nowMs: number): void {
  skew.value = nowMs - Date.now();
}

function showPicture(view: LiveView): void {
  tell(view.nowMs);
  status.value = view.status;
  const there = new Set(view.workers.map(({ id }) => id));
  showWorkers(
    view.workers,
    [...workerById.keys()].filter((id) => !there.has(id)),
  );
  recoveries.value = view.recoveries;
  left.value = view.left;
  events.value = view.events;
}

function showChange(change: LiveChange): void {
  tell(change.nowMs);
  if (change.status !== undefined) status.value = change.status;
  if (change.workers !== undefined || change.gone !== undefined) {
    showWorkers(change.workers ?? [], change.gone ?? []);
  }
  if (change.recoveries !== undefined) recoveries.value = change.recoveries;
  if (change.left !== undefined) left.value = change.left;
}

function showWorkers(changed: readonly WorkerRow[], gone: readonly string[]): void {
  let isOther = gone.length > 0;
  for (const id of gone) workerById.delete(id);
  for (const row of changed) {
    const before = workerById.get(row.id);
    isOther ||= before === undefined || looksOther(before, row);
    workerById.set(row.id, row);
  }
  workers.value = [...workerById.values()];
  if (isOther) shapes.value = workers.value;
}

const looksOther = (before: WorkerRow, after: WorkerRow): boolean =>
  before.verdict !== after.verdict ||
  before.host !== after.host ||
  before.recovery?.stage !== after.recovery?.stage ||
  (before.quarantinedAtMs === null) !== (after.quarantinedAtMs === null) ||
  (before.silencedUntilMs === null) !== (after.silencedUntilMs === null);

function addEvent(event: EventView): void {
  if (events.value.some(({ id }) => id === event.id)) return;
  events.value = [event, ...events.value].slice(0, eventsKept);
}
