// The hands of migration jobs where a manager answers as a real one does not on demand: somebody else is faster, it falls silent, no host takes a task.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HostSummary } from "../../../coordinator/core/hosts/host.ts";
import type { RevivalJob } from "../../../coordinator/core/job.ts";
import type { MoveOrder } from "../../../coordinator/core/migration/order.ts";
import { EngineRefused } from "../../../coordinator/docker/engines.ts";
import { Mover } from "../../../coordinator/docker/mover.ts";
import { SwarmReader } from "../../../coordinator/docker/swarm.ts";
import { coded } from "../../../coordinator/errors.ts";
import { revivalJob } from "../jobs/scripted-world.ts";

interface RawTask {
  readonly ID: string;
  readonly ServiceID: string;
  readonly Slot: number;
  readonly NodeID: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly Err?: string };
}

const task = (slot: number, node: string, state = "running", error = ""): RawTask => ({
  ID: `t${slot}${node}`,
  ServiceID: "web-id",
  Slot: slot,
  NodeID: node,
  DesiredState: "running",
  Status: { State: state, Err: error },
});

const node = (name: string, type: string) => ({
  ID: `id-${name}`,
  Spec: { Labels: { type }, Role: "manager", Availability: "active" },
  Description: { Hostname: name, Resources: { NanoCPUs: 4e9, MemoryBytes: 2 ** 33 } },
  Status: { State: "ready", Addr: "10.0.0.1" },
  ManagerStatus: { Reachability: "reachable" },
});

const tied = ["node.labels.type==primary"];

/** A manager with one service, whose answers to updates are scripted. */
class Manager {
  readonly host = "h2";
  version = 7;
  spec: Readonly<Record<string, unknown>> = {
    Name: "web",
    Labels: { team: "a" },
    TaskTemplate: { ContainerSpec: { Image: "web:1" }, Placement: { Constraints: tied } },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { Parallelism: 1 },
  };
  exists = true;
  tasks: readonly RawTask[] = [task(1, "id-h1")];
  readonly updates: { readonly version: number; readonly spec: object }[] = [];
  /** Before each update; throws what the manager answers. */
  onUpdate: (count: number) => void = () => undefined;

  info() {
    const swarm = { state: "active", isManager: true, nodeId: "id-h2", error: "" };
    return Promise.resolve({ name: this.host, id: "", swarm });
  }

  ping() {
    return Promise.resolve();
  }

