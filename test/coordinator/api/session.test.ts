// Signing in and out with a cookie: what it lets in, what ends it, and what neither a forger nor another site's page gets by it.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { pino } from "pino";
import type { SessionView } from "../../../proto/rest.ts";
import { SessionCookies, sessionLasts } from "../../../coordinator/api/session-cookie.ts";
import { FailedSignIns } from "../../../coordinator/api/failed-sign-ins.ts";
import { hashOf } from "../../../coordinator/api/tokens.ts";
import { limits } from "../../../proto/limits.ts";
import { until } from "../../waiting.ts";
import { ask, ofPage, sessionOf, sessionPath, showToken, signIn } from "./browser.ts";
import { firstPair } from "./certificates.ts";
import { apiTokens, bearer, serve, tokens } from "./scripted-plane.ts";

const status = "/api/v1/status";
const revive = "/api/v1/workers/web-1/revive";
const nobody = { name: "", role: null, expiresAtMs: null, csrf: "" };

test("who shows a token gets a strict cookie for 12 hours, and is let in by it with the token's role until he signs out", async (t) => {
  const { url, plane } = await serve(t);
  const before = await sessionOf(url);
  const { isNeeded, coordinator, cluster } = before;
  assert.deepEqual(
    { ...before, version: "" },
    { ...nobody, isNeeded, coordinator, cluster, version: "" },
  );
  assert.deepEqual([isNeeded, coordinator, cluster], [true, "c1", "heartmesh"]);
  assert.match(before.version, /^\d+\.\d+\.\d+/);
  const signed = await signIn(url, "operator");
  const attributes = signed.set.split("; ").slice(1);
  const wanted = ["Max-Age=43200", "Path=/", "HttpOnly", "SameSite=Strict"];
  assert.deepEqual(attributes.toSorted(), wanted.toSorted());
  assert.match(signed.cookie, /^heartmesh=/);
  assert.deepEqual([signed.view.name, signed.view.role], ["operator-2", "operator"]);
  const left = (signed.view.expiresAtMs ?? 0) - Date.now();
  assert.ok(left > sessionLasts - 60_000 && left <= sessionLasts, `${left} ms`);
  assert.deepEqual(await sessionOf(url, signed.cookie), signed.view);
  const cookie = `theme=dark; ${signed.cookie}; other=1`;
  assert.equal((await ask(url + status, { headers: { cookie } })).status, 200);
  assert.equal((await ask(`${url}/metrics`, { headers: { cookie } })).status, 200);
  assert.equal((await ask(`${url}/api/v1/record`, { headers: { cookie } })).status, 403);
  const wrote = await ask(url + revive, { method: "POST", headers: ofPage(signed) });
  assert.equal(wrote.status, 200, wrote.text);
  assert.equal(plane.commands[0]?.by, "operator-2 (c1)");
  const out = await ask(url + sessionPath, { method: "DELETE", headers: { cookie } });
  const [cleared = ""] = out.headers["set-cookie"] ?? [];
  assert.match(cleared, /^heartmesh=; Max-Age=0; /);
  assert.deepEqual(JSON.parse(out.text), before);
});

test("under TLS the cookie is of this host alone and goes nowhere without TLS", async (t) => {
  const path = mkdtempSync(join(tmpdir(), "heartmesh-api-"));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  const [HTTP_TLS_CERT, HTTP_TLS_KEY] = [join(path, "cert.pem"), join(path, "key.pem")];
  writeFileSync(HTTP_TLS_CERT, firstPair.cert);
  writeFileSync(HTTP_TLS_KEY, firstPair.key);
  const { url } = await serve(t, { env: { HTTP_TLS_CERT, HTTP_TLS_KEY } });
  assert.match(url, /^https:/);
  const { set, cookie } = await signIn(url, "viewer");
  assert.match(set, /^__Host-heartmesh=[^;]+; .*Path=\/; .*; Secure$/);
  assert.doesNotMatch(set, /Domain/i);
  assert.equal((await sessionOf(url, cookie)).name, "viewer-1");
  const plain = cookie.replace("__Host-", "");
  assert.equal((await sessionOf(url, plain)).name, "", "another host could have set that");
});

