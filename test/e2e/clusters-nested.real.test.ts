// A spawned node where the cluster's engine may start no engine in a container: it is a share of that engine, said so, and nothing is left behind.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ClusterView } from "../../proto/cluster-rest.ts";
import { callToItsEnd, containersOf, restful, type CallAnswer } from "../lab/cluster-calls.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { until } from "../waiting.ts";

describe("a node that is spawned", { skip: needs("root", "engine", "redis") }, () => {
  let lab: LabEngine;
  let trio: Trio;

  before(async () => {
    lab = await startEngine({ name: "lab" });
    await ensureImages(lab, ["worker"]);
    trio = await Trio.start(lab, {
      coordinators: 1,
      env: { CLUSTER_NODE_IMAGE: imageNames.worker },
    });
    await trio.leader();
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  const ask = <Data>(method: string, path: string, body?: unknown): Promise<CallAnswer<Data>> =>
    callToItsEnd<Data>({ url: trio.url("c1"), method, path, body });

  test("is a share of its engine where that starts no privileged container, and runs what is asked", async (t) => {
    const tried = await lab.docker("run", "--rm", "--privileged", imageNames.worker, "true");
    if (tried.code === 0) {
      t.diagnostic("this machine starts privileged containers: there is nothing to fall back from");
      return;
    }
    assert.equal((await ask("POST", "/clusters", { id: "web" })).status, 200);
    const node = { id: "n1", spawn: true, capacity: 3 };
    const joined = await ask<{ text: string }>("POST", "/clusters/web/nodes", node);
    assert.equal(joined.status, 200, joined.error);
    assert.match(
      joined.data.text,
      /^node n1 has joined web as a share of its engine, which starts no engine of its own: lab: start: .*not permitted/,
    );
    const { data } = await ask<ClusterView>("GET", "/clusters/web");
    assert.deepEqual(
      data.nodes.map(({ id, kind, state }) => [id, kind, state]),
      [["n1", "logical", "joined"]],
    );
    const left = await lab.docker("ps", "-a", "--filter", "name=hm-node-", "--format", "{{.ID}}");
    assert.equal(left.stdout, "", "its container is not left behind");
    const service = { container: restful, replicas: 2 };
    assert.ok((await ask("POST", "/clusters/web/service", service)).status < 300);
    const runs = await until("both run", async () => {
      const all = await containersOf(lab, "web");
      return all.length === 2 && all.every(({ state }) => state === "running") ? all : undefined;
    });
    assert.deepEqual(new Set(runs.map((one) => one.node)), new Set(["n1"]));
  });
});
