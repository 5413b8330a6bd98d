// The API asked wrongly in every way that its own description gives rise to: each answer is a problem with the right status, and no role does what it may not.

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { after, test, type TestContext } from "node:test";
import type { Problem } from "../../../proto/rest.ts";
import {
  operationsOf,
  pathOf,
  rightAsk,
  wrongAsks,
  type Ask,
  type Operation,
} from "./description.ts";
import { bearer, serve, tokens, type TestServer } from "./scripted-plane.ts";

async function start(t: TestContext): Promise<TestServer> {
  const server = await serve(t, { env: { FAULT_INJECTION: "1" }, bounds: { requests: 1e9 } });
  server.plane.shelves.isKept = true;
  return server;
}

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly allow: string;
  readonly text: string;
}

/** As it is written: `fetch` would tidy the path up. */
function ask(
  { url }: TestServer,
  { method, path, body }: Pick<Ask, "method" | "path"> & { readonly body?: string | Buffer },
  headers: Headers,
): Promise<Answer> {
  // Of a DELETE Node's own client would say no length.
  const length = body === undefined ? 0 : Buffer.byteLength(body);
  const type =
    body === undefined ? {} : { "content-type": "application/json", "content-length": length };
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path, headers: { ...type, ...headers }, agent },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          const { "content-type": answered = "", allow = "" } = answer.headers;
          const text = Buffer.concat(chunks).toString();
          resolve({ status: answer.statusCode ?? 0, type: answered, allow, text });
        });
        answer.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const agent = new Agent({ keepAlive: true });
after(() => {
  agent.destroy();
});

/** A problem as it should be, that tells nothing of the inside. */
function assertProblem(answer: Answer, statuses: readonly number[], what: string): void {
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
  if (/^[A-Z]+ \/(api\/swarm|api\/clusters|clusters|stats)\b/.test(what)) {
    assert.match(answer.type, /^application\/json/, what);
    const { success, error, ...rest } = JSON.parse(answer.text) as Record<string, unknown>;
    assert.deepEqual([success, typeof error, rest], [false, "string", {}], what);
  } else {
    assert.match(answer.type, /^application\/problem\+json/, what);
    const problem = JSON.parse(answer.text) as Problem;
    assert.equal(problem.status, answer.status, what);
    assert.ok(problem.title !== "" && problem.detail !== "", what);
  }
  assert.doesNotMatch(answer.text, /\n\s+at |node_modules|\.[jt]s:\d+/, what);
  assert.ok(answer.text.length < 4_000, `${what}: ${answer.text.length} characters`);
}

