// A container is made again on another real engine, or it is said why not; and what it was is removed only while it runs elsewhere.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { HostVerdictKind } from "../../../coordinator/core/hosts/host.ts";
import { descentOf } from "../../../coordinator/core/migration/lineage.ts";
import type { ContainerOrder } from "../../../coordinator/core/migration/order.ts";
import { Carrier } from "../../../coordinator/docker/carrier.ts";
import type { EngineClient } from "../../../coordinator/docker/engines.ts";
import { OwnActions } from "../../../coordinator/docker/own-actions.ts";
import { SpecStore } from "../../../coordinator/docker/spec-store.ts";
import type { ContainerView } from "../../../coordinator/core/worker.ts";
import type { ActionResult } from "../../../coordinator/jobs/ports.ts";
import { runContainer } from "../../lab/containers.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages, imageNames } from "../../lab/images.ts";
import { needs } from "../../lab/requirements.ts";
import { hostOf } from "../core/migration/plain-script.ts";
import { revivalJob } from "../jobs/scripted-world.ts";
import { always, clientOf } from "./watched.ts";

const labels = { role: "node", "heartmesh.migrate": "true" };

describe("on two real engines", { skip: needs("root", "engine") }, () => {
  const engines: LabEngine[] = [];
  const clients: EngineClient[] = [];
  const verdicts = new Map<string, HostVerdictKind>();
  let specs: SpecStore;
  let carrier: Carrier;

  before(async () => {
    for (const name of ["h1", "h2"]) {
      const engine = await startEngine({ name });
      engines.push(engine);
      await ensureImages(engine, ["worker"]);
      const client = clientOf(engine.host);
      await client.connect();
      clients.push(client);
    }
    specs = new SpecStore(path.join(engine(1).dir, "state"), (text) => {
      throw new Error(text);
    });
    const now = (): number => performance.now();
    const alive = Promise.resolve("alive" as const);
    const steady = Promise.resolve("steady" as const);
    carrier = new Carrier({
      engines: clients,
      specs,
      own: new OwnActions(now as never),
      relevance: { labels: [{ key: "role", value: "node" }], names: [] },
      hosts: () => [...verdicts].map(([id, verdict]) => hostOf(id, verdict)),
      lifeWatch: { awaitLife: () => alive, watchWindow: () => steady },
      now,
      wall: () => Date.now(),
    });
  });
  after(async () => {
    await Promise.all(engines.map((one) => one.stop()));
  });

  const engine = (at: 1 | 2): LabEngine => {
    const known = engines[at - 1];
    assert.ok(known !== undefined);
    return known;
  };
  const client = (at: 1 | 2): EngineClient => {
    const known = clients[at - 1];
    assert.ok(known !== undefined);
    return known;
  };

  /** Runs on h1, and its spec is kept. */
  const runs = async (name: string, options: readonly string[] = []): Promise<ContainerView> => {
    await runContainer(engine(1), { name, labels, options });
    const raw = await client(1).inspectRaw(name);
    assert.ok(raw !== undefined);
    specs.onInspected("h1", raw);
    return seen(1, name);
  };
  const find = (at: 1 | 2, name: string): Promise<ContainerView | undefined> =>
    client(at).inspect(name);
  const seen = async (at: 1 | 2, name: string): Promise<ContainerView> => {
    const view = await find(at, name);
    assert.ok(view !== undefined, `${name} is not on h${at}`);
    return view;
  };
  const perform = (move: ContainerOrder, mayAct = always): Promise<ActionResult> => {
    const { id, name } = move.container;
    const target = { host: "", containerId: id, name, startedAt: "" };
    return carrier.perform(revivalJob({ action: "move", target, move }), mayAct);
  };
  const carry = (view: ContainerView, mayAct = always): Promise<ActionResult> =>
    perform({ kind: "carry", container: view, to: ["h2"] }, mayAct);
  const reasonOf = (result: ActionResult): string => {
    assert.ok(result.kind !== "acted");
    return `${result.kind}: ${result.reason}`;
  };

  test("it runs there as it was, with its network, and says whose copy it is; twice asked, once made", async () => {
    await engine(1).docker("network", "create", "front");
    const network = ["--network", "front", "--env", "COLOUR=blue", "--restart", "always"];
    const old = await runs("web", network);
    const acted = await carry(old);
    assert.equal(acted.kind, "acted");
    const raw = await client(2).inspectRaw("web");
    assert.ok(JSON.stringify(raw?.Config).includes("COLOUR=blue"));
    assert.deepEqual(Object.keys(raw?.NetworkSettings?.Networks ?? {}), ["front"]);
    const copy = await seen(2, "web");
    const { origin, from, generation } = descentOf(copy);
    assert.deepEqual([origin, from, generation, copy.state], [old.id, "h1", 1, "running"]);
    const again = await carry(old);
    assert.ok(again.kind === "acted" && again.containerId === copy.id);
  });

  test("what was begun and not started is gone on with", async () => {
    const old = await runs("begun");
    let calls = 0;
    const cut = await carry(old, () => ++calls <= 1);
    assert.equal(cut.kind, "lease-lost");
    const made = await seen(2, "begun");
    assert.equal(made.state, "created");
    const acted = await carry(old);
    assert.ok(acted.kind === "acted" && acted.containerId === made.id);
  });

  test("nothing is made without the right to act, of a host that is healthy, or of a spec that is not kept", async () => {
    const old = await runs("still");
    assert.match(reasonOf(await carry(old, () => false)), /^lease-lost/);
    verdicts.set("h1", "healthy");
    assert.equal(reasonOf(await carry(old)), "superseded: h1 is healthy again");
    verdicts.delete("h1");
    assert.match(
      reasonOf(await carry({ ...old, name: "other" })),
      /^failed: other .* none was kept/,
    );
    assert.match(reasonOf(await carry({ ...old, id: "x" })), /^failed: .* of another container/);
    assert.equal(await find(2, "still"), undefined);
  });

  test("a name that is taken, a port that is taken and an image that cannot be had are told, and leave nothing", async () => {
    await runContainer(engine(2), { name: "taken" });
    assert.match(
      reasonOf(await carry(await runs("taken"))),
      /^failed: h2: a container called taken is there$/,
    );
    await runContainer(engine(2), { name: "proxy", options: ["-p", "8085:80"] });
    assert.match(
      reasonOf(await carry(await runs("port", ["-p", "8085:80"]))),
      /^failed: h2: .*port is already allocated/,
    );
    assert.equal(await find(2, "port"), undefined);
    await engine(1).docker("tag", imageNames.worker, "nowhere.invalid/only:here");
    const raw = await client(1).inspectRaw((await runs("image")).id);
    assert.ok(raw?.Config !== undefined);
    const odd = {
      ...raw,
      Image: "",
      Config: { ...raw.Config, Image: "nowhere.invalid/only:here" },
    };
    specs.onInspected("h1", odd);
    assert.match(
      reasonOf(await carry(await seen(1, "image"))),
      /^failed: h2: the image nowhere\.invalid\/only:here is not there and cannot be pulled/,
    );
    assert.equal(await find(2, "image"), undefined);
  });

  test("what it was is removed while it runs elsewhere, and never otherwise", async () => {
    const old = await runs("pair");
    await carry(old);
    const copy = await seen(2, "pair");
    const drop: ContainerOrder = { kind: "drop", container: old, stead: copy };
    await engine(2).docker("stop", "-t", "1", "pair");
    assert.match(reasonOf(await perform(drop)), /^superseded: pair does not run on h2/);
    await engine(2).docker("start", "pair");
    verdicts.set("h1", "dead");
    assert.equal(reasonOf(await perform(drop)), "superseded: h1 is dead");
    verdicts.delete("h1");
    assert.match(reasonOf(await perform(drop, () => false)), /^lease-lost/);
    assert.equal((await seen(1, "pair")).state, "running");
    assert.equal((await perform(drop)).kind, "acted");
    assert.equal(await find(1, "pair"), undefined);
    assert.equal((await seen(2, "pair")).state, "running");
    assert.match(reasonOf(await perform(drop)), /^superseded: pair is not on h1 any more/);
  });

  test("what is no copy of it, or has not the label, is never removed", async () => {
    const one = await runs("one");
    const other = await runs("another");
    const strangers: ContainerOrder = { kind: "drop", container: one, stead: other };
    await assert.rejects(perform(strangers), /another is no copy of one/);
    await runContainer(engine(1), { name: "bare" });
    const bare: ContainerOrder = { kind: "drop", container: await seen(1, "bare"), stead: one };
    await assert.rejects(perform(bare), /bare is not labelled heartmesh\.migrate/);
    assert.equal((await seen(1, "one")).state, "running");
    assert.equal((await seen(1, "bare")).state, "running");
  });
});
