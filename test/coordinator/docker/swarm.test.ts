// Which engine is asked for the Swarm, and what is said where none can tell: with engines that answer as told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineRefused } from "../../../coordinator/docker/engines.ts";
import {
  SwarmReader,
  type SwarmEngine,
  type SwarmReading,
} from "../../../coordinator/docker/swarm.ts";
import type { SwarmPart } from "../../../coordinator/docker/swarm-part.ts";
import type { RawNode } from "../../../coordinator/docker/swarm-views.ts";
import { coded } from "../../../coordinator/errors.ts";
import { pause } from "../../waiting.ts";

type Reply = "refused" | "leaderless" | "silent" | readonly RawNode[];

/** An engine, its part in a Swarm ("silent": it does not say), and its answer to whom asks for the nodes. */
class ScriptedEngine implements SwarmEngine {
  readonly host: string;
  part: Partial<SwarmPart> | "silent";
  nodes: Reply;
  isThere = true;
  /** Of `info`. */
  delay = 0;
  /** Of the lists. */
  listDelay = 0;
  /** For lists. */
  asked = 0;
  /** For what it is. */
  infos = 0;

  constructor(host: string, part: Partial<SwarmPart> | "silent", nodes: Reply = "leaderless") {
    this.host = host;
    this.part = part;
    this.nodes = nodes;
  }

  async info() {
    this.infos++;
    await pause(this.delay);
    const { part } = this;
    if (part === "silent" || !this.isThere) throw this.#silence("info");
    const swarm = { state: "active", isManager: false, nodeId: "", error: "", ...part };
    return { name: this.host, id: "", swarm };
  }

  ping(): Promise<void> {
    return this.isThere ? Promise.resolve() : Promise.reject(this.#silence("ping"));
  }

  async swarmList(what: "nodes" | "services" | "tasks"): Promise<unknown> {
    this.asked++;
    if (this.listDelay > 0) await pause(this.listDelay);
    if (!this.isThere || this.nodes === "silent") throw this.#silence(what);
    if (this.nodes === "refused") throw this.#refusal(403, what);
    if (this.nodes === "leaderless") throw this.#refusal(500, what);
    return what === "nodes" ? this.nodes : [];
  }

  #silence(what: string): Error {
    return coded("HM_ENGINE_UNAVAILABLE", `${this.host}: no answer to ${what}`);
  }

  #refusal(status: number, what: string): Error {
    return new EngineRefused(status, `${this.host}: ${what}: HTTP ${status}`, undefined);
  }
}

const manager = { isManager: true, nodeId: "id-h1" };
const nodesWith = (...reachable: readonly boolean[]): readonly RawNode[] =>
  reachable.map((one, at) => ({
    ID: `id-h${at + 1}`,
    ManagerStatus: { Reachability: one ? "reachable" : "unreachable" },
  }));

const reading = (...engines: readonly ScriptedEngine[]): Promise<SwarmReading> =>
  new SwarmReader(engines).read();
const said = async (...engines: readonly ScriptedEngine[]): Promise<string> => {
  const one = await reading(...engines);
  return one.kind === "swarm" ? `swarm by ${one.by}` : `${one.kind}: ${one.text}`;
};

test("a manager with a quorum tells, whatever the others do", async () => {
  const good = new ScriptedEngine("h2", manager, nodesWith(true, true, false));
  const stale = new ScriptedEngine("h1", manager, nodesWith(true, false, false));
  const worker = new ScriptedEngine("h3", {});
  assert.equal(await said(stale, good, worker), "swarm by h2");
  const dead = new ScriptedEngine("h4", "silent");
  dead.isThere = false;
  assert.equal(await said(dead, good), "swarm by h2");
});

test("an engine that takes its time does not hold the picture up, and is known by what it said before", async () => {
  const good = new ScriptedEngine("h1", manager, nodesWith(true));
  const slow = new ScriptedEngine("h2", { nodeId: "id-h2" });
  const reader = new SwarmReader([good, slow]);
  await reader.read();
  slow.delay = 2_000;
  const begun = performance.now();
  const { engines } = await reader.read();
  assert.ok(performance.now() - begun < 1_000);
  assert.deepEqual(engines, [
    { engine: "h1", nodeId: "id-h1" },
    { engine: "h2", nodeId: "id-h2" },
  ]);
});

test("who asks while a reading is under way gets that one", async () => {
  const good = new ScriptedEngine("h1", manager, nodesWith(true));
  const reader = new SwarmReader([good]);
  const [a, b] = await Promise.all([reader.read(), reader.read()]);
  assert.equal(a, b);
  // Nodes, services, tasks.
  assert.equal(good.asked, 3);
  assert.notEqual(await reader.read(), a);
});

