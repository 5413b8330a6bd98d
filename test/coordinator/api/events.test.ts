// Events by page and by stream: what was missed first, then each as it happens, and an end in time.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { EventView } from "../../../proto/rest.ts";
import { ChangeLog } from "../../../coordinator/change-log.ts";
import type { CoreEvent } from "../../../coordinator/core/event.ts";
import { streamId } from "../../../coordinator/api/views.ts";
import { messagesOf } from "./event-stream.ts";
import { bearer, meshEvent, serve, type TestServer } from "./scripted-plane.ts";
import { until } from "../../waiting.ts";

const at = (n: number) => meshEvent({ at: 1000 + n, text: `event ${n}` });

class Listener {
  readonly events: EventView[] = [];
  readonly ids: string[] = [];
  isEnded = false;
  readonly #stop = new AbortController();

  async open(server: TestServer, query = "", headers: Record<string, string> = {}): Promise<void> {
    const answer = await fetch(`${server.url}/api/v1/events${query}`, {
      headers: { ...bearer("viewer"), accept: "text/event-stream", ...headers },
      signal: this.#stop.signal,
    });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
    void this.#read(answer);
  }

  close(): void {
    this.#stop.abort();
  }

  async until(isTrue: (listener: this) => boolean): Promise<void> {
    await until("what is awaited", () => isTrue(this)).catch((error: unknown) => {
      throw new Error(`it got ${JSON.stringify(this.texts)}`, { cause: error });
    });
  }

  get texts(): string[] {
    return this.events.map((one) => one.text);
  }

  async #read(answer: Response): Promise<void> {
    for await (const { id, data } of messagesOf(answer)) {
      this.events.push(JSON.parse(data) as EventView);
      this.ids.push(id);
    }
    this.isEnded = true;
  }
}

async function listen(
  t: TestContext,
  query = "",
  headers: Record<string, string> = {},
): Promise<{ server: TestServer; listener: Listener }> {
  const server = await serve(t);
  server.plane.events = [5, 4, 3, 2, 1].map((n) => ({ id: `${n}-0`, event: at(n) }));
  const listener = new Listener();
  t.after(() => {
    listener.close();
  });
  await listener.open(server, query, headers);
  return { server, listener };
}

test("a page is filtered and bounded as asked", async (t) => {
  const { url, plane } = await serve(t);
  plane.events = [3, 2, 1].map((n) => ({ id: `${n}-0`, event: at(n) }));
  const page = await fetch(`${url}/api/v1/events?limit=2&before=3-0&worker=h1%2Fweb-1`, {
    headers: bearer("viewer"),
  });
  const ids = ((await page.json()) as EventView[]).map((one) => one.id);
  assert.deepEqual(ids, ["2-0", "1-0"]);
  const [asked] = plane.asked;
  assert.deepEqual({ ...asked }, { limit: 2, before: "3-0", worker: "h1/web-1" });
});

test("a page is of the time that is asked for, by whole milliseconds", async (t) => {
  const { url, plane } = await serve(t);
  plane.events = [4, 3, 2, 1].map((n) => ({ id: `${n}-0`, event: at(n) }));
  const ask = (what: string): Promise<Response> =>
    fetch(`${url}/api/v1/${what}`, { headers: bearer("viewer") });
  const page = (await (await ask("events?from=1002&until=1004")).json()) as EventView[];
  assert.deepEqual(
    page.map((one) => one.id),
    ["3-0", "2-0"],
  );
  const recoveries = await ask("recoveries?outcome=exhausted&from=7&until=9");
  assert.equal(recoveries.status, 200);
  const asked = { ...plane.asked.at(-1) };
  assert.deepEqual(asked, { limit: 100, outcome: "exhausted", from: 7, until: 9 });
  for (const wrong of ["events?from=1.5", "events?until=-1", "recoveries?until=9e15"]) {
    assert.equal((await ask(wrong)).status, 400, wrong);
  }
  assert.equal((await ask("recoveries?outcome=fine")).status, 400);
});

test("what people asked for is told with who, what, before and after, and found by each", async (t) => {
  const { url, plane } = await serve(t);
  const publish = (event: CoreEvent): void => {
    plane.events.unshift({ id: `${plane.events.length}-0`, event: { ...meshEvent(), ...event } });
  };
  const log = new ChangeLog(publish);
  const scale = { actor: "ann (c1)", verb: "scale-service", subject: "web", cluster: "prod" };
  log.done({ ...scale, before: "2", after: "3" }, "web has 3 replicas", "swarm-changed");
  log.refused(scale, "it is global");
  log.done({ actor: "bob (c1)", verb: "revive", subject: "h1/web", worker: "h1/web" }, "as asked");
  plane.events.unshift({ id: "9-0", event: meshEvent() });
  const told = async (query: string): Promise<readonly string[]> => {
    const answer = await fetch(`${url}/api/v1/events?${query}`, { headers: bearer("viewer") });
    const events = (await answer.json()) as readonly EventView[];
    return events.map(({ kind, text, change }) => {
      const { actor, verb, subject, cluster, before, after, outcome } = change ?? {};
      const words = [kind, text, actor, verb, subject, cluster, before, after, outcome];
      return words.filter((word) => word !== "").join(" · ");
    });
  };
  const done =
    "swarm-changed · ann (c1): prod: web has 3 replicas · ann (c1) · scale-service · web · prod · 2 · 3 · done";
  const refused =
    "change-refused · ann (c1): prod: scale-service web: it is global · ann (c1) · scale-service · web · prod · refused";
  const revived = "command-taken · bob (c1): as asked · bob (c1) · revive · h1/web · done";
  assert.deepEqual(await told("changes=true"), [revived, refused, done]);
  assert.deepEqual(await told("kind=change-refused"), [refused]);
  assert.deepEqual(await told("actor=ann&search=REPLICAS"), [done]);
  assert.deepEqual(await told("subject=h1%2Fweb"), [revived]);
  assert.deepEqual(await told("worker=h1%2Fweb"), [revived]);
});

