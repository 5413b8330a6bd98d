// Who is watched, and how: containers, static entries and announcements become workers, and what is unclear findings.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Census, type CensusConfig } from "../../../coordinator/core/census.ts";
import type { ContainerView, WorkerSpec } from "../../../coordinator/core/worker.ts";
import { instant } from "../../../proto/units.ts";
import { copyOf, movable } from "./migration/plain-script.ts";
import { container, settings } from "./recovery-specs.ts";

const labels = (name: string, more: Record<string, string> = {}): Record<string, string> => ({
  role: "node",
  "com.docker.compose.project": "shop",
  "com.docker.compose.service": name,
  ...more,
});
const view = (
  name: string,
  { labels: more, ...over }: Partial<ContainerView> = {},
): ContainerView => container(name, { state: "running", labels: labels(name, more), ...over });
const agent = (name: string, over: Partial<ContainerView> = {}): ContainerView =>
  container(name, { state: "running", labels: { "heartmesh.agent": "true" }, ...over });

function census(over: Partial<CensusConfig> = {}, ...views: ContainerView[]): Census {
  const config: CensusConfig = {
    workerLabels: ["role=node"],
    statics: [],
    defaults: settings,
    meshPort: 7700,
    hostname: "me",
    ...over,
  };
  const made = new Census(config, instant(0));
  if (views.length > 0) made.onSnapshot("h1", views, instant(0));
  return made;
}
const ids = (made: Census): string[] => [...made.workers.keys()];
const only = (made: Census): WorkerSpec => {
  assert.equal(made.workers.size, 1);
  return [...made.workers.values()][0]!;
};
const codes = (made: Census): string[] => made.findings.map(({ code }) => code);

describe("a labelled container is a worker", () => {
  test("asked at its own address and port, with what its labels say", () => {
    const web = view("web", { labels: { "heartmesh.port": "9000", "heartmesh.max-tries": "7" } });
    const spec = only(census({}, web, container("other", { labels: {} })));
    assert.equal(spec.id, "h1/web");
    assert.deepEqual(spec.probe, { kind: "agent", address: "10.0.0.2", port: 9000 });
    assert.equal(spec.settings.maxTries, 7);
  });

  test("asked at its agent's address where it joined that one's namespace, or is only named by it", () => {
    const inside = view("web", { networkMode: "container:id-a", addresses: [] });
    const around = census({}, inside, agent("a", { addresses: ["10.0.0.9"] }));
    assert.equal(only(around).agent?.name, "a");
    assert.deepEqual(only(around).probe, { kind: "agent", address: "10.0.0.9", port: 8888 });
    const apart = agent("b", {
      addresses: ["10.0.0.8"],
      labels: { "heartmesh.agent": "true", "heartmesh.worker": "web" },
    });
    const named = census({}, view("web"), apart);
    assert.deepEqual(only(named).probe, { kind: "agent", address: "10.0.0.8", port: 8888 });
  });

  test("whose namespace others joined: those but the agent follow it", () => {
    const its = { networkMode: "container:id-web" };
    const log = container("log", { ...its, labels: {} });
    const spec = only(census({}, view("web"), agent("a", its), log));
    assert.equal(spec.agent?.name, "a");
    assert.deepEqual(spec.dependants, [log]);
  });

  test("without dependants where it lives in another's namespace itself", () => {
    const its = { networkMode: "container:id-a" };
    const spec = only(
      census({}, view("web", its), agent("a"), container("log", { ...its, labels: {} })),
    );
    assert.deepEqual(spec.dependants, []);
  });

  test("checked as its label says; an image's start period holds where no label gave one", () => {
    const made = census(
      {},
      view("web", { labels: { "heartmesh.check": "tcp://web:80" }, imageStartPeriod: 7_000 }),
    );
    assert.equal(only(made).probe.kind, "check");
    assert.equal(only(made).settings.startPeriod, 7_000);
  });

  test("unless it was never started, is being removed, or is an agent itself", () => {
    const made = census(
      {},
      view("a", { state: "created" }),
      view("b", { state: "removing" }),
      view("c", { labels: { "heartmesh.agent": "true" } }),
    );
    assert.deepEqual(ids(made), []);
  });

  test("with a finding for each label that cannot be parsed", () => {
    const made = census({}, view("web", { labels: { "heartmesh.port": "many" } }));
    assert.deepEqual(codes(made), ["label-invalid"]);
  });

  test("asked by no agent where it has several, whatever those announce", () => {
    const its = { networkMode: "container:id-web" };
    const made = census({}, view("web"), agent("a", its), agent("b", its));
    made.onSighting({ name: "web", address: "10.0.0.2", port: 1, at: instant(1) }, instant(1));
    assert.deepEqual(only(made).probe, { kind: "engine-only" });
    assert.equal(only(made).agent, undefined);
    assert.deepEqual(codes(made), ["mapping-ambiguous"]);
  });
});

