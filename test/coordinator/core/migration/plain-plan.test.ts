// Which containers of a host without a Swarm go where when it dies, and which of several of one origin counts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  descentOf,
  descentText,
  isYounger,
  lineagesOf,
} from "../../../../coordinator/core/migration/lineage.ts";
import { planPlain, type PlainPlan } from "../../../../coordinator/core/migration/plain-plan.ts";
import type { ContainerView } from "../../../../coordinator/core/worker.ts";
import { copyOf, hostOf, movable, pictureOf } from "./plain-script.ts";

const hosts = [hostOf("h1"), hostOf("h2"), hostOf("h3")];

function planOf(own: ContainerView, others: readonly ContainerView[] = [], of = hosts): PlainPlan {
  const [plan] = planPlain(pictureOf([own, ...others], of), own.host);
  assert.ok(plan !== undefined);
  return plan;
}

const volume = (source: string, some: object = {}) => ({
  ...{ type: "volume", source, driver: "local", driverOptions: {} },
  ...some,
});
const bind = { type: "bind", source: "/srv", driver: "", driverOptions: {} };

describe("a container whose label lets it move", () => {
  test("goes to the host with the fewest of them, then to the others by name", () => {
    const plan = planOf(movable("h1", "web"), [movable("h2", "db")]);
    assert.deepEqual([plan.action, plan.targets], ["move", ["h3", "h2"]]);
    assert.equal(plan.reason, "to h3, else to h2");
    assert.deepEqual(
      plan.warnings.map(({ code }) => code),
      ["may-run-twice", "image"],
    );
  });

  test("goes by load where its label asks for that and every host tells it", () => {
    const busy = (id: string, load: number) =>
      hostOf(id, "healthy", { load, capacity: { processors: 1, memory: 8e9, available: 4e9 } });
    const labels = { "heartmesh.migrate.strategy": "least-loaded" };
    const plan = planOf(
      movable("h1", "web", { labels }),
      [],
      [hostOf("h1"), busy("h2", 0.9), busy("h3", 0.1)],
    );
    assert.deepEqual([plan.targets, plan.strategy.used], [["h3", "h2"], "least-loaded"]);
    const silent = planOf(movable("h1", "web", { labels }));
    assert.deepEqual(silent.strategy, {
      used: "spread",
      because: "the load of h2, h3 is not measured",
    });
  });

  test("stays with volumes and paths of its host, unless its label says otherwise", () => {
    for (const mount of [volume("store"), bind, volume("a".repeat(64))]) {
      const plan = planOf(movable("h1", "web", {}, { mounts: [mount] }));
      assert.equal(plan.action, "stay");
      assert.match(plan.reason, /^its data is in volumes or paths of the host/);
      for (const word of ["shared", "empty"]) {
        const labels = { "heartmesh.volumes": word };
        assert.equal(planOf(movable("h1", "web", { labels }, { mounts: [mount] })).action, "move");
      }
    }
    const nfs = volume("store", { driverOptions: { type: "nfs" } });
    const tmpfs = { type: "tmpfs", source: "", driver: "", driverOptions: {} };
    assert.equal(planOf(movable("h1", "web", {}, { mounts: [nfs, tmpfs] })).action, "move");
  });

  test("stays where something ties it, or a label of it cannot be read or is for Swarm nodes", () => {
    const ties = ["it is linked to containers of its host"];
    assert.equal(planOf(movable("h1", "web", {}, { ties })).reason, ties[0]);
    const unread = planOf(movable("h1", "web", { labels: { "heartmesh.migrate": "perhaps" } }));
    assert.equal(unread.reason, "its label heartmesh.migrate cannot be read");
    assert.equal(unread.findings.length, 1);
    const to = planOf(movable("h1", "web", { labels: { "heartmesh.migrate.to": "secondary" } }));
    assert.match(to.reason, /^heartmesh\.migrate\.to names labels of Swarm nodes/);
  });

  test("does not go where its port or its name is taken, the host is not well, or no engine answers", () => {
    const ports = [{ protocol: "tcp", published: 80, mode: "host" as const }];
    const picture = pictureOf(
      [
        movable("h1", "web", {}, { ports }),
        movable("h2", "proxy", {}, { ports }),
        movable("h3", "web"),
      ],
      [...hosts, hostOf("h4", "engine-unhealthy"), hostOf("h5"), hostOf("h6", "dead")],
    );
    const engines = picture.engines.map((one) =>
      one.host === "h5" ? { ...one, reachable: false } : one,
    );
    const [plan] = planPlain({ ...picture, engines }, "h1");
    assert.deepEqual(
      plan?.unfit.map(({ host, reason }) => `${host}: ${reason}`),
      [
        "h2: port 80/tcp of proxy is taken there",
        "h3: a container called web is there",
        "h4: it is engine-unhealthy",
        "h5: it is without an engine that answers",
        "h6: it is dead",
      ],
    );
    assert.equal(plan.action, "stay");
  });

  test("goes on with what an earlier try made and did not start", () => {
    const web = movable("h1", "web");
    const made = copyOf(web, "h2", { state: "created" });
    assert.deepEqual(planOf(web, [made], [hostOf("h1", "dead"), hostOf("h2")]).targets, ["h2"]);
  });

  test("is no matter of another host's plan", () => {
    assert.deepEqual(planPlain(pictureOf([movable("h1", "web")], hosts), "h2"), []);
  });
});

describe("of several of one origin", () => {
  const web = movable("h1", "web");
  const second = copyOf(web, "h2");
  const third = copyOf(web, "h3", {}, { generation: 2 });
  const head = (all: readonly ContainerView[], dead: readonly string[] = []) => {
    const lineages = lineagesOf(all, (host) => dead.includes(host));
    assert.equal(lineages.length, 1);
    assert.equal(lineages[0]?.others.length, all.length - 1);
    return lineages[0].head.host;
  };

  test("the newest counts that runs on a host that is not dead", () => {
    assert.equal(head([web, third, second]), "h3");
    assert.equal(head([web, second, third], ["h3"]), "h2");
    assert.equal(head([web, { ...second, state: "exited" }]), "h1");
  });

  test("the newest counts where none runs, and never one that was not started", () => {
    const ended = { ...web, state: "exited" as const };
    assert.equal(head([ended, { ...second, state: "exited" }]), "h2");
    assert.equal(head([ended, { ...second, state: "created" }]), "h1");
    assert.equal(head([web, second], ["h1", "h2"]), "h2");
  });

  test("the later one of two of one generation is the younger, and none of two that say the same", () => {
    const later = copyOf(web, "h3", {}, { madeAt: 2_000 });
    assert.ok(isYounger(later, second) && !isYounger(second, later));
    assert.ok(isYounger(second, web) && !isYounger(web, second));
    assert.ok(!isYounger(second, copyOf(web, "h3")) && !isYounger(movable("h2", "web"), web));
  });

  test("a label that is not of this version makes it its own origin", () => {
    for (const text of ["", "{", "null", '{"v":2,"origin":"h1-web"}', '{"v":1,"origin":7}']) {
      const odd = { ...second, labels: { "heartmesh.moved": text } };
      assert.equal(descentOf(odd).origin, "h2-web");
    }
    const own = { origin: "a", from: "h1", generation: 3, madeAt: 5 };
    assert.deepEqual(descentOf({ id: "x", labels: { "heartmesh.moved": descentText(own) } }), own);
  });
});