test("the description names who may ask for what", async (t) => {
  const operations = await operationsOf(await start(t));
  const ofClusters = "/api/clusters/{cluster}/swarm";
  const rolesOf = (prefix: string) =>
    operations
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ method, path, role }) => `${role} ${method} ${path.replace(prefix, "")}`);
  // By the load that agents tell: of the watched Swarm alone.
  const shared = rolesOf("/api/swarm").filter((one) => !one.endsWith("/scaling"));
  assert.deepEqual(rolesOf(ofClusters), shared);
  const above = operations.filter(
    ({ role, path }) => role !== "viewer" && !path.startsWith(ofClusters),
  );
  assert.deepEqual(
    above.map(({ method, path, role }) => `${role} ${method} ${path}`),
    [
      "open GET /livez",
      "open GET /readyz",
      "open GET /leader",
      "open POST /api/v1/session",
      "open GET /api/v1/session",
      "open DELETE /api/v1/session",
      "open GET /api/v1/workers/{id}/check",
      "open GET /api/v1/services/{id}/check",
      "open GET /api/v1/hosts/{id}/check",
      "admin POST /api/v1/coordinators",
      "admin DELETE /api/v1/coordinators/{id}",
      "admin POST /connections",
      "operator POST /api/v1/workers/{id}/revive",
      "operator POST /api/v1/workers/{id}/silence",
      "operator DELETE /api/v1/workers/{id}/silence",
      "operator DELETE /api/v1/workers/{id}/quarantine",
      "operator POST /api/v1/hosts/{id}/drain",
      "operator POST /api/v1/hosts/{id}/activate",
      "operator POST /api/v1/services/{id}/failback",
      "operator POST /api/v1/hosts/{id}/failback",
      "operator POST /api/v1/services/{id}/migrate",
      "admin DELETE /api/swarm/nodes/{id}",
      "admin GET /api/swarm/join-token/{role}",
      "operator PUT /api/swarm/nodes/{id}/availability",
      "admin POST /api/swarm/init",
      "admin POST /api/swarm/join",
      "admin POST /api/swarm/leave",
      "operator POST /api/swarm/services/{id}/scale",
      "operator PUT /api/swarm/services/{id}/image",
      "admin DELETE /api/swarm/services/{id}",
      "admin POST /api/swarm/preview-stack",
      "admin POST /api/swarm/deploy-stack",
      "admin PUT /api/swarm/templates/{name}",
      "admin DELETE /api/swarm/templates/{name}",
      "admin POST /api/swarm/templates/{name}/deploy",
      "admin POST /api/swarm/templates/{name}/preview",
      "operator PUT /api/swarm/services/{id}/scaling",
      "operator DELETE /api/swarm/services/{id}/scaling",
      "admin POST /clusters",
      "admin DELETE /clusters/{id}",
      "operator POST /clusters/{id}/rebalance",
      "operator POST /clusters/{id}/service",
      "operator DELETE /clusters/{id}/services/{n}",
      "admin POST /clusters/{id}/nodes",
      "admin DELETE /clusters/{id}/nodes",
      "operator POST /api/v1/notify-test",
      "admin GET /api/v1/record",
      "admin GET /api/v1/backup",
      "admin POST /api/v1/restore",
    ],
  );
  assert.ok(operations.length > above.length);
});

/** What a few requests a minute are enough of. */
const bounded = /(notify-test|record)$/;
const roles = ["open", "viewer", "operator", "admin"] as const;
/** Of nobody, of another mesh, and almost right ones. */
const foreign: readonly Headers[] = [
  {},
  { authorization: "Bearer foreign-token-0123456789" },
  { authorization: `Bearer ${tokens.admin}, Bearer ${tokens.admin}` },
  { authorization: `Bearer ${tokens.admin.toUpperCase()}` },
  { authorization: `Basic ${Buffer.from(tokens.admin).toString("base64")}` },
  { authorization: `Token ${tokens.admin}` },
  { authorization: "Basic :" },
  { "x-api-key": tokens.admin, cookie: `token=${tokens.admin}` },
];

test("whoever has no token of this mesh gets nothing but the probes", async (t) => {
  const server = await start(t);
  for (const operation of await operationsOf(server)) {
    const right = rightAsk(operation);
    for (const headers of foreign) {
      const answer = await ask(server, right, headers);
      const what = `${right.what} ${JSON.stringify(headers)}`;
      if (operation.role === "open") assert.ok([200, 503].includes(answer.status), what);
      else assertProblem(answer, bounded.test(right.path) ? [401, 429] : [401], what);
    }
  }
  assert.deepEqual([server.plane.commands, server.plane.tests, server.plane.asked], [[], 0, []]);
});