test("the healer's own parts are watched without a label: coordinators at the mesh's port, but not oneself", () => {
  const part = (name: string, role: string): ContainerView =>
    container(name, { state: "running", labels: { "heartmesh.role": role } });
  const made = census(
    {},
    part("c2", "coordinator"),
    part("me", "coordinator"),
    part("redis", "redis"),
    part("haproxy", "haproxy"),
  );
  const probes = [...made.workers.values()].map(({ role, probe }) => [
    role,
    probe.kind === "agent" ? probe.port : probe.kind,
  ]);
  assert.deepEqual(probes, [
    ["coordinator", 7700],
    ["coordinator", "engine-only"],
    ["redis", "engine-only"],
    ["haproxy", "engine-only"],
  ]);
});

test("a worker that has not changed stays the same object", () => {
  const made = census({}, view("web"), view("db"));
  const before = [...made.workers.values()];
  made.onSnapshot("h1", [view("web"), view("db", { startedAt: "later" })], instant(1));
  const afterwards = [...made.workers.values()];
  assert.equal(afterwards[0], before[0]);
  assert.notEqual(afterwards[1], before[1]);
});

describe("a static entry", () => {
  const entry = { name: "pump", host: "pump.lan", port: 9999, container: undefined };
  const probe = { kind: "agent", address: "pump.lan", port: 9999 };

  test("alone is asked, and has no container", () => {
    const spec = only(census({ statics: [entry] }));
    assert.equal(spec.id, "static/pump");
    assert.equal(spec.container, undefined);
    assert.deepEqual(spec.probe, probe);
  });

  test("with @container is that container, labelled or not", () => {
    const bare = container("box", { state: "running", labels: {} });
    const spec = only(census({ statics: [{ ...entry, container: "box" }] }, bare));
    assert.equal(spec.id, "h1/box");
    assert.equal(spec.container, bare);
    assert.deepEqual(spec.probe, probe);
  });

  test("whose container is missing, or there twice, is asked and never acted on", () => {
    const statics = [{ ...entry, container: "box" }];
    const missing = census({ statics });
    assert.deepEqual([ids(missing), codes(missing)], [["static/pump"], ["mapping-missing"]]);
    const twice = census({ statics }, container("box", { labels: {} }));
    twice.onSnapshot("h2", [container("box", { host: "h2", labels: {} })], instant(1));
    assert.deepEqual([ids(twice), codes(twice)], [["static/pump"], ["mapping-ambiguous"]]);
    assert.equal(only(twice).container, undefined);
  });

  test("is found by its agent's announcement", () => {
    const made = census({ statics: [entry] });
    made.onSighting({ name: "pump", address: "10.1.1.1", port: 9999, at: instant(1) }, instant(1));
    assert.equal(made.workerCalled("pump"), "static/pump");
    assert.deepEqual(ids(made), ["static/pump"]);
  });

  test("has the agent and the dependants of its container", () => {
    const bare = container("box", { state: "running", labels: {} });
    const joined = { state: "running", networkMode: `container:${bare.id}` } as const;
    const agent = container("box-agent", { ...joined, labels: { "heartmesh.agent": "true" } });
    const other = container("shell", { ...joined, labels: {} });
    const statics = [{ ...entry, container: "box" }];
    const spec = only(census({ statics }, bare, agent, other));
    assert.equal(spec.agent, agent);
    assert.deepEqual(spec.dependants, [other]);
    assert.deepEqual(spec.probe, probe);
  });

  for (const name of ["pump", "box"]) {
    test(`keeps its address when an agent of its container says from elsewhere that it is ${name}`, () => {
      const bare = container("box", { state: "running", labels: {} });
      const made = census({ statics: [{ ...entry, container: "box" }] }, bare);
      made.onSighting({ name, address: "10.1.1.1", port: 9999, at: instant(1) }, instant(1));
      assert.equal(made.workerCalled(name), "h1/box");
      assert.deepEqual(only(made).probe, probe);
    });
  }
});

