// Every route with each role, its answers against the description that is served, and the description's own soundness.

import assert from "node:assert/strict";
import { test } from "node:test";
import Fastify from "fastify";
import type {
  CommandView,
  EventView,
  LeaderView,
  Problem,
  RecoveryView,
  StatusView,
  WorkerView,
} from "../../../proto/rest.ts";
import { examples } from "../../../coordinator/api/examples.ts";
import type { MeshEvent } from "../../../coordinator/core/event.ts";
import { routes, type Role, type Route } from "./all-routes.ts";
import { apiTokens, bearer, meshEvent, serve, summaryOf, workerSummary } from "./scripted-plane.ts";
import { recoveryRecord } from "./scripted-recovery.ts";

const isEnveloped = ({ path }: Route): boolean =>
  /^\/(api\/swarm\/|api\/clusters|clusters|stats)/.test(path);

const ranks: readonly Role[] = ["nobody", "viewer", "operator", "admin"];

const ask = (url: string, route: Route, role: Role): Promise<Response> =>
  fetch(url + route.path, {
    method: route.method,
    redirect: "manual",
    headers: {
      ...(role === "nobody" ? {} : bearer(role)),
      ...(route.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(route.body === undefined ? {} : { body: JSON.stringify(route.body) }),
  });

for (const route of routes) {
  test(`${route.method} ${route.path} answers from ${route.from} on, and nobody below`, async (t) => {
    const { url, plane } = await serve(t, { env: { FAULT_INJECTION: "1" } });
    plane.shelves.isKept = true;
    for (const role of ranks) {
      const answer = await ask(url, route, role);
      await answer.text();
      const may = ranks.indexOf(role) >= ranks.indexOf(route.from);
      if (may && route.isElsewhere === true) {
        assert.ok(![401, 403].includes(answer.status), role);
        continue;
      }
      const expected = may ? (route.answers ?? 200) : role === "nobody" ? 401 : 403;
      assert.equal(answer.status, expected, role);
      if (expected !== 401) continue;
      const type = isEnveloped(route) ? "application/json" : "application/problem+json";
      assert.equal(answer.headers.get("content-type")?.split(";")[0], type);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="heartmesh"/);
    }
    const acted = ranks.filter((role) => ranks.indexOf(role) >= ranks.indexOf(route.from)).length;
    const { commands, moves, switches, tests, manager, shelves, containerClusters } = plane;
    const all = [commands, moves, switches, manager.told, containerClusters.calls];
    const done = tests + shelves.written + all.reduce((sum, { length }) => sum + length, 0);
    if (route.from === "operator") assert.equal(done, acted);
  });
}

interface Description {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}
interface Operation {
  summary?: string;
  tags?: string[];
  security?: object[];
  responses: Record<
    string,
    { description?: string; content?: Record<string, { schema: object; example?: unknown }> }
  >;
}

const describe = async (url: string): Promise<Description> => {
  const answer = await fetch(`${url}/docs/json`, { headers: bearer("viewer") });
  return (await answer.json()) as Description;
};

test("the description is sound: every route stands in it, every operation and answer is explained, every reference resolves", async (t) => {
  const { url } = await serve(t);
  const description = await describe(url);
  assert.match(description.openapi, /^3\.1/);
  const described = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const expected = routes.flatMap((one) =>
    one.described === undefined ? [] : [`${one.method} ${one.described}`],
  );
  assert.deepEqual(described.toSorted(), expected.toSorted());
  for (const operations of Object.values(description.paths)) {
    for (const operation of Object.values(operations)) {
      assert.ok((operation.summary ?? "").length > 3);
      assert.equal(operation.tags?.length, 1);
      for (const answer of Object.values(operation.responses)) {
        assert.ok((answer.description ?? "") !== "" && answer.description !== "Default Response");
      }
      if (operation.security === undefined) assert.ok(operation.responses["401"] !== undefined);
    }
  }
  const text = JSON.stringify(description);
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(name !== undefined && name in description.components.schemas, name);
  }
  assert.ok(!text.includes('"$ref":"Evidence'), "no reference in another form");
});

