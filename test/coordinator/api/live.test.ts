// The live stream and what is asked of the other coordinators, by a real server on loopback.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { HistoryView, LiveView, MeshView, WorkerLogsView } from "../../../proto/rest.ts";
import { eventView, streamId } from "../../../coordinator/api/views.ts";
import { term } from "../../../proto/units.ts";
import { until } from "../../waiting.ts";
import { LivePage } from "./live-page.ts";
import {
  bearer,
  meshEvent,
  openRecovery,
  serve,
  summaryOf,
  workerSummary,
  type TestServer,
} from "./scripted-plane.ts";

async function pageOf(t: TestContext, server: TestServer): Promise<LivePage> {
  const page = new LivePage();
  t.after(() => {
    page.close();
  });
  await page.open(server.url, bearer("viewer"));
  return page;
}

const read = async <View>({ url }: TestServer, path: string): Promise<View> => {
  const answer = await fetch(`${url}/api/v1/${path}`, { headers: bearer("viewer") });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as View;
};

test("a page gets the picture, then what changes, and each event as it happens", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  plane.events = [{ id: "5-0", event: meshEvent({ text: "before" }) }];
  const page = await pageOf(t, server);
  assert.deepEqual([...page.workers.keys()], ["h1/web-1", "h1/web-2", "h2/web-2"]);
  assert.equal(page.status?.leaderSinceMs, 1_699_999_900_000);
  assert.equal(page.recoveries[0]?.worker, "h1/web-2");
  assert.deepEqual(
    page.events.map(({ text }) => text),
    ["before"],
  );
  plane.picture = summaryOf({ workers: [workerSummary({ verdict: "silent" })] });
  await page.until("the verdict", () => page.workers.get("h1/web-1")?.verdict === "silent");
  assert.equal(page.workers.size, 1);
  assert.deepEqual(page.recoveries, []);
  plane.happens(meshEvent({ text: "now" }));
  await page.until("the event", () => page.events.at(-1)?.text === "now");
  assert.equal(page.pictures, 1);
});

test("many listen, one looks; who comes later gets a picture from which the same changes follow", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const first = await pageOf(t, server);
  plane.picture = summaryOf({ workers: [workerSummary({ roundTrip: 5 })], term: term(8) });
  await first.until("the term", () => first.status?.term === 8);
  plane.happens(meshEvent({ text: "between" }));
  const second = await pageOf(t, server);
  assert.equal(plane.listeners.size, 1);
  assert.equal(second.events.at(-1)?.text, "between");
  plane.picture = summaryOf({ workers: [workerSummary({ verdict: "stopped" })], term: term(9) });
  for (const page of [first, second]) {
    await page.until("the term", () => page.status?.term === 9);
    assert.equal(page.workers.get("h1/web-1")?.verdict, "stopped");
  }
  assert.deepEqual([...first.workers.values()], [...second.workers.values()]);
  first.close();
  second.close();
  await until("nobody to be told", () => plane.listeners.size === 0 || undefined);
});

test("who polls gets the same picture, also while Redis is away", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const event = meshEvent();
  plane.events = [{ id: "5-0", event }];
  const picture = await read<LiveView>(server, "picture");
  assert.deepEqual(picture.events, [eventView(streamId(event), event)]);
  assert.equal(picture.workers.length, 3);
  plane.recordIsAway = true;
  plane.picture = summaryOf({ workers: [workerSummary({ recovery: openRecovery() })] });
  const later = await until("the next one", async () => {
    const found = await read<LiveView>(server, "picture");
    return found.workers.length === 1 ? found : undefined;
  });
  assert.deepEqual(later.events, []);
  assert.equal(later.recoveries.length, 1);
  assert.equal(plane.listeners.size, 0);
});

test("events that happen while the record is read are told once", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const [older, during] = [meshEvent({ at: 1, text: "older" }), meshEvent({ at: 2, text: "then" })];
  plane.listEvents = async () => {
    plane.happens(during);
    await Promise.resolve();
    return [during, older].map((event, n) => ({ id: `${9 - n}-0`, event }));
  };
  const page = await pageOf(t, server);
  assert.deepEqual(
    page.events.map(({ text }) => text),
    ["older", "then"],
  );
});