describe("an announcement", () => {
  const sighting = (name: string, address = "10.0.0.77", at = 1) =>
    ({ name, address, port: 8001, at: instant(at) }) as const;

  test("says where the worker of that name is asked from now on", () => {
    const made = census({}, view("web"));
    assert.equal(made.onSighting(sighting("web"), instant(1)), true);
    assert.deepEqual(only(made).probe, { kind: "agent", address: "10.0.0.77", port: 8001 });
    assert.equal(made.workerCalled("web"), "h1/web");
    assert.equal(made.ownerOf("web"), "h1/web");
    assert.equal(made.onSighting(sighting("web", "10.0.0.77", 5), instant(5)), false);
  });

  test("does not replace a check of the coordinators' own", () => {
    const made = census({}, view("web", { labels: { "heartmesh.check": "tcp://web:80" } }));
    made.onSighting(sighting("web"), instant(1));
    assert.equal(only(made).probe.kind, "check");
  });

  test("that fits none, or several, is shown and never acted on", () => {
    const made = census(
      {},
      view("x1", { labels: labels("web") }),
      view("x2", { labels: labels("web") }),
    );
    made.onSighting(sighting("stranger"), instant(1));
    made.onSighting(sighting("web"), instant(1));
    assert.deepEqual(codes(made), ["mapping-missing", "mapping-ambiguous"]);
    for (const id of ["unmapped/stranger", "unmapped/web"]) {
      assert.equal(made.workers.get(id)?.container, undefined, id);
      assert.equal(made.workers.get(id)?.probe.kind, "agent", id);
    }
  });

  test("whose worker's id could not travel is a finding, and nobody is asked", () => {
    const long = "n".repeat(200);
    const made = census({}, view("x1", { name: long, labels: labels("web") }));
    made.onSighting(sighting(`${long.slice(1)}m`), instant(1));
    assert.deepEqual(ids(made), []);
    assert.deepEqual(codes(made), ["name-unfit", "mapping-missing", "name-unfit"]);
    assert.equal(made.ownerOf("web"), undefined);
  });

  test("that fits none is forgotten where it is not repeated, or when its agent leaves", () => {
    const made = census();
    made.onSighting(sighting("a"), instant(1));
    made.onSighting(sighting("b"), instant(1));
    made.onLeft("b", instant(2));
    assert.deepEqual(ids(made), ["unmapped/a"]);
    made.onSighting(sighting("a", "10.0.0.77", 50_000), instant(50_000));
    made.tidy(instant(100_000));
    assert.deepEqual(ids(made), ["unmapped/a"]);
    made.tidy(instant(110_001));
    assert.deepEqual([ids(made), codes(made)], [[], []]);
  });
});

