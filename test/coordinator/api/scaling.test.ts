// `/api/swarm/scaling` and `/api/swarm/services/<name>/scaling` over HTTP: what is taken, what is refused and in which words.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { SwarmClient, SwarmFailed } from "../../../coordinator/swarm-client.ts";
import { serve, tokens, type TestServer } from "./scripted-plane.ts";

const policy = { min: 2, max: 6, target: 0.75, cooldown: 45 };

async function served(t: TestContext): Promise<TestServer & { readonly client: SwarmClient }> {
  const server = await serve(t);
  return { ...server, client: new SwarmClient({ url: server.url, token: tokens.operator }) };
}

const refused = async (asked: Promise<unknown>): Promise<string> => {
  const failed = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failed instanceof SwarmFailed, String(failed));
  return `${failed.status}: ${failed.message}`;
};

test("a policy is put, told with what it makes of its service, replaced and removed, each on record", async (t) => {
  const { client, plane } = await served(t);
  await client.removeScaling("web");
  assert.deepEqual(await client.scaling(), []);
  const put = await client.setScaling("id-web", policy);
  assert.equal(put.text, "web is scaled by its load: 2 to 6 replicas at a load of 0.75, 45 s");
  const told = await client.scaling("web");
  assert.deepEqual(told.policy, policy);
  assert.match(told.putBy, /^operator-\d \(c1\)$/);
  assert.ok(Math.abs(Date.parse(told.putAt) - Date.now()) < 60_000);
  assert.deepEqual(told.state, {
    ...{ load: 0.9, loadOf: "tasks", replicas: 2, wanted: 4, heldBecause: "" },
    lastChangeAt: "2023-11-14T22:13:20.000Z",
  });
  plane.scalingState = undefined;
  const again = await client.setScaling("web", { ...policy, max: 9 });
  assert.equal(again.before, "2 to 6 replicas at a load of 0.75, 45 s");
  const [listed, ...others] = await client.scaling();
  assert.deepEqual([listed?.service, listed?.policy.max, listed?.state], ["web", 9, null]);
  assert.equal(others.length, 0);
  assert.equal((await client.removeScaling("web")).after, "");
  assert.deepEqual(
    plane.swarmChanges.map(({ changed }) => [changed.verb, changed.subject]),
    Array(4).fill(["set-scaling", "web"]),
  );
});

test("what cannot be is refused with what was wrong and what is expected", async (t) => {
  const { client } = await served(t);
  const put = (name: string, wrong: object): Promise<string> =>
    refused(client.setScaling(name, { ...policy, ...wrong }));
  assert.equal(
    await put("web", { min: 7 }),
    "400: min is 7 and max is 6; expected min to be no more than max.",
  );
  assert.match(await put("web", { min: 0 }), /^400: body\/min must be >= 1/);
  assert.match(await put("web", { max: 10_001 }), /^400: body\/max must be <= 10000/);
  assert.match(await put("web", { target: 0 }), /^400: body\/target must be >= 0.01/);
  assert.match(await put("web", { target: "0.5" }), /^400: body\/target must be number/);
  assert.match(await put("web", { cooldown: 4 }), /^400: body\/cooldown must be >= 5/);
  assert.match(await put("web", { cooldown: 7.5 }), /^400: body\/cooldown must be integer/);
  assert.match(await put("web", { speed: 1 }), /^400: body .*speed/);
  assert.match(await put("every", {}), /^409: Every is global, not replicated: how many tasks/);
  assert.match(await put("none", {}), /^404: The Swarm has no service none\.$/);
  assert.match(await refused(client.scaling("none")), /^404: none has no scaling policy; GET/);
  assert.match(await refused(client.removeScaling("none")), /^404: none has no scaling policy/);
});

test("while Redis is away it is said so, and a viewer may not put anything", async (t) => {
  const { client, plane, url } = await served(t);
  plane.recordIsAway = true;
  assert.match(await refused(client.scaling()), /^503: .*scaling policies cannot be read/);
  assert.match(await refused(client.setScaling("web", policy)), /^503: .*scaling policies/);
  plane.recordIsAway = false;
  const viewer = new SwarmClient({ url, token: tokens.viewer });
  assert.match(await refused(viewer.setScaling("web", policy)), /^403: .*operator/);
  assert.equal((await viewer.scaling("web")).service, "web");
});