test("a receiver that does not keep up is cut off, the others are not", async (t) => {
  const server = await serve(t);
  const page = await pageOf(t, server);
  const stuck = await fetch(`${server.url}/api/v1/live`, {
    headers: { ...bearer("viewer"), accept: "text/event-stream" },
  });
  const text = "x".repeat(200_000);
  // Nobody reads `stuck`: what the system's buffers hold is not ours to bound.
  for (let n = 0; n < 150; n++) {
    server.plane.happens(meshEvent({ at: n, text: `${n} ${text}` }));
    await until("the page to keep up", () => page.events.length > n || undefined);
  }
  await assert.rejects(stuck.text());
  assert.equal(page.isEnded, false);
});

test("a stream ends with the server, in time", async (t) => {
  const server = await serve(t);
  const page = await pageOf(t, server);
  await server.stop();
  await page.until("its end", () => page.isEnded);
});

test("the mesh is told from both ends, and who does not answer with the reason", async (t) => {
  const server = await serve(t);
  const other = await serve(t, { id: "c2" });
  const { members } = server.plane.picture.set;
  other.plane.picture = summaryOf({
    ...{ id: "c2", role: "follower", leaseFor: 0 },
    peers: [{ id: "c1", heardAgo: 55, fit: true, redis: "reachable" }],
  });
  server.plane.urls = { c2: other.url };
  const mesh = await read<MeshView>(server, "mesh");
  assert.deepEqual(
    mesh.coordinators.map(({ id, answers, role }) => [id, answers, role]),
    [
      ["c1", true, "leader"],
      ["c2", true, "follower"],
      ["c3", false, null],
    ],
  );
  assert.deepEqual(mesh.coordinators[0]?.heardAgoMs, { c2: 30, c3: null });
  assert.deepEqual(mesh.coordinators[1]?.heardAgoMs, { c1: 55 });
  assert.match(mesh.coordinators[2]?.text ?? "", /ECONNREFUSED/);
  assert.equal(mesh.coordinators.length, members.length);
  server.plane.urls = { c2: other.url, c3: other.url };
  const wrong = await read<MeshView>(server, "mesh");
  assert.equal(wrong.coordinators[2]?.text, "another answers there: c2");
});

test("a history is put together of each one's own memory, one step far", async (t) => {
  const server = await serve(t);
  const other = await serve(t, { id: "c2" });
  server.plane.urls = { c2: other.url };
  // Were the other to ask on, it would ask for ever.
  other.plane.urls = { c1: server.url };
  const both = await until("the first samples", async () => {
    const found = await read<HistoryView>(server, "workers/h1%2Fweb-1/history");
    return Object.keys(found.coordinators).length === 2 ? found : undefined;
  });
  assert.deepEqual(Object.keys(both.coordinators).sort(), ["c1", "c2"]);
  assert.equal(both.coordinators["c2"]?.roundTripMs.at(-1), 0.8);
  assert.equal(both.coordinators["c1"]?.standing.at(-1), "up");
  const own = await read<HistoryView>(server, "workers/web-1/history?own=true");
  assert.deepEqual(Object.keys(own.coordinators), ["c1"]);
});

test("the last lines of a worker come from its container's engine", async (t) => {
  const server = await serve(t);
  server.plane.manager.log = "2026-01-01T00:00:01.5Z one two\nno time\n";
  const { lines } = await read<WorkerLogsView>(server, "workers/h1%2Fweb-1/logs?tail=5");
  assert.deepEqual(lines, [
    { atMs: Date.parse("2026-01-01T00:00:01.5Z"), stream: "stdout", text: "one two" },
    { atMs: null, stream: "stdout", text: "no time" },
  ]);
  const none = await fetch(`${server.url}/api/v1/workers/h2%2Fweb-2/logs`, {
    headers: bearer("viewer"),
  });
  assert.equal(none.status, 404);
});
