// Logins, rotation of tokens, requests from strangers' pages, certificates that rotate.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect } from "node:tls";
import { callersBy, hashOf, parseTokens } from "../../../coordinator/api/tokens.ts";
import { firstPair, secondPair } from "./certificates.ts";
import { bearer, serve, tokens } from "./scripted-plane.ts";
import { pause, until } from "../../waiting.ts";

const status = "/api/v1/status";
const revive = "/api/v1/workers/web-1/revive";

const ask = async (url: string, headers: Record<string, string>, path = status) =>
  (await fetch(url + path, { headers })).status;

test("the token is taken as a bearer or as the password of any user, and as nothing else", async (t) => {
  const { url } = await serve(t);
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  assert.equal(await ask(url, bearer("viewer")), 200);
  assert.equal(await ask(url, { authorization: basic(`anybody:${tokens.viewer}`) }), 200);
  assert.equal(await ask(url, { authorization: `bearer ${tokens.viewer}` }), 200);
  for (const authorization of [
    "",
    "Bearer",
    "Bearer wrong-token-0123456789",
    `Bearer ${tokens.viewer}x`,
    `Bearer ${tokens.viewer.slice(0, -1)}`,
    basic(tokens.viewer),
    basic(`${tokens.viewer}:`),
    `Digest ${tokens.viewer}`,
    tokens.viewer,
    `Bearer ${"x".repeat(9000)}`,
  ]) {
    assert.equal(await ask(url, { authorization }), 401, authorization);
  }
  assert.equal((await fetch(`${url}${status}?token=${tokens.viewer}`)).status, 401);
});

test("pages of CORS_ORIGINS may ask from a browser, and no others", async (t) => {
  const { url, plane } = await serve(t, { env: { CORS_ORIGINS: "https://ops.example" } });
  const allowed = (answer: Response): string | null =>
    answer.headers.get("access-control-allow-origin");
  const preflight = (origin: string): Promise<Response> =>
    fetch(url + revive, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
  const asked = await preflight("https://ops.example");
  assert.equal(asked.status, 204);
  assert.equal(allowed(asked), "https://ops.example");
  assert.match(asked.headers.get("access-control-allow-headers") ?? "", /authorization/);
  assert.equal(allowed(await preflight("https://evil.example")), null);
  const write = async (origin: string): Promise<readonly [number, string | null]> => {
    const headers = { ...bearer("operator"), origin, "sec-fetch-site": "cross-site" };
    const answer = await fetch(url + revive, { method: "POST", headers });
    return [answer.status, allowed(answer)];
  };
  assert.deepEqual(await write("https://ops.example"), [200, "https://ops.example"]);
  assert.deepEqual(await write("https://evil.example"), [403, null]);
  assert.equal(plane.commands.length, 1);
  const own = await serve(t);
  const answer = await fetch(own.url + status, { headers: { origin: "https://ops.example" } });
  assert.equal(allowed(answer), null);
});

test("nothing makes a browser ask for a password: a page that is opened leads to our own sign-in, all else is told what to send", async (t) => {
  const { url } = await serve(t);
  const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  const leadsTo = async (path: string, method = "GET"): Promise<string | null> => {
    const answer = await fetch(url + path, { method, headers: html, redirect: "manual" });
    assert.equal(answer.status, 302, path);
    assert.equal(answer.headers.get("www-authenticate"), null);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    return answer.headers.get("location");
  };
  assert.equal(await leadsTo("/queues"), "/#/sign-in?next=%2Fqueues");
  assert.equal(await leadsTo("/docs/", "HEAD"), "/#/sign-in?next=%2Fdocs%2F");
  const deep = "/queues/queue/revival?status=failed&page=2";
  assert.equal(await leadsTo(deep), `/#/sign-in?next=${encodeURIComponent(deep)}`);
  // What another host's name could be made of is led back to nowhere.
  assert.equal(await leadsTo("//evil.example/queues"), "/#/sign-in");
  const asked: readonly [path: string, method: string, headers: Record<string, string>][] = [
    [status, "GET", {}],
    [status, "GET", { "sec-fetch-site": "same-origin" }],
    ["/queues/static/js/main.js", "GET", { "sec-fetch-site": "same-origin" }],
    ["/api/v1/events", "GET", { accept: "text/event-stream" }],
    ["/api/swarm/health", "GET", {}],
    [revive, "POST", html],
  ];
  for (const [path, method, headers] of asked) {
    const answer = await fetch(url + path, { method, headers, redirect: "manual" });
    assert.equal(answer.status, 401, path);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="heartmesh"/, path);
  }
});