  swarmList(what: "nodes" | "services" | "tasks"): Promise<unknown> {
    if (what === "nodes") return Promise.resolve([node("h1", "primary"), node("h2", "secondary")]);
    if (what === "tasks") return Promise.resolve(this.tasks);
    return Promise.resolve(this.exists ? [this.#raw()] : []);
  }

  service(): Promise<unknown> {
    return Promise.resolve(this.exists ? this.#raw() : undefined);
  }

  updateService(_id: string, version: number, spec: object): Promise<void> {
    this.updates.push({ version, spec });
    return Promise.resolve().then(() => {
      this.onUpdate(this.updates.length);
      if (version !== this.version) throw outOfSequence();
      this.version++;
      this.spec = spec as Readonly<Record<string, unknown>>;
    });
  }

  #raw(): object {
    return { ID: "web-id", Version: { Index: this.version }, Spec: this.spec };
  }
}

const outOfSequence = (): Error =>
  new EngineRefused(500, "h2: service update: HTTP 500: update out of sequence", undefined);

const order: MoveOrder = {
  service: "web-id",
  name: "web",
  kind: "away",
  out: [{ id: "id-h1", name: "h1", cause: "dead" }],
};

function scripted(hosts: readonly HostSummary[] = []) {
  let now = 0;
  /** What happens when so many seconds have passed. */
  const later = new Map<number, () => void>();
  const manager = new Manager();
  const labels = {
    primary: { key: "type", value: "primary" },
    secondary: { key: "type", value: "secondary" },
  };
  const mover = new Mover({
    reader: new SwarmReader([manager], () => now),
    labels,
    hosts: () => hosts,
    now: () => now,
    sleep: (ms) => {
      now += ms;
      const second = Math.floor(now / 1_000);
      later.get(second)?.();
      later.delete(second);
      return Promise.resolve();
    },
  });
  return { manager, mover, later, passed: () => now };
}

const job = (move: MoveOrder = order): RevivalJob => ({ ...revivalJob({}), action: "move", move });
const constraintsOf = ({ spec }: Manager): unknown =>
  (spec["TaskTemplate"] as { Placement: { Constraints: unknown } }).Placement.Constraints;

const heard = (name: string, verdict: HostSummary["verdict"]) =>
  ({ verdict, standing: "up", node: { id: `id-${name}`, hostname: name } }) as HostSummary;

describe("an update of a service", () => {
  test("a way back to a host that has fallen out again is no try: what is lost is moved away anew", async () => {
    const hosts: HostSummary[] = [];
    const { mover } = scripted(hosts);
    assert.equal((await mover.perform(job(), () => true)).kind, "acted");
    const back = job({ ...order, kind: "back", out: [] });
    hosts.push(heard("h1", "dead"));
    assert.deepEqual(await mover.perform(back, () => true), {
      kind: "superseded",
      reason: "h1 has fallen out again",
    });
    hosts.pop();
    hosts.push(heard("h1", "healthy"));
    assert.equal((await mover.perform(back, () => true)).kind, "acted");
  });

  test("says what the plan says and leaves the rest as it is", async () => {
    const { manager, mover } = scripted();
    const result = await mover.perform(job(), () => true);
    assert.equal(result.kind, "acted");
    assert.equal(manager.updates[0]?.version, 7);
    assert.deepEqual(constraintsOf(manager), ["node.labels.type==secondary"]);
    const { Labels, UpdateConfig, Mode, TaskTemplate } = manager.spec as Record<
      string,
      Readonly<Record<string, unknown>>
    >;
    assert.deepEqual(Mode, { Replicated: { Replicas: 1 } });
    assert.deepEqual(TaskTemplate?.["ContainerSpec"], { Image: "web:1" });
    assert.equal(Labels?.["team"], "a");
    assert.deepEqual(UpdateConfig, {
      Parallelism: 0,
      FailureAction: "continue",
      Order: "start-first",
    });
  });

  test("is made anew from what is there where somebody else was faster, and gives up after a while", async () => {
    const { manager, mover } = scripted();
    manager.onUpdate = (count) => {
      if (count > 2) return;
      // A person changes the image in the same moment.
      manager.version++;
      const TaskTemplate = {
        ...(manager.spec["TaskTemplate"] as object),
        ContainerSpec: { Image: `web:${count + 1}` },
      };
      manager.spec = { ...manager.spec, TaskTemplate };
    };
    assert.equal((await mover.perform(job(), () => true)).kind, "acted");
    assert.deepEqual(
      manager.updates.map(({ version }) => version),
      [7, 8, 9],
    );
    const { ContainerSpec } = manager.spec["TaskTemplate"] as Record<string, unknown>;
    assert.deepEqual(ContainerSpec, { Image: "web:3" });

    const busy = scripted();
    busy.manager.onUpdate = () => {
      throw outOfSequence();
    };
    const lost = await busy.mover.perform(job(), () => true);
    assert.ok(lost.kind === "failed" && /^6 times somebody else changed web/.test(lost.reason));
  });

  test("is not made without the right to act, nor against what this coordinator sees", async () => {
    const { manager, mover } = scripted();
    assert.equal((await mover.perform(job(), () => false)).kind, "lease-lost");
    const well = scripted([heard("h1", "healthy")]);
    const result = await well.mover.perform(job(), () => true);
    assert.deepEqual(result, { kind: "superseded", reason: "h1 is healthy again" });
    assert.deepEqual([manager.updates, well.manager.updates], [[], []]);
  });

  test("that its predecessor has made is not made again", async () => {
    const { manager, mover } = scripted();
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "id-h1"), task(1, "id-h2", "starting")];
    const again = await mover.perform(job(), () => true);
    assert.ok(again.kind === "acted");
    assert.equal(manager.updates.length, 1);
  });

  test("of a silent manager is no try, of one that refuses it a failed one, of none at all nothing", async () => {
    const answers = [
      [coded("HM_ENGINE_UNAVAILABLE", "h2: no answer"), "engine-unavailable"],
      [new EngineRefused(400, "h2: HTTP 400: bad", undefined), "failed"],
      [new EngineRefused(404, "h2: HTTP 404", undefined), "superseded"],
    ] as const;
    for (const [error, kind] of answers) {
      const { manager, mover } = scripted();
      manager.onUpdate = () => {
        throw error;
      };
      assert.equal((await mover.perform(job(), () => true)).kind, kind);
    }
    const removed = scripted();
    removed.manager.exists = false;
    assert.equal((await removed.mover.perform(job(), () => true)).kind, "superseded");
    assert.equal(await removed.mover.awaitLife(job(), acted, 1_000, false), "stopped");
  });
});