test("each role may do what the description says and nothing else, by whatever detour", async (t) => {
  const server = await start(t);
  const detours: readonly Headers[] = [
    {},
    { "x-http-method-override": "GET", "x-original-method": "GET" },
    { "x-heartmesh-forwarded-by": "c2" },
    { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", forwarded: "for=127.0.0.1" },
    { "x-role": "admin", "x-forwarded-user": "admin", cookie: "role=admin" },
  ];
  for (const operation of await operationsOf(server)) {
    const right = rightAsk(operation);
    for (const role of ["viewer", "operator", "admin"] as const) {
      const may = roles.indexOf(role) >= roles.indexOf(operation.role);
      for (const detour of detours) {
        const before = server.plane.commands.length + server.plane.tests;
        const answer = await ask(server, right, { ...detour, ...bearer(role) });
        const what = `${right.what} by ${role}, ${JSON.stringify(detour)}`;
        // Without an engine the docker command line refuses any stack.
        // What is not up is a 503.
        const done = /\/(deploy|deploy-stack)$/.test(right.path)
          ? [400, 501]
          : right.path.endsWith("/check")
            ? [200, 503]
            : [200];
        if (may) assert.ok(done.includes(answer.status), `${what}: ${answer.text}`);
        else {
          assertProblem(answer, [403], what);
          assert.equal(server.plane.commands.length + server.plane.tests, before, what);
        }
      }
    }
  }
});

test("what the description forbids is refused, with a status that it names, and does nothing", async (t) => {
  const server = await start(t);
  let asked = 0;
  for (const operation of await operationsOf(server)) {
    for (const wrong of wrongAsks(operation)) {
      asked++;
      const answer = await ask(server, wrong, bearer("admin"));
      assertProblem(answer, [400, 404], wrong.what);
      assert.ok(operation.statuses.includes(String(answer.status)), `${wrong.what} is described`);
    }
  }
  assert.ok(asked > 100, `${asked} asked`);
  const { commands, tests, manager, containerClusters } = server.plane;
  assert.deepEqual([commands, tests, manager.told, containerClusters.calls], [[], 0, [], []]);
  assert.equal((await ask(server, { method: "GET", path: "/livez" }, {})).status, 200);
});

test("a method that a path does not have is a 405 that names those it has", async (t) => {
  const server = await start(t);
  const operations = await operationsOf(server);
  for (const path of new Set(operations.map((one) => one.path))) {
    const own = operations.filter((one) => one.path === path);
    const allowed = own.map(({ method }) => method);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      if (allowed.includes(method)) continue;
      const what = `${method} ${path}`;
      const wrong = { what, method, path: pathOf(own[0]!) };
      const answer = await ask(server, wrong, bearer("admin"));
      const allow = answer.allow.split(", ");
      assert.deepEqual(allow.filter((one) => one !== "HEAD").sort(), [...allowed].sort(), what);
      assertProblem(answer, [405], what);
      assertProblem(await ask(server, wrong, {}), [401], `${what} by nobody`);
    }
  }
  const { commands, tests, manager, containerClusters } = server.plane;
  assert.deepEqual([commands, tests, manager.told, containerClusters.calls], [[], 0, [], []]);
});

const paths = [
  "/api/v1/workers/%",
  "/api/v1/workers/%zz",
  "/api/v1/workers/%E0%A4%A",
  "/api/v1/workers/%00",
  "/api/v1/workers/%ff%fe",
  "/api/v1/workers/..%2f..%2fstatus",
  "/api/v1/workers/__proto__",
  "/api/v1/workers/constructor",
  `/api/v1/workers/${"x".repeat(699)}`,
  `/api/v1/workers/${"x".repeat(5_000)}`,
  "//api/v1/workers",
  "/api/v1//workers",
  "/api/v1/workers/web-1/revive/x",
  "/api/v1/events/../../../etc/passwd",
  "/docs/static/..%2f..%2f..%2fpackage.json",
  "/docs/static/%2e%2e/%2e%2e/package.json",
  "/docs/static/%5c..%5c..%5cpackage.json",
  "/docs/static/nothing.js",
  "/queues/static/..%2f..%2f..%2fpackage.json",
  "/queues/static/%2e%2e%2f%2e%2e%2fpackage.json",
  "/queues/api/queues/__proto__/1",
  "/queues/api/queues/nothing/1/logs",
  "/queues/api/queues?activeQueue[]=x&page=-1&jobsPerPage=many&status=nonsense",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/livez%00",
  "/.env",
  "/.git/config",
];

