// A Swarm made of plain engines over HTTP: begun, joined, left and taken apart, as docker itself sees it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SwarmClient, SwarmFailed } from "../../coordinator/swarm-client.ts";
import { startPlainHosts, type PlainHosts } from "../lab/plain-hosts.ts";
import { needs } from "../lab/requirements.ts";
import { until } from "../waiting.ts";

describe("a Swarm made over HTTP", { skip: needs("root", "engine", "redis") }, () => {
  let plain: PlainHosts;
  let client: SwarmClient;

  before(async () => {
    plain = await startPlainHosts();
    client = new SwarmClient({ url: plain.trio.url(await plain.trio.leader()) });
  });
  after(() => plain.stop());

  const isIn = async (host: string): Promise<string> => {
    const words = ["info", "--format", "{{.Swarm.LocalNodeState}}"];
    return (await plain.engine(host).docker(...words)).stdout.trim();
  };
  const failure = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "",
      (error: unknown) => (error instanceof SwarmFailed ? `${error.status} ${error.message}` : ""),
    );

  test("where there is none, that is said with what to do", async () => {
    assert.match(await failure(client.nodes()), /^503 .*in no Swarm.*DOCKER_HOST/s);
  });

  test("begun on one engine, joined by another, left, removed and ended", async () => {
    const begun = await client.init({ advertiseAddr: plain.address("h1"), engine: "h1" });
    assert.match(begun.text, /^h1 is the first manager/);
    assert.equal(await isIn("h1"), "active");
    assert.match(
      await failure(client.init({ advertiseAddr: plain.address("h1"), engine: "h1" })),
      /^503 .*already part of a swarm/,
    );
    const { token, remoteAddrs } = await client.joinToken("worker");
    assert.deepEqual(remoteAddrs, [`${plain.address("h1")}:2377`]);
    const join = { remoteAddrs, joinToken: token, advertiseAddr: plain.address("h4") };
    await client.join({ ...join, engine: "h4" });
    assert.equal(await isIn("h4"), "active");
    await until("both are ready", async () => {
      const nodes = await client.nodes();
      return (nodes.length === 2 && nodes.every(({ state }) => state === "ready")) || undefined;
    });
    assert.match(await failure(client.removeNode("h4")), /^409 .*not down/);
    await client.leave({ engine: "h4" });
    assert.equal(await isIn("h4"), "inactive");
    await until("it is down", async () => (await client.node("h4")).state === "down", 30_000);
    await client.removeNode("h4");
    assert.deepEqual(
      (await client.nodes()).map(({ hostname }) => hostname),
      ["h1"],
    );
    // The last manager goes only by force: with it all that the Swarm knew is lost.
    assert.match(await failure(client.leave({ engine: "h1" })), /^503 .*last manager/);
    await client.leave({ engine: "h1", force: true });
    assert.equal(await isIn("h1"), "inactive");
    assert.match(await failure(client.leave({ engine: "h9" })), /^404 .*h9/);
  });
});
