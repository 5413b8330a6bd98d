// A person's word on services through a real server: who may say it, of which services it makes sense, what goes to the core.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandView, Problem } from "../../../proto/rest.ts";
import { bearer, serve, summaryOf, type TestServer } from "./scripted-plane.ts";

async function post(
  { url }: TestServer,
  path: string,
  role: "viewer" | "operator" = "operator",
): Promise<readonly [number, string]> {
  const answer = await fetch(`${url}/api/v1/${path}`, { method: "POST", headers: bearer(role) });
  const body = (await answer.json()) as CommandView & Problem;
  return [answer.status, answer.ok ? body.text : body.detail];
}

test("what was moved goes back: one service, or all of a host", async (t) => {
  const server = await serve(t);
  assert.deepEqual(await post(server, "services/cache/failback"), [200, "cache goes back"]);
  assert.deepEqual(await post(server, "services/id-cache/failback"), [200, "cache goes back"]);
  for (const host of ["h1", "id-h1"]) {
    assert.deepEqual(await post(server, `hosts/${host}/failback`), [200, "cache go back to h1"]);
  }
  const by = "operator-2 (c1)";
  const moves = server.plane.moves.map(({ kind, service, by: who }) => [kind, service, who]);
  assert.deepEqual(moves, Array(4).fill(["failback", "cache", by]));
});

test("a fenced service moves on a person's word", async (t) => {
  const server = await serve(t);
  assert.deepEqual(await post(server, "services/cache/migrate"), [200, "cache may move"]);
  assert.equal(server.plane.moves[0]?.kind, "vouch");
});

test("so does a fenced container outside a Swarm, once it has lost its host", async (t) => {
  const server = await serve(t);
  const nothing = { quarantinedFor: -1, silencedFor: -1, silenceReason: "", revivalsInWindow: 0 };
  const left = { left: "", awaitsWord: false };
  const known = { id: "plain:h1/db", reason: "", recovery: undefined, ...left, ...nothing };
  server.plane.picture = summaryOf({
    services: [
      { ...known, verdict: "stranded" },
      { ...known, id: "plain:h1/web", verdict: "away" },
    ],
  });
  server.plane.reading = { kind: "none", text: "h1 is in no Swarm", engines: [] };
  const path = (name: string): string => `services/${encodeURIComponent(name)}/migrate`;
  assert.deepEqual(await post(server, path("plain:h1/db")), [200, "h1/db may move"]);
  assert.deepEqual(
    server.plane.moves.map(({ kind, service }) => [kind, service]),
    [["vouch", "plain:h1/db"]],
  );
  for (const name of ["web", "nobody"]) {
    const refused = [404, `No container h1/${name} has lost its host.`];
    assert.deepEqual(await post(server, path(`plain:h1/${name}`)), refused);
  }
});

test("what makes no sense is refused in words, and nothing is done", async (t) => {
  const server = await serve(t);
  const refused = [
    ["services/web/failback", 409, "web was not moved by heartmesh."],
    ["services/nope/failback", 404, "The Swarm has no service nope."],
    ["services/web/migrate", 409, "web is not fenced: it is moved without a person's word."],
    ["hosts/h2/failback", 409, "No service was moved away from h2."],
    ["hosts/id-h/failback", 409, "id-h is ambiguous: id-h1, id-h2, id-h3. Ask by the whole id."],
    ["hosts/h9/failback", 404, "The Swarm has no host h9."],
  ] as const;
  for (const [path, status, text] of refused) {
    assert.deepEqual(await post(server, path), [status, text], path);
  }
  assert.equal((await post(server, "services/cache/migrate", "viewer"))[0], 403);
  server.plane.reading = { kind: "no-quorum", text: "h1 is alone", engines: [] };
  assert.equal((await post(server, "services/cache/migrate"))[0], 503);
  assert.deepEqual(server.plane.moves, []);
});