test("paths that are broken, or lead out, are problems to everybody", async (t) => {
  const server = await start(t);
  for (const path of paths) {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      for (const headers of [{}, bearer("viewer"), bearer("admin")]) {
        const what = `${method} ${path}`;
        const answer = await ask(server, { method, path }, headers);
        assertProblem(answer, [400, 401, 403, 404, 405, 414], what);
      }
    }
  }
});

const bodies: readonly {
  readonly what: string;
  readonly headers: Headers;
  readonly body: string | Buffer;
  readonly status: number;
}[] = [
  {
    what: "a body that says it is gzip",
    headers: { "content-encoding": "gzip" },
    body: '{"for":"1h","reason":"x"}',
    status: 415,
  },
  {
    what: "a body of an unknown coding",
    headers: { "content-encoding": "br, x" },
    body: "{}",
    status: 415,
  },
  {
    what: "a text that is no UTF-8",
    headers: {},
    body: Buffer.concat([
      Buffer.from('{"for":"1h","reason":"'),
      Buffer.of(0xff, 0xc0),
      Buffer.from('"}'),
    ]),
    status: 400,
  },
  {
    what: "UTF-16",
    headers: { "content-type": "application/json; charset=utf-16" },
    body: Buffer.from('{"for":"1h","reason":"x"}', "utf16le"),
    status: 400,
  },
  {
    what: "no JSON type",
    headers: { "content-type": "application/vnd.x+json" },
    body: "{}",
    status: 415,
  },
  {
    what: "two types",
    headers: { "content-type": "application/json, text/plain" },
    body: "{}",
    status: 415,
  },
  { what: "a type that is none", headers: { "content-type": ";;;" }, body: "{}", status: 415 },
  {
    what: "parts",
    headers: { "content-type": "multipart/form-data; boundary=x" },
    body: "--x--",
    status: 415,
  },
  { what: "a byte too many", headers: {}, body: `"${"x".repeat(16_383)}"`, status: 413 },
  { what: "a megabyte", headers: {}, body: Buffer.alloc(1_048_576, 0x20), status: 413 },
];

test("bodies of wrong codings, types and sizes are refused with the status that says which", async (t) => {
  const server = await start(t);
  const silence = "/api/v1/workers/web-1/silence";
  for (const { what, headers, body, status } of bodies) {
    const asked = { method: "POST", path: silence, body };
    const answer = await ask(server, asked, { ...headers, ...bearer("operator") });
    assertProblem(answer, [status], what);
  }
  assert.deepEqual(server.plane.commands, []);
});

test("a follower forwards the path as it came, whatever form it has", async (t) => {
  const leader = await start(t);
  const follower = await serve(t, { id: "c2", bounds: { requests: 1e9 } });
  follower.plane.picture = { ...follower.plane.picture, id: "c2", role: "follower", leaseFor: 0 };
  follower.plane.leaderAt = leader.url;
  const operations: readonly Operation[] = await operationsOf(follower);
  for (const operation of operations.filter(
    ({ path, role }) => path.startsWith("/api/v1/workers/{id}") && role === "operator",
  )) {
    const { body, method } = rightAsk(operation);
    for (const [id, status] of [
      ["web-1", 200],
      ["%2e%2e", 404],
      ["..%2f..", 404],
      ["h1%2fweb-1", 200],
      ["%3fx=1", 404],
      ["%23", 404],
    ] as const) {
      const path = pathOf(operation, { id });
      const asked = { what: path, method, path, ...(body === undefined ? {} : { body }) };
      const answer = await ask(follower, asked, bearer("operator"));
      assert.equal(answer.status, status, path);
      if (status !== 200) assert.match(answer.text, /No worker is called/, path);
    }
  }
});