const acted = { containerId: "web-id", startedAt: "7" };

describe("what comes of a move", () => {
  test("no host takes a task: all is as before, and Swarm's own words are told", async () => {
    const { manager, mover } = scripted();
    const before = manager.spec;
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "", "pending", "no suitable node (insufficient resources)")];
    const failed = await mover.awaitLife(job(), acted, 30_000, false);
    assert.deepEqual(failed, {
      kind: "failed",
      reason:
        "0 of 1 replicas run; Swarm says: no suitable node (insufficient resources); its own placement is restored",
      isRunning: true,
    });
    assert.deepEqual(manager.spec, before);
  });

  test("what runs already is left where one of several finds no host", async () => {
    const { manager, mover } = scripted();
    manager.spec = { ...manager.spec, Mode: { Replicated: { Replicas: 2 } } };
    manager.tasks = [task(1, "id-h1"), task(2, "id-h1")];
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "id-h2"), task(2, "", "pending", "no suitable node")];
    const failed = await mover.awaitLife(job(), acted, 30_000, false);
    assert.ok(typeof failed === "object");
    assert.equal(failed.reason, "1 of 2 replicas run; Swarm says: no suitable node");
    assert.deepEqual(constraintsOf(manager), ["node.labels.type==secondary"]);
  });

  test("the host that it goes to dies too: the try has failed at once, for the next one to plan anew", async () => {
    const hosts: HostSummary[] = [];
    const { manager, mover, passed } = scripted(hosts);
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "id-h2", "starting")];
    hosts.push(heard("h2", "dead"));
    const failed = await mover.awaitLife(job(), acted, 30_000, false);
    assert.ok(typeof failed === "object" && failed.reason.startsWith("h2 fell out too"));
    assert.ok(passed() < 500, "not the whole time for a proof of life");
  });

  test("its own update settings are restored within the window, not before Swarm is done with the host", async () => {
    const { manager, mover, later } = scripted();
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "id-h1"), task(1, "id-h2")];
    assert.equal(await mover.awaitLife(job(), acted, 5_000, false), "alive");
    later.set(3, () => {
      assert.equal(manager.updates.length, 1, "Swarm still wants its task there");
      manager.tasks = [task(1, "id-h2")];
    });
    assert.equal(await mover.watchWindow(job(), 100), "steady");
    assert.deepEqual(manager.spec["UpdateConfig"], { Parallelism: 1 });
    assert.equal(manager.updates.length, 2);
  });

  test("replicas that end again within the window are a failed try", async () => {
    const { manager, mover } = scripted();
    await mover.perform(job(), () => true);
    manager.tasks = [task(1, "id-h2", "starting")];
    const failed = await mover.watchWindow(job(), 10_000);
    assert.ok(typeof failed === "object" && failed.reason === "only 0 of 1 replicas run any more");
  });
});
