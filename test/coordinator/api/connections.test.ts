// Links between coordinators over HTTP: shown to all who read, cut by an admin where faults may be injected, and nowhere else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bearer, serve, type TestServer, type tokens } from "./scripted-plane.ts";

interface Told {
  readonly status: number;
  readonly text: string;
}

async function post(at: TestServer, body: unknown, role: keyof typeof tokens): Promise<Told> {
  const answer = await fetch(`${at.url}/connections`, {
    method: "POST",
    headers: { ...bearer(role), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
}

test("a link is cut and restored by the other's address", async (t) => {
  const at = await serve(t, { env: { FAULT_INJECTION: "1" } });
  const cut = await post(at, { "127.0.0.1:7702": 0 }, "admin");
  assert.deepEqual(JSON.parse(cut.text), { "127.0.0.1:7702": 0, "127.0.0.1:7703": 1 });
  assert.deepEqual([...at.plane.cutLinks], ["c2"]);
  const seen = await fetch(`${at.url}/connections`, { headers: bearer("viewer") });
  assert.deepEqual(await seen.json(), { "127.0.0.1:7702": 0, "127.0.0.1:7703": 1 });
  const back = await post(at, { "127.0.0.1:7702": 1 }, "admin");
  assert.deepEqual(JSON.parse(back.text), { "127.0.0.1:7702": 1, "127.0.0.1:7703": 1 });
});

test("what is no link, and what is neither 0 nor 1, changes nothing", async (t) => {
  const at = await serve(t, { env: { FAULT_INJECTION: "1" } });
  const unknown = await post(at, { "127.0.0.1:7702": 0, "127.0.0.1:9": 0 }, "admin");
  assert.equal(unknown.status, 400);
  assert.match(unknown.text, /no link to 127\.0\.0\.1:9; there are 127\.0\.0\.1:7702, 127/);
  for (const wrong of [2, -1, null, "0", true, {}, [0]]) {
    const told = await post(at, { "127.0.0.1:7702": wrong }, "admin");
    assert.equal(told.status, 400, JSON.stringify(wrong));
  }
  assert.equal(at.plane.cutLinks.size, 0);
});

test("nothing is cut without FAULT_INJECTION, nor by an operator", async (t) => {
  const without = await serve(t);
  const told = await post(without, { "127.0.0.1:7702": 0 }, "admin");
  assert.equal(told.status, 409);
  assert.match(told.text, /FAULT_INJECTION=1 only/);
  const at = await serve(t, { env: { FAULT_INJECTION: "1" } });
  assert.equal((await post(at, { "127.0.0.1:7702": 0 }, "operator")).status, 403);
  assert.equal(without.plane.cutLinks.size + at.plane.cutLinks.size, 0);
});
