// Which engine is told to empty a node, with what, and what is said where none takes it: with engines that answer as told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeSwitch, type NodeEngine } from "../../../coordinator/docker/availability.ts";
import { EngineRefused } from "../../../coordinator/docker/engines.ts";
import { coded } from "../../../coordinator/errors.ts";

interface Update {
  readonly id: string;
  readonly version: number;
  readonly spec: unknown;
}

/** A manager that holds one node to the version that it was shown. */
class Manager implements NodeEngine {
  readonly host: string;
  readonly updates: Update[] = [];
  version = 7;
  availability: string | undefined = "active";
  /** So many times somebody else changes the node between the look and the word. */
  meddled = 0;
  fails: Error | undefined;

  constructor(host: string) {
    this.host = host;
  }

  swarmList(): Promise<unknown> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    const { availability: Availability } = this;
    const Spec = { Name: "", Role: "manager", Labels: { type: "primary" }, Availability };
    return Promise.resolve([
      { ID: "other", Version: { Index: 99 }, Spec: { ...Spec, Availability: "pause" } },
      { ID: "node1", Version: { Index: this.version }, Spec },
    ]);
  }

  updateNode(id: string, version: number, spec: unknown): Promise<void> {
    this.updates.push({ id, version, spec });
    if (this.meddled-- > 0) this.version++;
    if (version === this.version) return Promise.resolve();
    const words = `${this.host}: node update: HTTP 500: rpc error: update out of sequence`;
    return Promise.reject(new EngineRefused(500, words, undefined));
  }
}

test("a node is emptied with all of its specification, on the version that was seen", async () => {
  const manager = new Manager("h1");
  const switched = await new NodeSwitch([manager]).set("node1", "drain", "h1");
  assert.deepEqual(switched, { before: "active", by: "h1" });
  const spec = { Name: "", Role: "manager", Labels: { type: "primary" }, Availability: "drain" };
  assert.deepEqual(manager.updates, [{ id: "node1", version: 7, spec }]);
});

test("one that is so already is left as it is", async () => {
  const manager = new Manager("h1");
  manager.availability = "drain";
  assert.equal((await new NodeSwitch([manager]).set("node1", "drain", "h1")).before, "drain");
  manager.availability = undefined;
  assert.equal((await new NodeSwitch([manager]).set("node1", "active", "h1")).before, "active");
  assert.deepEqual(manager.updates, []);
});

test("what somebody else changed meanwhile is read again and kept, five times at most", async () => {
  const manager = new Manager("h1");
  manager.meddled = 2;
  await new NodeSwitch([manager]).set("node1", "drain", "h1");
  assert.deepEqual(
    manager.updates.map(({ version }) => version),
    [7, 8, 9],
  );
  const restless = new Manager("h1");
  restless.meddled = 100;
  const failing = new NodeSwitch([restless]).set("node1", "drain", "h1");
  await assert.rejects(failing, { code: "HM_ENGINE_REFUSED", detail: /out of sequence/ });
  assert.equal(restless.updates.length, 5);
});

test("the engine that told of the Swarm is asked first, then the others", async () => {
  const [h1, h2, h3] = [new Manager("h1"), new Manager("h2"), new Manager("h3")];
  assert.equal((await new NodeSwitch([h1, h2, h3]).set("node1", "drain", "h2")).by, "h2");
  h2.fails = coded("HM_ENGINE_UNAVAILABLE", "h2: no answer to list of nodes");
  assert.equal((await new NodeSwitch([h1, h2, h3]).set("node1", "drain", "h2")).by, "h1");
  assert.deepEqual([h1.updates.length, h2.updates.length, h3.updates.length], [1, 1, 0]);
});

test("where none takes it, a no is told before silence", async () => {
  const [h1, h2] = [new Manager("h1"), new Manager("h2")];
  h1.fails = new EngineRefused(403, "h1: node update: HTTP 403", undefined);
  h2.fails = coded("HM_ENGINE_UNAVAILABLE", "h2: no answer");
  for (const first of ["h1", "h2"]) {
    const failing = new NodeSwitch([h1, h2]).set("node1", "drain", first);
    await assert.rejects(failing, { code: "HM_ENGINE_REFUSED", detail: /HTTP 403/ });
  }
  const unknown = new NodeSwitch([new Manager("h1")]).set("node9", "drain", "h1");
  await assert.rejects(unknown, { code: "HM_ENGINE_REFUSED", detail: "h1 knows no node node9" });
});