test("tokens are parsed in both forms, and a faulty entry is named by its place, never by its text", () => {
  const both = parseTokens("viewer:0123456789abcdef\n# a comment\nanna:admin:fedcba9876543210,");
  assert.ok(both.ok);
  const callers = callersBy(both.value);
  assert.deepEqual(callers.get(hashOf("fedcba9876543210")), { name: "anna", role: "admin" });
  assert.equal(callers.get(hashOf("fedcba987654321")), undefined);
  assert.ok(!JSON.stringify(both.value).includes("fedcba9876543210"), "only hashes are kept");
  for (const text of [
    "",
    "0123456789abcdef",
    "root:0123456789abcdef",
    "viewer:short",
    "a:b:viewer:0123456789abcdef",
    "viewer:0123456789 abcdef",
  ]) {
    const parsed = parseTokens(text);
    assert.ok(!parsed.ok, text);
    assert.ok(!(parsed.detail ?? "").includes("0123456789"), text);
  }
});

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "heartmesh-api-"));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

test("a changed token file counts without a restart; a broken one leaves the old tokens", async (t) => {
  const file = join(directory(t), "tokens");
  writeFileSync(file, "viewer:first-token-0123456789\n");
  const { url } = await serve(t, {
    env: { API_TOKENS: "", API_TOKENS_FILE: file },
    bounds: { rereadEvery: 20 },
  });
  const first = { authorization: "Bearer first-token-0123456789" };
  const second = { authorization: "Bearer second-token-9876543210" };
  assert.equal(await ask(url, first), 200);
  assert.equal(await ask(url, second), 401);
  writeFileSync(file, "viewer:second-token-9876543210\n");
  await until("the new token", async () => (await ask(url, second)) === 200);
  assert.equal(await ask(url, first), 401, "the old token ends");
  writeFileSync(file, "nonsense\n");
  await pause(150);
  assert.equal(await ask(url, second), 200);
});

test("a write from another site's page is refused, whoever is logged in; from our own it is taken", async (t) => {
  const { url, plane } = await serve(t);
  const write = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(url + revive, { method: "POST", headers: { ...bearer("admin"), ...headers } }))
      .status;
  assert.equal(await write({ origin: "https://evil.example" }), 403);
  assert.equal(await write({ origin: "null" }), 403);
  assert.equal(await write({ origin: url.replace(/\d+$/, "1") }), 403, "another port is elsewhere");
  assert.equal(await rawWrite(url, { "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await rawWrite(url, { "sec-fetch-site": "same-site" }), 403);
  assert.equal(plane.commands.length, 0);
  assert.equal(await write({ origin: url }), 200);
  assert.equal(await rawWrite(url, { "sec-fetch-site": "same-origin", origin: url }), 200);
  assert.equal(await write({}), 200, "no browser");
});

/** fetch sets Sec-Fetch headers and Host itself. */
const rawWrite = (url: string, headers: Record<string, string>): Promise<number> =>
  rawAsk(url + revive, "POST", { ...bearer("admin"), ...headers });

const rawAsk = (url: string, method: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });

test("without tokens whoever is on this machine is an admin, but not by a name that merely resolves to it", async (t) => {
  const { url } = await serve(t, { env: { API_TOKENS: "" } });
  assert.equal(await rawAsk(url + revive, "POST", {}), 200);
  const { port } = new URL(url);
  assert.equal(await rawAsk(url + status, "GET", { host: `localhost:${port}` }), 200);
  assert.equal(await rawAsk(url + status, "GET", { host: `rebound.example:${port}` }), 403);
  const rebound = { host: `rebound.example:${port}`, origin: `http://rebound.example:${port}` };
  assert.equal(await rawAsk(url + revive, "POST", rebound), 403);
});

test("every answer carries the headers that keep browsers out of trouble", async (t) => {
  const { url } = await serve(t);
  for (const path of [status, "/queues", "/docs", "/nowhere"]) {
    const { headers } = await fetch(url + path, { headers: bearer("viewer") });
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/, path);
    // Our own pages show the queues in a frame.
    const framedBy = path === "/queues" ? /frame-ancestors 'self'$/ : /frame-ancestors 'none'/;
    assert.match(headers.get("content-security-policy") ?? "", framedBy, path);
  }
});

const certificateOf = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const socket = connect({ port: Number(port), host: "127.0.0.1", rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().subject.CN as string);
      socket.destroy();
    });
  });

test("a replaced certificate counts without a restart; half a pair leaves the old one", async (t) => {
  const dir = directory(t);
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  writeFileSync(cert, firstPair.cert);
  writeFileSync(key, firstPair.key);
  const { url } = await serve(t, {
    env: { HTTP_TLS_CERT: cert, HTTP_TLS_KEY: key },
    bounds: { rereadEvery: 20 },
  });
  assert.match(url, /^https:/);
  assert.equal(await certificateOf(url), "heartmesh test 1");
  writeFileSync(cert, secondPair.cert);
  await pause(100);
  assert.equal(await certificateOf(url), "heartmesh test 1");
  writeFileSync(key, secondPair.key);
  await until("the new certificate", async () => (await certificateOf(url)) === "heartmesh test 2");
});