/** Of each schema by its text, whether a value fits it to the letter. */
async function judgeOf(
  { components }: Description,
  schemas: readonly object[],
  use: (verdictOn: (schema: object, payload: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  const judge = Fastify({
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, strict: false } },
  });
  const known = [...new Set(schemas.map((one) => JSON.stringify(one)))];
  for (const [index, schema] of known.entries()) {
    const whole = JSON.stringify({ ...(JSON.parse(schema) as object), components });
    judge.post(`/${index}`, { schema: { body: JSON.parse(whole) as object } }, () => "fits");
  }
  await use(async (schema, payload) => {
    const url = `/${known.indexOf(JSON.stringify(schema))}`;
    const headers = { "content-type": "application/json" };
    return (await judge.inject({ method: "POST", url, headers, payload })).body;
  });
  await judge.close();
}

test("what the routes answer is what the description promises, to the letter", async (t) => {
  const { url, plane } = await serve(t);
  plane.shelves.isKept = true;
  plane.events = [{ id: "5-0", event: meshEvent() }];
  const description = await describe(url);
  const isJson = ({ path, isElsewhere }: Route): boolean =>
    /^\/(api\/(?!v1\/record$|.*\/check\b)|clusters|stats)/.test(path) && isElsewhere !== true;
  const checked = routes.filter(isJson).map((route) => {
    const operation = description.paths[route.described ?? ""]?.[route.method.toLowerCase()];
    const schema = operation?.responses["200"]?.content?.["application/json"]?.schema;
    assert.ok(schema !== undefined, route.path);
    return { route, schema };
  });
  const schemas = checked.map(({ schema }) => schema);
  await judgeOf(description, schemas, async (verdictOn) => {
    for (const { route, schema } of checked) {
      const payload = await (await ask(url, route, "admin")).text();
      assert.equal(await verdictOn(schema, payload), "fits", `${route.path}: ${payload}`);
    }
  });
});

/** Bytes that no person reads: the flight recorder's file. */
const isBinary = (type: string): boolean => type === "application/octet-stream";

test("every answer that is no failure is shown by an example, and every JSON example fits its schema to the letter", async (t) => {
  const { url } = await serve(t);
  const description = await describe(url);
  const contents = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content).map(([type, { schema, example }]) => {
          const where = `${method.toUpperCase()} ${path} ${status} ${type}`;
          return { where, status, type, schema, example };
        }),
      ),
    ),
  );
  const needed = contents.filter(({ status, type }) => status.startsWith("2") && !isBinary(type));
  const missing = needed.filter(({ example }) => example === undefined);
  assert.deepEqual(
    missing.map(({ where }) => where),
    [],
  );
  const problems = contents.filter(({ type }) => type === "application/problem+json");
  for (const { where, status, example } of problems) {
    const shown = (example as Problem | undefined)?.status;
    assert.equal(shown, status === "default" ? 405 : Number(status), where);
  }
  const shown = contents.filter(({ example, type }) => example !== undefined && /json/.test(type));
  const schemas = shown.map(({ schema }) => schema);
  await judgeOf(description, schemas, async (verdictOn) => {
    for (const { where, schema, example } of shown) {
      assert.equal(await verdictOn(schema, JSON.stringify(example)), "fits", where);
    }
  });
});

test("the examples of texts are what is really answered: a probe's word, a stream's lines, an exposition", async (t) => {
  const { url, plane } = await serve(t);
  const { paths } = await describe(url);
  const probes = routes.filter(({ from, path }) => from === "nobody" && path !== "/api/v1/session");
  for (const route of probes) {
    const answer = await ask(url, route, "nobody");
    const { responses } = paths[route.described ?? ""]?.["get"] ?? { responses: {} };
    const example = responses[answer.status]?.content?.["text/plain"]?.example;
    assert.equal(await answer.text(), example, route.path);
  }
  const metrics = await (await fetch(`${url}/metrics`, { headers: bearer("viewer") })).text();
  const named = metrics.split("\n").map((line) => line.replace(/(\{.*\})? \d+$/, ""));
  for (const line of examples.metrics.split("\n")) {
    assert.ok(named.includes(line.replace(/(\{.*\})? \d+$/, "")), line);
  }
  assert.deepEqual(strangeLines(examples.metrics), []);
  const [event] = examples.events;
  plane.events = [
    { id: event.id, event: { ...event, at: event.atMs, notify: false } as MeshEvent },
  ];
  const headers = { ...bearer("viewer"), accept: "text/event-stream", "last-event-id": "0-0" };
  const leaving = new AbortController();
  const answer = await fetch(`${url}/api/v1/events`, { headers, signal: leaving.signal });
  let streamed = "";
  for await (const chunk of answer.body ?? []) {
    streamed += Buffer.from(chunk as Uint8Array).toString();
    if (streamed.length >= examples.stream.length) break;
  }
  leaving.abort();
  assert.equal(streamed, examples.stream);
});