test("what is forged, changed, over, doubled or of another mesh is nobody's, and no error", async (t) => {
  const { url } = await serve(t);
  const { cookie, view } = await signIn(url, "viewer");
  const [name = "", end = "", mac = ""] = cookie.slice("heartmesh=".length).split(".");
  const other = await serve(t, { env: { CLUSTER_ID: "another" } });
  const stranger = await serve(t, { env: { API_TOKENS: "viewer:another-token-0123456789" } });
  const admin = await signIn(url, "admin");
  const cookies = new SessionCookies({ cluster: "heartmesh", isTls: false });
  const caller = { name: "viewer-1", role: "viewer" } as const;
  const begun = (at: number): string => cookies.begin(hashOf(tokens.viewer), caller, at).cookie;
  assert.equal((await sessionOf(url, begun(Date.now()))).name, "viewer-1");
  assert.equal((await sessionOf(url, begun(Date.now() - sessionLasts + 60_000))).name, "viewer-1");
  const adminName = admin.cookie.slice("heartmesh=".length).split(".")[0] ?? "";
  const flipped = (mac.startsWith("A") ? "B" : "A") + mac.slice(1);
  for (const [what, shown] of Object.entries({
    over: begun(Date.now() - sessionLasts),
    "a later end": `heartmesh=${name}.${Number(end) + 1}.${mac}`,
    "an end in another form": `heartmesh=${name}.0${end}.${mac}`,
    "an admin's name": `heartmesh=${adminName}.${end}.${mac}`,
    "an admin's MAC": `heartmesh=${name}.${end}.${admin.cookie.split(".")[2] ?? ""}`,
    "its csrf for a MAC": `heartmesh=${name}.${end}.${view.csrf}`,
    "another MAC": `heartmesh=${name}.${end}.${flipped}`,
    "a MAC too long": `heartmesh=${name}.${end}.${mac}A`,
    "a MAC in another form": `heartmesh=${name}.${end}.${mac}=`,
    "no MAC": `heartmesh=${name}.${end}.`,
    "no end": `heartmesh=${name}`,
    "a token": `heartmesh=${tokens.viewer}`,
    empty: "heartmesh=",
    "another cookie's name": cookie.replace("heartmesh", "heartmesh2"),
    "two of them": `${cookie}; ${admin.cookie}`,
    "another mesh with the same tokens": (await signIn(other.url, "viewer")).cookie,
    "other tokens": (await signIn(stranger.url, "another-token-0123456789")).cookie,
    "text that is none": `heartmesh=${"%00".repeat(50)};;=;=;`,
    "very long": `heartmesh=${"x".repeat(9_000)}`,
  })) {
    assert.equal((await sessionOf(url, shown)).name, "", what);
    assert.equal((await ask(url + status, { headers: { cookie: shown } })).status, 401, what);
  }
});

test("each coordinator with the same tokens takes it; a changed role counts at once, and without its token a session ends", async (t) => {
  const path = mkdtempSync(join(tmpdir(), "heartmesh-api-"));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  const file = join(path, "tokens");
  writeFileSync(file, "ann:admin:anns-own-token-9876\nbob:viewer:bobs-own-token-9876\n");
  const env = { API_TOKENS: "", API_TOKENS_FILE: file };
  const first = await serve(t, { env, bounds: { rereadEvery: 20 } });
  const second = await serve(t, { id: "c2", env, bounds: { rereadEvery: 20 } });
  const signed = await signIn(first.url, "anns-own-token-9876");
  const bob = await signIn(first.url, "bobs-own-token-9876");
  const seen = await sessionOf(second.url, signed.cookie);
  assert.deepEqual(seen, { ...signed.view, coordinator: "c2" });
  const revives = async (): Promise<number> =>
    (await ask(second.url + revive, { method: "POST", headers: ofPage(signed) })).status;
  assert.equal(await revives(), 200);
  writeFileSync(file, "ann:viewer:anns-own-token-9876\nbob:viewer:bobs-own-token-9876\n");
  await until("the role to have changed", async () => (await revives()) === 403);
  assert.equal((await sessionOf(second.url, signed.cookie)).role, "viewer");
  writeFileSync(file, "ann:viewer:anns-new-token-9876\nbob:viewer:bobs-own-token-9876\n");
  const isOver = async (): Promise<boolean> =>
    (await sessionOf(second.url, signed.cookie)).name === "";
  await until("the session to be over", isOver);
  assert.equal((await ask(second.url + status, { headers: ofPage(signed) })).status, 401);
  assert.equal((await sessionOf(second.url, bob.cookie)).name, "bob", "another's goes on");
});

