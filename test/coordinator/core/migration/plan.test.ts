// Where each kind of service goes when its host falls out, and what exactly its update says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { host, service, task, tasksOn, typed, view } from "./swarm-script.ts";
import { moveOf, planFor, planOf, stayOf, targetsOf, unfitOf } from "./planned.ts";

const three = [typed("h1", "primary"), typed("h2", "secondary"), host("h3")];
const plain = [host("h1"), host("h2"), host("h3")];

describe("a service that is tied to nothing", () => {
  test("is kept off the dead host by its id, and Swarm places its lost replicas", () => {
    const web = service("web", { replicas: 4, constraints: ["node.platform.os==linux"] });
    const move = moveOf(planFor(view(plain, [web], tasksOn(web, "h1", "h2", "h3", "h1"))));
    assert.deepEqual(move.change.constraints, ["node.platform.os==linux", "node.id!=id-h1"]);
    assert.equal(targetsOf(move), "h2 h3");
    assert.equal(move.lost, 2);
    assert.deepEqual(move.choice.disturbed, []);
  });

  test("all replicas at once, new ones first, its other update settings kept", () => {
    const updateConfig = { Parallelism: 1, Delay: 5e9, Monitor: 7e9, Order: "stop-first" };
    const web = service("web", { updateConfig });
    const { change } = moveOf(planFor(view(plain, [web], tasksOn(web, "h1"))));
    const during = {
      Monitor: 7e9,
      Parallelism: 0,
      FailureAction: "continue",
      Order: "start-first",
    };
    assert.deepEqual(change.updateConfig, during);
    assert.deepEqual(change.journal, {
      from: "id-h1",
      before: [],
      after: ["node.id!=id-h1"],
      update: updateConfig,
    });
    assert.deepEqual(Object.keys(change.labels), ["heartmesh.moved"]);
  });

  test("goes to the hosts of its label where it has one", () => {
    const labels = { "heartmesh.migrate.to": "secondary" };
    const web = service("web", { labels });
    const move = moveOf(planFor(view(three, [web], tasksOn(web, "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.type==secondary"]);
    assert.equal(move.reason, "with node.labels.type==secondary");
    // A healthy replica that is not there is no reason to move it too.
    const both = moveOf(planFor(view(three, [web], tasksOn(web, "h1", "h3"))));
    assert.deepEqual(both.change.constraints, ["node.id!=id-h1"]);
  });
});

describe("a service that is tied to the primary", () => {
  const tied = ["node.labels.type==primary", "node.role==worker"];

  test("goes to the secondary, every other constraint kept", () => {
    const web = service("web", { constraints: tied });
    const move = moveOf(planFor(view(three, [web], tasksOn(web, "h1"))));
    const secondary = ["node.role==worker", "node.labels.type==secondary"];
    assert.deepEqual(move.change.constraints, secondary);
    assert.equal(targetsOf(move), "h2");
    assert.deepEqual(unfitOf(move), ["h3: it does not satisfy node.labels.type==secondary"]);
    assert.deepEqual(move.change.journal.before, tied);
  });

  test("stays on the primaries where another one lives, whose replicas are not touched", () => {
    const hosts = [...three, typed("h4", "primary")];
    const web = service("web", { replicas: 2, constraints: tied });
    const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1", "h4"))));
    assert.deepEqual(move.change.constraints, [...tied, "node.id!=id-h1"]);
    assert.equal(targetsOf(move), "h4");
  });

  test("is kept off the dead host where that is a secondary too", () => {
    const hosts = [typed("h1", "secondary"), typed("h2", "secondary")];
    const web = service("web", { labels: { "heartmesh.migrate.to": "secondary" } });
    const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.type==secondary", "node.id!=id-h1"]);
  });

  test("has nowhere to go where the secondary is dead too: each host has its reason", () => {
    const hosts = [three[0]!, typed("h2", "secondary", { state: "down" }), three[2]!];
    const drained = typed("h4", "secondary", { availability: "drain" });
    const web = service("web", { constraints: tied });
    const stay = stayOf(planFor(view([...hosts, drained], [web], tasksOn(web, "h1"))));
    assert.equal(stay.reason, "no other host has a place for it");
    assert.deepEqual(unfitOf(stay), [
      "h2: it is down",
      "h3: it does not satisfy node.labels.type==primary; it does not satisfy node.labels.type==secondary",
      "h4: its availability is drain",
    ]);
  });

  test("has nowhere to go in a Swarm of one", () => {
    const web = service("web", { constraints: tied });
    const stay = stayOf(planFor(view([three[0]!], [web], tasksOn(web, "h1"))));
    assert.equal(stay.reason, "there is no other host");
  });
});

describe("a service with a list of labels", () => {
  const zone = (name: string, value: string, some = {}) =>
    host(name, { labels: { zone: value }, ...some });
  const labels = { "heartmesh.migrate.to": "zone=b,zone=c" };
  const constraints = ["node.labels.zone==a"];

  test("goes to the first of them that has room for all", () => {
    const hosts = [zone("h1", "a"), zone("h2", "b"), zone("h3", "b"), zone("h4", "c")];
    const web = service("web", { labels, constraints, replicas: 2 });
    const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1", "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.zone==b"]);
    assert.equal(targetsOf(move), "h2 h3");
    const tight = service("web", { labels, constraints, replicas: 2, maxReplicasPerHost: 1 });
    const few = [zone("h1", "a"), zone("h2", "b"), zone("h3", "c"), zone("h4", "c")];
    const other = moveOf(planFor(view(few, [tight], tasksOn(tight, "h1", "h1"))));
    assert.deepEqual(other.change.constraints, ["node.labels.zone==c"]);
  });

  test("goes to the next where the first is dead", () => {
    const hosts = [zone("h1", "a"), zone("h2", "b", { state: "down" }), zone("h3", "c")];
    const web = service("web", { labels, constraints });
    const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.zone==c"]);
  });

  test("loses only the tie that the label stands for", () => {
    const both = { zone: "b", disk: "ssd" };
    const hosts = [
      host("h1", { labels: { zone: "a", disk: "ssd" } }),
      host("h2", { labels: both }),
    ];
    const ties = ["node.labels.disk==ssd", ...constraints];
    const web = service("web", { labels, constraints: ties });
    const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.disk==ssd", "node.labels.zone==b"]);
    // The setting's label is such a tie too.
    const primary = service("web", {
      labels,
      constraints: ["node.labels.type==primary", "node.labels.disk==ssd"],
    });
    const first = host("h1", { labels: { type: "primary", disk: "ssd" } });
    const from = moveOf(planFor(view([first, hosts[1]!], [primary], tasksOn(primary, "h1"))));
    assert.deepEqual(from.change.constraints, ["node.labels.disk==ssd", "node.labels.zone==b"]);
    // Its only label is what ties it, whatever the key.
    const typedOnly = { "heartmesh.migrate.to": "secondary" };
    const one = service("web", { labels: typedOnly, constraints });
    const away = moveOf(
      planFor(view([zone("h1", "a"), typed("h2", "secondary")], [one], tasksOn(one, "h1"))),
    );
    assert.deepEqual(away.change.constraints, ["node.labels.type==secondary"]);
  });

  test("stays where it has a tie and nobody says where else it may go", () => {
    const web = service("web", { constraints });
    const hosts = [zone("h1", "a"), zone("h2", "b")];
    const stay = stayOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
    assert.deepEqual(unfitOf(stay), ["h2: it does not satisfy node.labels.zone==a"]);
  });
});

describe("a service that is tied to one host", () => {
  for (const tie of ["node.hostname==h1", "node.id==id-h1", "node.ip==10.0.0.1"]) {
    test(`by ${tie} goes to any other that fits`, () => {
      const web = service("web", { constraints: [tie, "node.role==worker"] });
      const manager = host("h3", { role: "manager" });
      const hosts = [host("h1"), host("h2"), manager];
      const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1"))));
      assert.deepEqual(move.change.constraints, ["node.role==worker", "node.id!=id-h1"]);
      assert.equal(targetsOf(move), "h2");
      assert.equal(move.reason, `without ${tie}`);
    });
  }

  test("goes by its list where it has one", () => {
    const labels = { "heartmesh.migrate.to": "secondary" };
    const web = service("web", { constraints: ["node.hostname==h1"], labels });
    const move = moveOf(planFor(view(three, [web], tasksOn(web, "h1"))));
    assert.deepEqual(move.change.constraints, ["node.labels.type==secondary"]);
  });
});

describe("what does not move", () => {
  const held = (some: Parameters<typeof service>[1]): string => {
    const web = service("web", some);
    return stayOf(planFor(view(plain, [web], tasksOn(web, "h1")))).reason;
  };

  test("global services and jobs", () => {
    assert.match(held({ mode: "global" }), /global: every fit host runs it already/);
    assert.match(held({ mode: "replicated-job" }), /job: an update would run it anew/);
    assert.match(held({ mode: "global-job" }), /job/);
  });

  test("what a label keeps, also one that cannot be read", () => {
    assert.match(held({ labels: { "heartmesh.migrate": "false" } }), /heartmesh\.migrate says so/);
    const labels = { "heartmesh.migrate.to": "a b" };
    const web = service("web", { labels });
    const plan = planFor(view(plain, [web], tasksOn(web, "h1")));
    assert.match(stayOf(plan).reason, /migrate\.to cannot be read/);
    assert.equal(plan.findings.length, 1);
  });

  test("what has a placement that is not understood", () => {
    const reason = held({ constraints: ["node.size==big"] });
    assert.match(reason, /which hosts its placement allows is not known: "node\.size==big"/);
  });

  test("what has no replica there, with the reason", () => {
    const web = service("web", { replicas: 2 });
    const idle = service("idle", { replicas: 0 });
    const lost = service("lost");
    const daemon = service("daemon", { mode: "global" });
    const tasks = [...tasksOn(web, "h2", "h3"), ...tasksOn(daemon, "h2")];
    const plan = planFor(view(plain, [web, idle, lost, daemon], tasks));
    const reasons = plan.services.map((one) => `${one.service.name}: ${one.reason}`);
    assert.deepEqual(reasons, [
      "daemon: its replicas run on h2 only",
      "idle: it has no replicas",
      "lost: nothing of it runs there",
      "web: its replicas run on h2, h3 only",
    ]);
    assert.ok(plan.services.every(({ action }) => action === "untouched"));
  });
});

describe("a replica counts as lost", () => {
  const tied = service("web", { constraints: ["node.labels.type==primary"] });
  const down = [typed("h1", "primary", { state: "down" }), three[1]!, three[2]!];

  test("while Swarm has not noticed, and when it waits in vain for another place", () => {
    assert.equal(moveOf(planFor(view(three, [tied], tasksOn(tied, "h1")))).lost, 1);
    const old = task(tied, 1, "h1", { desired: "shutdown" });
    const waits = task(tied, 1, "", { error: "no suitable node" });
    const move = moveOf(planFor(view(down, [tied], [old, waits])));
    assert.equal(move.lost, 1);
    assert.equal(targetsOf(move), "h2");
  });

  test("also when nobody remembers where it was, and only that host would do", () => {
    assert.equal(moveOf(planFor(view(down, [tied], [task(tied, 1, "")]))).lost, 1);
    const other = planOf(planFor(view(down, [tied], [task(tied, 1, "")]), "h3"), "web");
    assert.equal(other.action, "untouched");
  });

  test("no more once Swarm has replaced it, or its successor runs beside it", () => {
    const web = service("web");
    const old = task(web, 1, "h1", { desired: "shutdown" });
    const replaced = planOf(planFor(view(plain, [web], [old, task(web, 1, "h2")])), "web");
    assert.equal(replaced.action, "untouched");
    const beside = planOf(
      planFor(view(plain, [web], [task(web, 1, "h1"), task(web, 1, "h2")])),
      "web",
    );
    assert.equal(beside.action, "untouched");
    const starting = task(web, 1, "h2", { state: "starting" });
    assert.equal(moveOf(planFor(view(plain, [web], [task(web, 1, "h1"), starting]))).lost, 1);
  });

  test("unless its task has ended", () => {
    const web = service("web");
    const failed = task(web, 1, "h1", { state: "failed", desired: "shutdown" });
    assert.equal(planOf(planFor(view(plain, [web], [failed])), "web").action, "untouched");
  });
});

test("a fenced service starts first only where its host is dead: one that lives must have stopped it", () => {
  const web = service("web", { labels: { "heartmesh.fence": "true" } });
  const picture = view(plain, [web], tasksOn(web, "h1"));
  const orderOf = (cause: "dead" | "drain") =>
    moveOf(planFor(picture, "h1", cause)).change.updateConfig["Order"];
  assert.equal(orderOf("dead"), "start-first");
  assert.equal(orderOf("drain"), "stop-first");
});

test("those that move come first, then those that stay, then the others, each by name", () => {
  const names = ["d", "a", "c", "b"];
  const services = names.map((name) => service(name, name === "a" ? { mode: "global" } : {}));
  const tasks = services.flatMap((one) => tasksOn(one, one.name === "b" ? "h2" : "h1"));
  const plan = planFor(view(plain, services, tasks));
  assert.deepEqual(
    plan.services.map((one) => `${one.service.name} ${one.action}`),
    ["c move", "d move", "a stay", "b untouched"],
  );
});