test("while a manager tells, what an engine said it is is believed for 5 s; where none tells, each is asked", async () => {
  const good = new ScriptedEngine("h1", manager, nodesWith(true));
  const worker = new ScriptedEngine("h2", { nodeId: "id-h2" });
  let now = 1_000;
  const reader = new SwarmReader([good, worker], () => now);
  const infos = async (): Promise<readonly number[]> => {
    await reader.read();
    return [good.infos, worker.infos];
  };
  assert.deepEqual(await infos(), [1, 1]);
  now += 4_999;
  assert.deepEqual(await infos(), [1, 1]);
  good.nodes = "leaderless";
  assert.deepEqual(await infos(), [2, 2]);
  good.nodes = nodesWith(true);
  now += 5_000;
  assert.deepEqual(await infos(), [3, 3]);
});

test("a glance asks the manager that told last, and serves for as long as who asks allows, counted from when it was begun", async () => {
  const good = new ScriptedEngine("h1", manager, nodesWith(true));
  const other = new ScriptedEngine("h2", { isManager: true });
  let now = 1_000;
  const reader = new SwarmReader([other, good], () => now);
  const first = await reader.glance(250);
  assert.equal(other.asked, 1, "nobody has told before: all are asked");
  now += 249;
  assert.equal(await reader.glance(250), first);
  now += 1;
  const second = await reader.glance(250);
  assert.notEqual(second, first);
  assert.equal(await reader.glance(250), second);
  assert.notEqual(await reader.glance(0), second);
  assert.deepEqual([good.asked, other.asked], [9, 1]);
});

test("a glance asks all where the manager that told last does not tell, or does not soon", async () => {
  const one = new ScriptedEngine("h1", manager, nodesWith(true, true, true));
  const other = new ScriptedEngine("h2", { isManager: true, nodeId: "id-h2" });
  const reader = new SwarmReader([one, other]);
  const by = async (): Promise<string> => {
    const picture = await reader.glance(0);
    return picture.kind === "swarm" ? picture.by : picture.text;
  };
  assert.equal(await by(), "h1");
  one.nodes = nodesWith(true, false, false);
  other.nodes = nodesWith(false, true, true);
  assert.equal(await by(), "h2", "the one that told has lost its quorum");
  one.nodes = nodesWith(true, true, true);
  other.listDelay = 900;
  assert.equal(await by(), "h1", "the one that told takes its time");
  const asked = other.asked;
  assert.equal(await by(), "h1");
  assert.equal(other.asked, asked, "who told last is asked first");
});

test("a manager that reaches too few others, or has no leader, has no quorum", async () => {
  const stale = new ScriptedEngine("h1", manager, nodesWith(true, false));
  assert.equal(await said(stale), "no-quorum: h1 reaches 1 of 2 managers, itself included");
  const leaderless = new ScriptedEngine("h1", manager);
  assert.equal(
    await said(leaderless, new ScriptedEngine("h2", {})),
    "no-quorum: h1 is a manager and does not tell: h1: nodes: HTTP 500, as without a quorum; h2 is a worker of a Swarm, which tells nothing",
  );
  const mute = new ScriptedEngine("h1", "silent", "silent");
  assert.match(await said(mute), /^no-quorum: h1 lives and does not tell of its Swarm/);
  const locked = new ScriptedEngine("h1", { state: "locked" });
  assert.equal(await said(locked), "no-quorum: h1 is locked, and waits for docker swarm unlock");
});

test("a manager that a proxy does not let tell is refused, and no quorum is blamed", async () => {
  const refused = new ScriptedEngine("h1", manager, "refused");
  assert.equal(
    await said(refused),
    "refused: h1 is a manager and does not tell: h1: nodes: HTTP 403",
  );
});

test("engines without a manager among them are told as what they are", async () => {
  const inactive = new ScriptedEngine("h1", { state: "inactive" });
  assert.equal(await said(inactive), "none: h1 is in no Swarm");
  assert.equal(
    await said(new ScriptedEngine("h2", {})),
    "none: h2 is a worker of a Swarm, which tells nothing",
  );
  const pending = new ScriptedEngine("h3", { state: "pending", error: "it joins" });
  assert.equal(await said(pending), "none: h3 is pending in its Swarm: it joins");
  assert.equal(await said(), "none: no engine is configured");
});

test("silence is told as silence, of a manager also where others answer", async () => {
  const dead = new ScriptedEngine("h1", manager, nodesWith(true));
  const inactive = new ScriptedEngine("h2", { state: "inactive" });
  const reader = new SwarmReader([dead, inactive]);
  assert.equal((await reader.read()).kind, "swarm");
  dead.isThere = false;
  const then = await reader.read();
  assert.equal(then.kind, "silent");
  assert.deepEqual(then.engines[0], { engine: "h1", nodeId: "id-h1" });
  // Of one that never answered nobody knows what it is.
  assert.equal((await reading(dead)).kind, "silent");
  assert.match(await said(dead, inactive), /^none: h1: no answer to info; h2 is in no Swarm$/);
});

test("an answer that has not the shape of one is no picture", async () => {
  const strange = new ScriptedEngine("h1", manager, { message: "hello" } as never);
  assert.match(await said(strange), /^no-quorum: h1 is a manager and does not tell: /);
});