test("the example of a backup is one that can be restored, as its example tells", async (t) => {
  const { url } = await serve(t);
  const silences = examples.backup.silences.map((one) => ({
    ...one,
    until: new Date(Date.now() + 60_000).toISOString(),
  }));
  const answer = await fetch(`${url}/api/v1/restore?replace=true`, {
    method: "POST",
    headers: { ...bearer("admin"), "content-type": "application/json" },
    body: JSON.stringify({ ...examples.backup, silences }),
  });
  assert.deepEqual(await answer.json(), examples.restored);
});

test("the views carry what the coordinator knows", async (t) => {
  const { url, plane } = await serve(t);
  plane.events = [{ id: "5-0", event: meshEvent() }];
  plane.leaderAt = "http://127.0.0.1:8080";
  const get = async <View>(path: string): Promise<View> =>
    (await (await fetch(url + path, { headers: bearer("viewer") })).json()) as View;
  const status = await get<StatusView>("/api/v1/status");
  assert.deepEqual(status.workers, { healthy: 2, silent: 1 });
  assert.equal(status.leaseForMs, 600);
  assert.deepEqual(status.peers[1], { id: "c3", heardAgoMs: null, fit: false, redis: "unknown" });
  const workers = await get<WorkerView[]>("/api/v1/workers");
  assert.deepEqual(
    workers.map((one) => one.id),
    ["h1/web-1", "h1/web-2", "h2/web-2"],
  );
  const ill = workers[1];
  assert.deepEqual(ill?.standings, { c1: "down", c2: "up", c3: "doubt" });
  assert.deepEqual([ill.roundTripMs, ill.loss, ill.heardAgoMs], [null, null, null]);
  assert.equal(ill.quarantinedForMs, 2000);
  assert.equal(ill.silencedForMs, null);
  const recovery = await get<RecoveryView>("/api/v1/recoveries/3.7.ff");
  assert.equal(recovery.actingAtMs, 1_700_000_000_030);
  assert.equal(recovery.verifyingAtMs, 1_700_000_000_330);
  assert.equal(recovery.endedAtMs, null);
  assert.equal(recovery.outcome, recoveryRecord.outcome);
  const events = await get<EventView[]>("/api/v1/events");
  assert.deepEqual(
    [events[0]?.id, events[0]?.kind, events[0]?.atMs],
    ["5-0", "verdict-changed", 1_700_000_000_000],
  );
  const leader = await get<LeaderView>("/api/v1/leader");
  assert.deepEqual(leader, { leader: "c1", term: 7, url: "http://127.0.0.1:8080", isSelf: true });
});

test("a worker is found by its encoded id and by its container's name where that is unique", async (t) => {
  const { url } = await serve(t);
  const status = async (id: string): Promise<number> =>
    (await fetch(`${url}/api/v1/workers/${id}`, { headers: bearer("viewer") })).status;
  assert.equal(await status("h1%2Fweb-1"), 200);
  assert.equal(await status("web-1"), 200);
  assert.equal(await status("web-2"), 409);
  assert.equal(await status("h2%2Fweb-2"), 200);
  assert.equal(await status("web"), 404);
  assert.equal(await status("h1%2Fweb-1%2F.."), 404);
});

test("a worker with the longest of names is found", async (t) => {
  const { url, plane } = await serve(t);
  const id = `h1/${"ü".repeat(98)}`;
  plane.picture = summaryOf({ workers: [workerSummary({ id })] });
  const path = `/api/v1/workers/${encodeURIComponent(id)}`;
  assert.equal((await fetch(url + path, { headers: bearer("viewer") })).status, 200);
});

