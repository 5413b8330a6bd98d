// A write on a follower reaches the leader, once, with the same login; and every way that this can fail.

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { Problem } from "../../../proto/rest.ts";
import { pause, until } from "../../waiting.ts";
import { ask, ofPage, signIn } from "./browser.ts";
import { bearer, serve, summaryOf, type TestServer } from "./scripted-plane.ts";

async function pair(t: TestContext): Promise<{ leader: TestServer; follower: TestServer }> {
  const leader = await serve(t, { id: "c1" });
  const follower = await serve(t, { id: "c2", bounds: { forward: 500, hold: 400 } });
  follower.plane.picture = summaryOf({ id: "c2", role: "follower", leader: "c1", leaseFor: 0 });
  follower.plane.leaderAt = leader.url;
  return { leader, follower };
}

const write = (
  { url }: TestServer,
  path = "/api/v1/workers/h1%2Fweb-1/silence",
  headers: Record<string, string> = bearer("operator"),
): Promise<Response> =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"for":"10m","reason":"deploy ü"}',
  });

test("a follower forwards the write and gives back the leader's answer", async (t) => {
  const { leader, follower } = await pair(t);
  const answer = await write(follower);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { text: "a recovery began", recovery: "4.7.aa" });
  assert.equal(follower.plane.commands.length, 0);
  assert.deepEqual(leader.plane.commands, [
    {
      command: { kind: "silence", worker: "h1/web-1", duration: 600_000, reason: "deploy ü" },
      by: "operator-2 (c1)",
    },
  ]);
});

