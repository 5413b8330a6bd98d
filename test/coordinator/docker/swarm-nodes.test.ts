// The list of a Swarm's nodes, read of an engine that answers as told.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { SwarmNodes } from "../../../coordinator/core/hosts/host.ts";
import { SwarmNodesReader, type NodeSource } from "../../../coordinator/docker/swarm-nodes.ts";
import { coded } from "../../../coordinator/errors.ts";
import { until } from "../../waiting.ts";

test("an engine is asked what it is once, and again where it does not list its nodes any more", async () => {
  const events = new PassThrough();
  let isManager = true;
  let infos = 0;
  let lists = 0;
  const source: NodeSource = {
    host: "h1",
    info() {
      infos++;
      const swarm = { state: "active", isManager, nodeId: "id-h1", error: "" };
      return Promise.resolve({ name: "h1", id: "", swarm });
    },
    swarmList() {
      if (!isManager) return Promise.reject(coded("HM_ENGINE_UNAVAILABLE", "h1: no manager"));
      lists++;
      return Promise.resolve([{ ID: "id-h1", ManagerStatus: { Reachability: "reachable" } }]);
    },
    nodeEvents: () => Promise.resolve(events),
  };
  const told: SwarmNodes[] = [];
  const reader = new SwarmNodesReader(source, (news) => told.push(news));
  reader.start();
  try {
    for (const count of [1, 2, 3]) {
      await until(`${count} lists`, () => lists >= count || undefined);
      // An event of a node: its next list is read at once.
      events.write("{}");
    }
    assert.equal(infos, 1);
    isManager = false;
    const isGone = (): true | undefined => told.at(-1)?.nodes.length === 0 || undefined;
    await until("it is told that it manages none", isGone);
    assert.equal(infos, 2);
  } finally {
    await reader.stop();
    events.destroy();
  }
});
