// Bad requests of every kind: each a problem+json that tells what was wrong; and bounds that hold.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import type { Problem } from "../../../proto/rest.ts";
import { bearer, serve } from "./scripted-plane.ts";

const silence = "/api/v1/workers/web-1/silence";
const json = { "content-type": "application/json" };

interface Bad {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly status: number;
  readonly says: RegExp;
  /** How many faults it lists. */
  readonly faults?: number;
}

const post = { method: "POST", path: silence, headers: json };
const bad: readonly Bad[] = [
  { what: "an unknown path", path: "/api/v2/x", status: 404, says: /There is no GET \/api\/v2\/x/ },
  {
    what: "a wrong method",
    method: "PATCH",
    path: silence,
    status: 405,
    says: /only POST, DELETE/,
  },
  {
    what: "a broken escape in the path",
    path: "/api/v1/workers/%E0%A4%A",
    status: 400,
    says: /not a valid url/,
  },
  {
    what: "an unknown worker",
    path: "/api/v1/workers/nobody",
    status: 404,
    says: /GET \/api\/v1\/workers/,
  },
  { what: "an unknown recovery", path: "/api/v1/recoveries/9.9.9", status: 404, says: /RETENTION/ },
  {
    what: "a limit of nothing",
    path: "/api/v1/events?limit=0",
    status: 400,
    says: /limit must be >= 1/,
    faults: 1,
  },
  {
    what: "a limit that is no number",
    path: "/api/v1/events?limit=many",
    status: 400,
    says: /limit must be integer/,
  },
  {
    what: "two faults in a query",
    path: "/api/v1/events?limit=0&colour=red",
    status: 400,
    says: /colour/,
    faults: 2,
  },
  { what: "a body that is no JSON", ...post, body: "{", status: 400, says: /not valid JSON/ },
  { what: "an empty body of JSON", ...post, body: "", status: 400, says: /empty/ },
  {
    what: "a prototype in the body",
    ...post,
    body: '{"__proto__":{"x":1}}',
    status: 400,
    says: /./,
  },
  {
    what: "three faults in a body",
    ...post,
    body: '{"x":1}',
    status: 400,
    says: /property 'for'/,
    faults: 3,
  },
  { what: "a list for an object", ...post, body: "[]", status: 400, says: /must be object/ },
  {
    what: "a reason of nothing",
    ...post,
    body: '{"for":"1h","reason":""}',
    status: 400,
    says: /reason must NOT have fewer/,
  },
  {
    what: "a reason without end",
    ...post,
    body: `{"for":"1h","reason":"${"x".repeat(201)}"}`,
    status: 400,
    says: /more than 200/,
  },
  {
    what: "a silence that is no duration",
    ...post,
    body: '{"for":"a while","reason":"x"}',
    status: 400,
    says: /expected 5, 5s or 500ms/,
  },
  {
    what: "a silence for ever",
    ...post,
    body: '{"for":"31d","reason":"x"}',
    status: 400,
    says: /1s to 30d/,
  },
  {
    what: "plain text",
    ...post,
    headers: { "content-type": "text/plain" },
    body: "x",
    status: 415,
    says: /application\/json/,
  },
  {
    what: "a form",
    ...post,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "for=1h",
    status: 415,
    says: /application\/json/,
  },
  {
    what: "a body that is too large",
    ...post,
    body: `{"for":"${"x".repeat(17_000)}"}`,
    status: 413,
    says: /16384/,
  },
];

for (const one of bad) {
  test(`${one.what} is a ${one.status} that says so`, async (t) => {
    const { url, plane } = await serve(t);
    const answer = await fetch(url + one.path, {
      method: one.method ?? "GET",
      headers: { ...bearer("admin"), ...one.headers },
      ...(one.body === undefined ? {} : { body: one.body }),
    });
    assert.equal(answer.status, one.status);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    const problem = (await answer.json()) as Problem;
    assert.equal(problem.status, one.status);
    assert.ok(problem.title !== "" && problem.type === "about:blank");
    assert.match(problem.detail, one.says);
    if (one.faults !== undefined) assert.equal(problem.problems?.length, one.faults);
    assert.equal(plane.commands.length, 0);
  });
}

test("a record that cannot be read is a 503 with advice, and the status is still served", async (t) => {
  const { url, plane } = await serve(t);
  plane.recordIsAway = true;
  for (const path of ["/api/v1/events", "/api/v1/recoveries", "/api/v1/recoveries/x"]) {
    const answer = await fetch(url + path, { headers: bearer("viewer") });
    assert.equal(answer.status, 503);
    assert.match(((await answer.json()) as Problem).detail, /REDIS_URL/);
  }
  assert.equal((await fetch(`${url}/api/v1/status`, { headers: bearer("viewer") })).status, 200);
});

test("an unexpected failure tells nothing of itself", async (t) => {
  const { url, plane } = await serve(t);
  plane.summary = () => {
    throw new Error("secret internals");
  };
  const answer = await fetch(`${url}/api/v1/status`, { headers: bearer("viewer") });
  assert.equal(answer.status, 500);
  assert.ok(!(await answer.text()).includes("secret internals"));
});

test("beyond the rate a token gets 429 with Retry-After, another token and the probes do not", async (t) => {
  const { url } = await serve(t, { bounds: { requests: 5 } });
  const ask = (role: "viewer" | "operator") =>
    fetch(`${url}/api/v1/leader`, { headers: bearer(role) });
  for (let i = 0; i < 5; i++) assert.equal((await ask("viewer")).status, 200);
  const refused = await ask("viewer");
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal((await ask("operator")).status, 200);
  for (let i = 0; i < 10; i++) assert.equal((await fetch(`${url}/livez`)).status, 200);
});

test("guesses of tokens and of paths are counted by address", async (t) => {
  const { url } = await serve(t, { bounds: { requests: 5 } });
  const guess = async (path: string): Promise<number> =>
    (await fetch(url + path, { headers: { authorization: "Bearer guess-guess-guess" } })).status;
  for (let i = 0; i < 5; i++) assert.equal(await guess("/api/v1/status"), 401);
  assert.equal(await guess("/api/v1/status"), 429);
});

/** What a raw connection gets back until it is closed. */
const raw = (url: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString("utf8")));
    socket.on("close", () => {
      resolve(answer);
    });
    socket.on("error", reject);
  });

test("a body that dribbles in is cut off in time with a 408", async (t) => {
  const { url } = await serve(t, { bounds: { request: 300 } });
  const began = performance.now();
  const answer = await raw(
    url,
    `POST ${silence} HTTP/1.1\r\nhost: x\r\nauthorization: ${bearer("admin").authorization}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"for"`,
  );
  assert.ok(performance.now() - began < 2500);
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /application\/problem\+json/);
});

test("headers that never end are cut off too, and bytes that are no HTTP get a problem", async (t) => {
  const { url } = await serve(t, { bounds: { request: 300 } });
  assert.match(await raw(url, "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "), /^HTTP\/1\.1 408 /);
  const broken = await raw(url, "\u0016\u0003 hello\r\n\r\n");
  assert.match(broken, /^HTTP\/1\.1 400 .*application\/problem\+json/s);
});