describe("a worker whose container was removed", () => {
  const removed = (web: ContainerView, ...rest: ContainerView[]): Census => {
    const made = census({}, web, ...rest);
    made.onGone("h1", web.id, instant(1_000));
    return made;
  };
  const keeps = { labels: { "heartmesh.recreate": "true" } };

  test("is shown for five minutes, and has no container", () => {
    const made = removed(view("web"), view("db"));
    const gone = made.workers.get("h1/web");
    assert.equal(gone?.container, undefined);
    assert.equal(made.lastSeen("h1/web")?.name, "web");
    made.tidy(instant(300_999));
    assert.deepEqual(ids(made), ["h1/db", "h1/web"]);
    made.tidy(instant(301_000));
    assert.deepEqual(ids(made), ["h1/db"]);
  });

  test("and is to be recreated stays until it is", () => {
    const made = removed(view("web", keeps), view("db"));
    made.tidy(instant(10_000_000));
    assert.ok(made.hasProject("h1/web"));
    made.onChanged(view("web", { ...keeps, id: "new" }), instant(10_000_001));
    assert.equal(made.workers.get("h1/web")?.container?.id, "new");
    assert.equal(made.lastSeen("h1/web"), undefined);
  });

  test("with its whole project is over, also when that project comes up again without it", () => {
    const made = removed(view("web", keeps), view("db"));
    assert.ok(made.hasProject("h1/web"));
    made.onGone("h1", "id-db", instant(1_100));
    assert.ok(!made.hasProject("h1/web"));
    made.onChanged(view("db", { id: "new" }), instant(60_000));
    assert.ok(!made.hasProject("h1/web"));
    made.tidy(instant(301_000));
    assert.deepEqual(ids(made), ["h1/db"]);
  });

  test("is gone as soon as the engine removes it, and stays so when that is done", () => {
    const made = census({}, view("web"), view("db"));
    made.onChanged(view("web", { state: "removing" }), instant(5));
    assert.equal(made.workers.get("h1/web")?.container, undefined);
    assert.equal(made.lastSeen("h1/web")?.id, view("web").id);
    made.onGone("h1", view("web").id, instant(6));
    assert.ok(made.workers.has("h1/web"));
  });

  test("is back where the engine did not succeed in removing it", () => {
    const made = census({}, view("web"), view("db"));
    made.onChanged(view("web", { state: "removing" }), instant(5));
    made.onChanged(view("web", { state: "exited" }), instant(6));
    assert.equal(made.workers.get("h1/web")?.container?.state, "exited");
    assert.equal(made.lastSeen("h1/web"), undefined);
  });

  test("is not shown a second time because its agent still speaks of it", () => {
    const web = view("web");
    const made = census({}, web);
    const says = (ms: number): void => {
      const about = { name: "web", address: "10.0.0.9", port: 8888, at: instant(ms) };
      made.onSighting(about, instant(ms));
    };
    says(1);
    made.onGone("h1", web.id, instant(1_000));
    assert.deepEqual(ids(made), ["h1/web"]);
    says(2_000);
    assert.deepEqual([ids(made), codes(made)], [["h1/web"], []]);
    // When it is no longer shown, its agent is a stranger's.
    says(400_000);
    made.tidy(instant(400_001));
    assert.deepEqual(ids(made), ["unmapped/web"]);
  });

  test("and was replaced, or scaled down, is not gone", () => {
    const other = view("web-2", { labels: labels("web") });
    assert.deepEqual(ids(removed(view("web", keeps), other)), ["h1/web-2"]);
  });

  test("is gone though a project of the same name runs the service on another host", () => {
    const made = census({}, view("web", keeps), view("db"));
    made.onSnapshot("h2", [view("web", { host: "h2" })], instant(1));
    made.onGone("h1", "id-web", instant(1_000));
    assert.equal(made.lastSeen("h1/web")?.name, "web");
  });

  test("is none where the container merely lost its label", () => {
    const made = census({}, view("web"));
    made.onChanged(container("web", { state: "running", labels: {} }), instant(1));
    assert.deepEqual(ids(made), []);
  });

  test("is missed in a full list as well", () => {
    const made = census({}, view("web"), view("db"));
    made.onSnapshot("h1", [view("db")], instant(1));
    assert.equal(made.lastSeen("h1/web")?.name, "web");
    made.onSnapshot("h2", [], instant(2));
    assert.equal(made.lastSeen("h1/db"), undefined);
  });
});

describe("a container that was moved to another engine", () => {
  const keeps = { "heartmesh.recreate": "true" };
  const old = movable("h1", "web", { labels: keeps });
  const copy = copyOf(old, "h2");

  test("is a worker there alone, also when it stops where it was, and is removed", () => {
    const made = census({}, old);
    made.onSnapshot("h2", [copyOf(old, "h2", { state: "created" })], instant(1));
    assert.deepEqual(ids(made), ["h1/web"]);
    made.onChanged(copy, instant(2));
    assert.deepEqual(ids(made), ["h2/web"]);
    made.onChanged({ ...old, state: "exited" }, instant(3));
    assert.deepEqual(ids(made), ["h2/web"]);
    made.onGone("h1", old.id, instant(4));
    assert.deepEqual(ids(made), ["h2/web"]);
  });

  test("is one where it was again, once the new one is gone", () => {
    const made = census({}, old);
    made.onSnapshot("h2", [copy], instant(1));
    made.onSnapshot("h2", [], instant(2));
    assert.equal(made.workers.get("h1/web")?.container, old);
  });
});