test("commands reach the leader's core with the worker's whole id, who asked, and their particulars", async (t) => {
  const { url, plane } = await serve(t, {
    env: { API_TOKENS: `${apiTokens},anna:operator:annas-own-token-9876` },
  });
  const headers = {
    authorization: "Bearer annas-own-token-9876",
    "content-type": "application/json",
  };
  const revive = { method: "POST", headers, body: '{"reason":"it looks odd"}' };
  const answer = await fetch(`${url}/api/v1/workers/web-1/revive`, revive);
  const view = (await answer.json()) as CommandView;
  assert.deepEqual(view, { text: "a recovery began", recovery: "4.7.aa" });
  const silence = { method: "POST", headers, body: '{"for":"1h30m","reason":"deploy"}' };
  await fetch(`${url}/api/v1/workers/web-1/silence`, silence);
  const { authorization } = headers;
  const remove = { method: "DELETE", headers: { authorization } };
  await fetch(`${url}/api/v1/workers/web-1/silence`, remove);
  await fetch(`${url}/api/v1/workers/web-1/quarantine`, remove);
  assert.deepEqual(
    plane.commands.map((one) => one.command),
    [
      { kind: "revive", worker: "h1/web-1", reason: "it looks odd" },
      { kind: "silence", worker: "h1/web-1", duration: 5_400_000, reason: "deploy" },
      { kind: "unsilence", worker: "h1/web-1" },
      { kind: "release-quarantine", worker: "h1/web-1" },
    ],
  );
  assert.deepEqual([...new Set(plane.commands.map((one) => one.by))], ["anna (c1)"]);
});

test("a refused command is a 409 with the core's words, a vanished worker a 404", async (t) => {
  const { url, plane } = await serve(t);
  const revive = () =>
    fetch(`${url}/api/v1/workers/web-1/revive`, { method: "POST", headers: bearer("operator") });
  plane.result = { kind: "refused", text: "web-1 is paused" };
  const refused = await revive();
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /web-1 is paused/);
  plane.result = { kind: "unknown-worker" };
  assert.equal((await revive()).status, 404);
  plane.result = { kind: "not-leader" };
  assert.equal((await revive()).status, 503);
});

test("probes tell their state by status and one word, and no detail", async (t) => {
  const { url, plane } = await serve(t);
  const probe = async (path: string): Promise<string> => {
    const answer = await fetch(url + path);
    return `${answer.status} ${(await answer.text()).trim()}`;
  };
  assert.equal(await probe("/leader"), "200 leader");
  plane.picture = summaryOf({ leaseFor: 0 });
  assert.equal(await probe("/leader"), "503 not leader");
  plane.picture = summaryOf({ role: "follower", leader: "c2" });
  assert.equal(await probe("/leader"), "503 not leader");
  assert.equal(await probe("/readyz"), "200 ready");
  plane.isReady = false;
  assert.equal(await probe("/readyz"), "503 not ready");
  assert.equal(await probe("/livez"), "200 alive");
});

/** Lines that a strict reader of an exposition does not take. */
function strangeLines(exposition: string): string[] {
  const sample = /^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?\d+(\.\d+)?$/;
  const comment = /^# (HELP|TYPE) (heartmesh|process|nodejs)_[a-z_]+ \S/;
  const lines = exposition.trimEnd().split("\n");
  return lines.filter((line, at) => {
    const isKnown = (line.startsWith("#") ? comment : sample).test(line);
    return !isKnown || lines.indexOf(line) !== at;
  });
}

test("the metrics are an exposition that a strict reader takes, open only when told", async (t) => {
  const { url } = await serve(t);
  const answer = await fetch(`${url}/metrics`, { headers: bearer("viewer") });
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  assert.deepEqual(strangeLines(text), []);
  assert.match(text, /^heartmesh_workers\{verdict="healthy"\} 2$/m);
  assert.match(text, /^heartmesh_datagrams_received_total 12$/m);
  assert.match(text, /^heartmesh_datagrams_dropped_total\{reason="replayed"\} 3$/m);
  assert.match(text, /^heartmesh_datagrams_dropped_total\{reason="unknown-nonce"\} 1$/m);
  assert.match(text, /^heartmesh_heartbeats_missed_total\{peer="c2"\} 4$/m);
  assert.match(text, /^heartmesh_round_trip_seconds_bucket\{le="0\.005"\} 4$/m);
  assert.match(text, /^heartmesh_workers_quarantined 1$/m);
  assert.match(text, /^heartmesh_lease_seconds 0\.6$/m);
  const open = await serve(t, { env: { METRICS_OPEN: "1" } });
  assert.equal((await fetch(`${open.url}/metrics`)).status, 200);
  assert.equal((await fetch(`${open.url}/api/v1/status`)).status, 401);
});