test("events of one kind are found behind many others", async (t) => {
  const { url, plane } = await serve(t);
  const id = (n: number): string => String(n).padStart(6, "0");
  plane.events = Array.from({ length: 2500 }, (_, i) => 2500 - i).map((n) => ({
    id: id(n),
    event: n % 1200 === 0 ? meshEvent({ kind: "recovered", at: n }) : at(n),
  }));
  const answer = await fetch(`${url}/api/v1/events?kind=recovered&limit=5`, {
    headers: bearer("viewer"),
  });
  const ids = ((await answer.json()) as EventView[]).map((one) => one.id);
  assert.deepEqual(ids, [id(2400), id(1200)]);
});

test("a stream brings each event as it happens, and only from now on", async (t) => {
  const { server, listener } = await listen(t);
  server.plane.happens(at(6));
  server.plane.happens(at(7));
  await listener.until((one) => one.events.length === 2);
  assert.deepEqual(listener.texts, ["event 6", "event 7"]);
  assert.deepEqual(listener.ids, [streamId(at(6)), streamId(at(7))]);
});

test("a stream that comes back hears what it missed, in order and once, then goes on", async (t) => {
  const { server, listener } = await listen(t, "", { "last-event-id": streamId(at(3)) });
  // Happened while the missed ones were read, and stands in the record already.
  server.plane.happens(at(6));
  await listener.until((one) => one.events.length === 3);
  assert.deepEqual(listener.texts, ["event 4", "event 5", "event 6"]);
});

test("an event that is both in the record and heard meanwhile comes once", async (t) => {
  const server = await serve(t);
  server.plane.events = [{ id: "1-0", event: at(1) }];
  const { plane } = server;
  const list = plane.listEvents.bind(plane);
  plane.listEvents = async (ask) => {
    plane.happens(at(2));
    plane.events = [{ id: "2-0", event: at(2) }, ...plane.events];
    return list(ask);
  };
  const listener = new Listener();
  t.after(() => {
    listener.close();
  });
  await listener.open(server, "", { "last-event-id": streamId(at(1)) });
  plane.happens(at(3));
  await listener.until((one) => one.events.some((event) => event.text === "event 3"));
  assert.deepEqual(listener.texts, ["event 2", "event 3"]);
});

test("an id that the record has forgotten stands for its time", async (t) => {
  const { listener } = await listen(t, "", { "last-event-id": "1003-gone" });
  await listener.until((one) => one.events.length === 2);
  assert.deepEqual(listener.texts, ["event 4", "event 5"]);
});

test("a stream is filtered by worker and kind", async (t) => {
  const { server, listener } = await listen(t, "?worker=h1%2Fweb-2&kind=recovered");
  server.plane.happens(at(6));
  server.plane.happens(meshEvent({ worker: "h1/web-2", text: "other kind" }));
  server.plane.happens(meshEvent({ worker: "h1/web-2", kind: "recovered", text: "wanted" }));
  await listener.until((one) => one.events.length === 1);
  assert.deepEqual(listener.texts, ["wanted"]);
});

test("who leaves is forgotten", async (t) => {
  const { server, listener } = await listen(t);
  assert.equal(server.plane.listeners.size, 1);
  listener.close();
  await listener.until(() => server.plane.listeners.size === 0);
});

test("a stop of the server ends open streams at once", async (t) => {
  const { server, listener } = await listen(t);
  const began = performance.now();
  await server.stop();
  assert.ok(performance.now() - began < 1000);
  await listener.until((one) => one.isEnded);
  assert.equal(server.plane.listeners.size, 0);
});

test("a stream needs a token as everything else does", async (t) => {
  const { url } = await serve(t);
  const answer = await fetch(`${url}/api/v1/events`, { headers: { accept: "text/event-stream" } });
  assert.equal(answer.status, 401);
});

test("a hundred and one streams are one too many", async (t) => {
  const server = await serve(t);
  const listeners = Array.from({ length: 100 }, () => new Listener());
  t.after(() => {
    for (const one of listeners) one.close();
  });
  await Promise.all(listeners.map((one) => one.open(server)));
  const refused = await fetch(`${server.url}/api/v1/events`, {
    headers: { ...bearer("viewer"), accept: "text/event-stream" },
  });
  assert.equal(refused.status, 503);
});
