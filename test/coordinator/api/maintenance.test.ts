// Hosts are emptied and given work again: by the leader, with the plan beside it, and the ways in which that cannot be.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostSwitchView, Problem } from "../../../proto/rest.ts";
import { coded } from "../../../coordinator/errors.ts";
import { bearer, serve, summaryOf, type TestServer } from "./scripted-plane.ts";

const post = (
  { url }: TestServer,
  path: string,
  body?: string,
  role: Parameters<typeof bearer>[0] = "operator",
): Promise<Response> =>
  fetch(`${url}/api/v1/hosts${path}`, {
    method: "POST",
    headers: {
      ...bearer(role),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body }),
  });
const view = async (answer: Promise<Response>): Promise<HostSwitchView> => {
  const { status, ...rest } = await answer.then(async (one) => ({
    status: one.status,
    body: await one.text(),
  }));
  assert.equal(status, 200, rest.body);
  return JSON.parse(rest.body) as HostSwitchView;
};
const problem = async (answer: Promise<Response>): Promise<readonly [number, string]> => {
  const { status, detail } = (await (await answer).json()) as Problem;
  return [status, detail];
};

test("a drain tells the plan of a host that is emptied, beside what was done", async (t) => {
  const server = await serve(t);
  const told = await view(post(server, "/h1/drain", '{"reason":"a new disk"}'));
  assert.equal(told.text, "h1 is drained from now on; it was active");
  assert.deepEqual([told.before, told.after], ["active", "drain"]);
  const { plan } = told;
  assert.deepEqual([plan.cause, plan.host.availability, plan.by], ["drain", "drain", "h1"]);
  assert.deepEqual(
    plan.services.map(({ name, action }) => [name, action]),
    [
      ["web", "move"],
      ["db", "stay"],
      ["cache", "untouched"],
    ],
  );
  assert.deepEqual(server.plane.switches, [
    {
      ask: { node: "id-h1", name: "h1", wanted: "drain", reason: "a new disk", engine: "h1" },
      by: "operator-2 (c1)",
    },
  ]);
});

test("one that is so already is said so; the other way round it takes work again", async (t) => {
  const server = await serve(t);
  server.plane.switched = () => ({ before: "drain", by: "h1" });
  const again = await view(post(server, "/h1/drain"));
  assert.equal(again.text, "h1 is drained already: nothing was changed");
  const active = await view(post(server, "/id-h1/activate"));
  assert.equal(active.text, "h1 takes work from now on; it was drained");
  assert.deepEqual([active.after, active.plan.cause], ["active", "dead"]);
  server.plane.switched = () => ({ before: "pause", by: "h1" });
  const paused = await view(post(server, "/h1/activate"));
  assert.equal(paused.text, "h1 takes work from now on; it was paused");
});

test("a viewer may not, and what is not understood is refused before anybody is asked", async (t) => {
  const server = await serve(t);
  assert.equal((await post(server, "/h1/drain", undefined, "viewer")).status, 403);
  assert.equal((await post(server, "/h1/drain", '{"force":true}')).status, 400);
  assert.deepEqual(await problem(post(server, "/h9/drain")), [
    404,
    "No host is called h9; GET /api/v1/hosts lists all.",
  ]);
  assert.deepEqual(server.plane.switches, []);
});

test("without a Swarm, or its quorum, nothing is tried", async (t) => {
  const server = await serve(t);
  const engines = [{ engine: "h1", nodeId: "" }];
  for (const [kind, advice] of [
    ["none", /^h1 says so\. Only in a Swarm can services move/],
    ["no-quorum", /^h1 says so\. Bring managers back until more/],
    ["silent", /^h1 says so\. Check the engine and the way to it/],
  ] as const) {
    server.plane.reading = { kind, text: "h1 says so", engines };
    const [status, detail] = await problem(post(server, "/h1/drain"));
    assert.equal(status, 503, kind);
    assert.match(detail, advice);
  }
  assert.deepEqual(server.plane.switches, []);
});

test("a manager's refusal is given back in its own words", async (t) => {
  const server = await serve(t);
  server.plane.switched = () => {
    throw coded("HM_ENGINE_REFUSED", "h1: node update: HTTP 403: denied");
  };
  const [status, detail] = await problem(post(server, "/h1/drain"));
  assert.equal(status, 502);
  assert.match(detail, /^h1: node update: HTTP 403: denied\. Read the engine's own words/);
});

test("a follower forwards it, and gives back the leader's plan", async (t) => {
  const leader = await serve(t, { id: "c1" });
  const follower = await serve(t, { id: "c2" });
  follower.plane.picture = summaryOf({ id: "c2", role: "follower", leader: "c1", leaseFor: 0 });
  follower.plane.leaderAt = leader.url;
  const told = await view(post(follower, "/h1/drain", '{"reason":"a new disk"}'));
  assert.equal(told.plan.services.length, 3);
  assert.deepEqual([leader.plane.switches.length, follower.plane.switches.length], [1, 0]);
});