test("a session of the follower is one of the leader: its cookie and csrf go along, and no cookie but ours", async (t) => {
  const { leader, follower } = await pair(t);
  const signed = await signIn(follower.url, "operator");
  const { cookie, ...csrf } = ofPage(signed);
  const headers = { cookie: `theme=dark; ${cookie}; secret=of-another`, ...csrf };
  assert.equal((await write(follower, undefined, headers)).status, 200);
  assert.equal(leader.plane.commands[0]?.by, "operator-2 (c1)");
  assert.equal((await write(follower, undefined, { cookie: headers.cookie })).status, 403);
  assert.equal(leader.plane.commands.length, 1);
  let told: IncomingHttpHeaders = {};
  const listening = createServer((request, response) => {
    told = request.headers;
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  t.after(() => listening.close());
  follower.plane.leaderAt = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const revive = `${follower.url}/api/v1/workers/h1%2Fweb-1/revive`;
  assert.equal((await ask(revive, { method: "POST", headers })).status, 200);
  assert.deepEqual([told.cookie, told["x-heartmesh-csrf"]], [cookie, signed.view.csrf]);
  const byToken = { ...bearer("operator"), cookie: "secret=of-another" };
  assert.equal((await ask(revive, { method: "POST", headers: byToken })).status, 200);
  assert.deepEqual([told.cookie, told.authorization], [undefined, byToken.authorization]);
});

test("the leader's refusals come back as they are", async (t) => {
  const { leader, follower } = await pair(t);
  leader.plane.result = { kind: "refused", text: "it is paused" };
  const refused = await write(follower);
  assert.equal(refused.status, 409);
  assert.match(refused.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.match(((await refused.json()) as Problem).detail, /it is paused/);
  assert.equal((await write(follower, "/api/v1/workers/nobody/silence")).status, 404);
});

test("a delete without a body is forwarded too", async (t) => {
  const { leader, follower } = await pair(t);
  const answer = await fetch(`${follower.url}/api/v1/workers/h1%2Fweb-1/quarantine`, {
    method: "DELETE",
    headers: bearer("operator"),
  });
  assert.equal(answer.status, 200);
  assert.equal(leader.plane.commands[0]?.command.kind, "release-quarantine");
});

test("a viewer is refused on the follower already, and reads are answered there", async (t) => {
  const { leader, follower } = await pair(t);
  const asViewer = await write(follower, undefined, bearer("viewer"));
  assert.equal(asViewer.status, 403);
  assert.equal(leader.plane.commands.length, 0);
  const status = await fetch(`${follower.url}/api/v1/status`, { headers: bearer("viewer") });
  assert.equal(((await status.json()) as { id: string }).id, "c2");
});

test("two that take each other for the leader do not forward in circles", async (t) => {
  const one = await serve(t, { id: "c1", bounds: { hold: 100 } });
  const other = await serve(t, { id: "c2" });
  one.plane.picture = summaryOf({ id: "c1", role: "follower", leader: "c2", leaseFor: 0 });
  other.plane.picture = summaryOf({ id: "c2", role: "follower", leader: "c1", leaseFor: 0 });
  one.plane.leaderAt = other.url;
  other.plane.leaderAt = one.url;
  const answer = await write(one);
  assert.equal(answer.status, 503);
  assert.match(((await answer.json()) as Problem).detail, /does not lead: the lead is changing/);
});

test("without a leader a write is a 503 that says so", async (t) => {
  const server = await serve(t, { id: "c2", bounds: { hold: 100 } });
  server.plane.picture = summaryOf({ id: "c2", role: "candidate", leader: "", leaseFor: 0 });
  const answer = await write(server);
  assert.equal(answer.status, 503);
  assert.match(((await answer.json()) as Problem).detail, /No coordinator leads/);
});

test("a leader that holds no lease yet does not act, nor forward to itself", async (t) => {
  const server = await serve(t, { id: "c1", bounds: { hold: 100 } });
  server.plane.picture = summaryOf({ leaseFor: 0 });
  server.plane.leaderAt = server.url;
  assert.equal((await write(server)).status, 503);
  assert.equal(server.plane.commands.length, 0);
});

test("a leader that cannot be reached is a 502, one that never answers a 504, both in bounded time", async (t) => {
  const { follower } = await pair(t);
  follower.plane.leaderAt = "http://127.0.0.1:1";
  const unreachable = await write(follower);
  assert.equal(unreachable.status, 502);
  assert.match(((await unreachable.json()) as Problem).detail, /ECONNREFUSED.*COORDINATOR_URLS/);
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    mute.closeAllConnections();
    mute.close();
  });
  follower.plane.leaderAt = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  const began = performance.now();
  assert.equal((await write(follower)).status, 504);
  assert.ok(performance.now() - began < 2500);
});

test("a write is held while nobody leads, and carried out once by whom then does", async (t) => {
  const { leader, follower } = await pair(t);
  follower.plane.leaderAt = undefined;
  const answer = write(follower);
  await pause(100);
  follower.plane.leaderAt = leader.url;
  assert.equal((await answer).status, 200);
  assert.equal(leader.plane.commands.length, 1);
});

test("a write is held while the leader is dead, and while it does not yet know that it leads", async (t) => {
  const { leader, follower } = await pair(t);
  follower.plane.leaderAt = "http://127.0.0.1:1";
  leader.plane.picture = summaryOf({ role: "candidate", leader: "", leaseFor: 0 });
  const answer = write(follower);
  await pause(100);
  follower.plane.leaderAt = leader.url;
  await pause(100);
  assert.equal(leader.plane.commands.length, 0);
  leader.plane.picture = summaryOf();
  assert.equal((await answer).status, 200);
  assert.equal(leader.plane.commands.length, 1);
});

test("a write that reached the leader is not repeated, whatever became of it", async (t) => {
  const { follower } = await pair(t);
  let asked = 0;
  const dying = createServer(({ socket }) => {
    asked++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => dying.listen(0, "127.0.0.1", resolve));
  t.after(() => dying.close());
  follower.plane.leaderAt = `http://127.0.0.1:${(dying.address() as AddressInfo).port}`;
  const answer = await write(follower);
  assert.equal(answer.status, 502);
  assert.match(((await answer.json()) as Problem).detail, /look before you ask again/);
  assert.equal(asked, 1);
});

test("a write whose sender has gone is not made any more", async (t) => {
  const leader = await serve(t, { id: "c1" });
  const follower = await serve(t, { id: "c2", bounds: { hold: 60_000 } });
  follower.plane.picture = summaryOf({ id: "c2", role: "follower", leader: "", leaseFor: 0 });
  const leaving = new AbortController();
  const answer = fetch(`${follower.url}/api/v1/workers/h1%2Fweb-1/quarantine`, {
    method: "DELETE",
    headers: bearer("operator"),
    signal: leaving.signal,
  });
  const { plane } = follower;
  await until("it to be held", () => plane.looksForLeader > 1);
  leaving.abort();
  await assert.rejects(answer);
  await until("nobody to look for a leader any more", async () => {
    const looks = plane.looksForLeader;
    await pause(500);
    return plane.looksForLeader === looks;
  });
  plane.leaderAt = leader.url;
  await pause(200);
  assert.equal(leader.plane.commands.length, 0);
});