test("a write by a session needs its csrf; a read, and a write by a token, needs none", async (t) => {
  const { url, plane } = await serve(t);
  const signed = await signIn(url, "operator");
  const { cookie, view } = signed;
  const admin = await signIn(url, "admin");
  const writes = async (headers: Record<string, string>): Promise<number> =>
    (await ask(url + revive, { method: "POST", headers })).status;
  for (const headers of [
    {},
    { "sec-fetch-site": "same-origin", origin: url },
    { "x-heartmesh-csrf": "" },
    { "x-heartmesh-csrf": `${view.csrf}x` },
    { "x-heartmesh-csrf": view.csrf.slice(1) },
    { "x-heartmesh-csrf": admin.view.csrf },
    { "x-heartmesh-csrf": view.csrf, origin: "https://evil.example" },
    { "x-heartmesh-csrf": view.csrf, "sec-fetch-site": "same-site" },
  ]) {
    assert.equal(await writes({ cookie, ...headers }), 403, JSON.stringify(headers));
  }
  assert.equal(plane.commands.length, 0);
  assert.equal(await writes(ofPage(signed)), 200);
  assert.equal(await writes({ ...ofPage(signed), "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await writes({ cookie, ...bearer("operator") }), 200, "by the token");
  const stale = { authorization: "Bearer no-such-token-0123456789" };
  assert.equal(await writes({ cookie, ...stale }), 403, "by the cookie");
  assert.equal((await ask(url + status, { headers: { cookie } })).status, 200);
});

test("no other site's page signs anybody in or out, not even one that may ask the API", async (t) => {
  const { url } = await serve(t, { env: { CORS_ORIGINS: "https://ops.example" } });
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "https://ops.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ]) {
    for (const method of ["POST", "DELETE"]) {
      const body = method === "POST" ? { body: { token: tokens.viewer } } : {};
      const answer = await ask(url + sessionPath, { method, headers, ...body });
      assert.equal(answer.status, 403, `${method} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers["set-cookie"], undefined);
    }
  }
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const posted = await ask(url + sessionPath, { method: "POST", headers: form, body: "token=x" });
  assert.equal(posted.status, 415, "what a form can send");
  const own = { origin: url, "sec-fetch-site": "same-origin" };
  assert.equal((await showToken(url, tokens.viewer, { headers: own })).status, 200);
});

test("a session begins afresh with each sign-in, whatever cookie is shown with it", async (t) => {
  const { url } = await serve(t);
  const planted = await signIn(url, "viewer");
  for (const cookie of [planted.cookie, "heartmesh=chosen.99999999999999.chosen"]) {
    const answer = await showToken(url, tokens.admin, { headers: { cookie } });
    const [set = ""] = answer.headers["set-cookie"] ?? [];
    const given = set.split(";")[0] ?? "";
    assert.notEqual(given, cookie);
    assert.equal((await sessionOf(url, given)).role, "admin");
    const now = JSON.parse(answer.text) as SessionView;
    assert.notEqual(now.csrf, planted.view.csrf);
  }
  const { role, csrf } = await sessionOf(url, planted.cookie);
  assert.deepEqual([role, csrf], ["viewer", planted.view.csrf], "it did not grow");
});

test("after ten wrong tokens in a minute no more are looked at of whom shows them, and others go on", async (t) => {
  const { url } = await serve(t);
  const { cookie } = await signIn(url, "viewer");
  const wrong = "no-such-token-0123456789";
  for (let i = 0; i < 10; i++) assert.equal((await showToken(url, wrong)).status, 401);
  const refused = await showToken(url, tokens.admin);
  assert.equal(refused.status, 429, "not even a right one tells");
  assert.match(String(refused.headers["retry-after"]), /^\d\d?$/);
  assert.equal(refused.headers["set-cookie"], undefined);
  assert.equal((await showToken(url, tokens.admin, { from: "127.0.0.2" })).status, 200);
  const behindProxy = { headers: { "x-forwarded-for": "203.0.113.7, 198.51.100.9" } };
  assert.equal((await showToken(url, tokens.admin, behindProxy)).status, 200);
  assert.equal((await sessionOf(url, cookie)).name, "viewer-1", "who is signed in stays so");
  assert.equal((await ask(url + status, { headers: bearer("viewer") })).status, 200);
});

test("wrong tokens count for a minute, by whom a proxy names, and by the address whatever names are made up", () => {
  const failed = new FailedSignIns();
  const [one, other] = [
    { address: "10.0.0.1", client: "a" },
    { address: "10.0.0.1", client: "b" },
  ];
  for (let i = 0; i < 9; i++) failed.add(one, 1_000 * i);
  assert.equal(failed.waitOf(one, 9_000), 0);
  failed.add(one, 9_000);
  assert.equal(failed.waitOf(one, 10_000), 50_000);
  assert.equal(failed.waitOf(other, 10_000), 0);
  assert.equal(failed.waitOf(one, 60_000), 0);
  failed.add(one, 60_000);
  assert.equal(failed.waitOf(one, 60_000), 0, "a new minute begins at its first");
  for (let i = 0; i < 100; i++) failed.add({ address: "10.0.0.2", client: `x${i}` }, 70_000);
  assert.equal(failed.waitOf({ address: "10.0.0.2", client: "fresh" }, 80_000), 50_000);
  for (let i = 0; i <= limits.failedSignIns; i++) {
    failed.add({ address: `${i}`, client: "" }, 90_000);
  }
  assert.equal(
    failed.waitOf({ address: "10.0.0.2", client: "" }, 91_000),
    0,
    "and memory is bounded",
  );
});

test("without tokens nobody has to sign in: an admin on loopback, no cookie, the checks of host and page as ever", async (t) => {
  const { url, plane } = await serve(t, { env: { API_TOKENS: "" } });
  const view = await sessionOf(url);
  const { isNeeded, role, csrf, expiresAtMs } = view;
  assert.deepEqual([isNeeded, role, csrf, expiresAtMs], [false, "admin", "", null]);
  const answer = await showToken(url, "whatever");
  assert.deepEqual([answer.status, answer.headers["set-cookie"]], [200, undefined]);
  assert.deepEqual(JSON.parse(answer.text), view);
  const { port } = new URL(url);
  for (const headers of [
    { host: `rebound.example:${port}` },
    { origin: "https://evil.example" },
    { "sec-fetch-site": "cross-site" },
  ]) {
    const what = JSON.stringify(headers);
    assert.equal((await showToken(url, "whatever", { headers })).status, 403, what);
    assert.equal((await ask(url + revive, { method: "POST", headers })).status, 403, what);
  }
  assert.equal(plane.commands.length, 0);
  assert.equal((await ask(url + revive, { method: "POST" })).status, 200);
});

test("neither a token nor a cookie nor a csrf is ever logged", async (t) => {
  let logged = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  const { url, plane } = await serve(t, { log: pino({ level: "trace" }, sink) });
  const wrong = "no-such-token-0123456789";
  await showToken(url, wrong);
  const signed = await signIn(url, "admin");
  plane.command = () => Promise.reject(new Error("it failed inside"));
  const failure = await ask(url + revive, { method: "POST", headers: ofPage(signed) });
  assert.equal(failure.status, 500);
  await ask(url + sessionPath, { method: "DELETE", headers: ofPage(signed) });
  for (const words of ["a wrong token", "somebody signed in", "it failed inside"]) {
    assert.ok(logged.includes(words), words);
  }
  const { cookie, view } = signed;
  for (const secret of [wrong, tokens.admin, view.csrf, ...cookie.split("=")[1]!.split(".")]) {
    assert.ok(!logged.includes(secret), secret);
  }
});

test("requests of a session count as those of its token, not as its address's", async (t) => {
  const { url } = await serve(t, { env: { API_TOKENS: apiTokens }, bounds: { requests: 20 } });
  const { cookie } = await signIn(url, "viewer");
  const read = async (headers: Record<string, string>): Promise<number> =>
    (await ask(url + status, { headers })).status;
  for (let i = 0; i < 25; i++) await read({});
  assert.equal(await read({}), 429);
  assert.equal(await read({ cookie }), 200);
});
