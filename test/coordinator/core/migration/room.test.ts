// Which hosts have room, and which of them a strategy takes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SwarmHost } from "../../../../coordinator/core/migration/swarm-view.ts";
import { host, memory, none, service, task, tasksOn, typed, view } from "./swarm-script.ts";
import { codesOf, moveOf, planFor, stayOf, targetsOf, unfitOf, warningOf } from "./planned.ts";

const plain = [host("h1"), host("h2"), host("h3")];

describe("room", () => {
  test("is none where the reservation is greater than what others have left", () => {
    const big = service("big", { reservations: memory(6) });
    const web = service("web", { reservations: memory(3) });
    const tasks = [...tasksOn(big, "h2"), ...tasksOn(web, "h1")];
    const move = moveOf(planFor(view(plain, [web, big], tasks)));
    assert.equal(targetsOf(move), "h3");
    assert.deepEqual(unfitOf(move), [
      "h2: 2 GiB of memory are unreserved, and a replica reserves 3 GiB",
    ]);
    const cpus = service("web", { reservations: { nanoCpus: 4.5e9, memoryBytes: 0 } });
    const stay = stayOf(planFor(view(plain, [cpus], tasksOn(cpus, "h1"))));
    assert.deepEqual(
      unfitOf(stay)[0],
      "h2: 4 processors are unreserved, and a replica reserves 4.5",
    );
  });

  test("is not taken by what has ended there", () => {
    const big = service("big", { reservations: memory(6) });
    const ports = [{ protocol: "tcp", published: 80, mode: "host" as const }];
    const web = service("web", { reservations: memory(3), ports });
    const old = service("old", { ports });
    const tasks = [
      ...tasksOn(web, "h1"),
      task(big, 1, "h2", { desired: "shutdown", state: "shutdown" }),
      task(big, 2, "h2", { state: "failed" }),
      task(old, 1, "h3", { state: "rejected" }),
    ];
    assert.equal(targetsOf(moveOf(planFor(view(plain, [web, big, old], tasks)))), "h2 h3");
  });

  test("is shared by the services that move: the second finds what the first has left", () => {
    const hosts = [typed("h1", "primary"), typed("h2", "secondary")];
    const constraints = ["node.labels.type==primary"];
    const services = ["a", "b", "c"].map((name) =>
      service(name, { constraints, reservations: memory(4) }),
    );
    const plan = planFor(
      view(
        hosts,
        services,
        services.flatMap((one) => tasksOn(one, "h1")),
      ),
    );
    assert.deepEqual(
      plan.services.map((one) => `${one.service.name} ${one.action}`),
      ["a move", "b move", "c stay"],
    );
    assert.match(unfitOf(stayOf(plan, "c"))[0] ?? "", /0 MiB of memory are unreserved/);
  });

  test("that is too small for all replicas is told, and those that fit move", () => {
    const web = service("web", { replicas: 4, maxReplicasPerHost: 1 });
    const move = moveOf(planFor(view(plain, [web], tasksOn(web, "h1", "h1", "h1", "h2"))));
    assert.equal(targetsOf(move), "h3");
    assert.equal(move.choice.short, 2);
    assert.match(warningOf(move, "no-room"), /^2 of its replicas have no room \(h3: max_replicas/);
    assert.deepEqual(unfitOf(move), ["h2: max_replicas_per_node is 1, and it runs 1"]);
  });

  test("is none where another service has the same port of the host", () => {
    const port = { protocol: "tcp", published: 80, mode: "host" as const };
    const web = service("web", { ports: [port] });
    const other = service("proxy", { ports: [port] });
    const udp = service("dns", { ports: [{ ...port, protocol: "udp" }] });
    const tasks = [...tasksOn(web, "h1"), ...tasksOn(other, "h2"), ...tasksOn(udp, "h3")];
    const move = moveOf(planFor(view(plain, [web, other, udp], tasks)));
    assert.equal(targetsOf(move), "h3");
    assert.deepEqual(unfitOf(move), ["h2: port 80/tcp of proxy is taken there"]);
    const full = [...tasks, task(other, 2, "h3")];
    const stay = stayOf(planFor(view(plain, [web, other, udp], full)));
    assert.deepEqual(unfitOf(stay)[1], "h3: port 80/tcp of proxy is taken there");
  });

  test("is for one replica on each host where it has a port of the host", () => {
    const ports = [{ protocol: "tcp", published: 80, mode: "host" as const }];
    const web = service("web", { ports, replicas: 2 });
    const move = moveOf(planFor(view(plain, [web], tasksOn(web, "h1", "h2"))));
    assert.equal(targetsOf(move), "h3");
    assert.deepEqual(unfitOf(move), ["h2: port 80/tcp fits once on a host"]);
    // One that the engine chooses, or that the whole Swarm publishes, bounds nothing.
    const ingress = { protocol: "tcp", published: 80, mode: "ingress" as const };
    const any = { protocol: "tcp", published: 0, mode: "host" as const };
    const free = service("web", { ports: [ingress, any], replicas: 2 });
    const both = moveOf(planFor(view(plain, [free], tasksOn(free, "h1", "h2"))));
    assert.equal(targetsOf(both), "h2 h3");
    assert.ok(!codesOf(both).includes("host-port"));
  });

  test("is none where the image does not run, or a driver of its volumes is missing", () => {
    const arm = host("h2", { arch: "aarch64" });
    const platforms = [{ os: "linux", arch: "amd64" }];
    const web = service("web", { platforms });
    const move = moveOf(planFor(view([plain[0]!, arm, plain[2]!], [web], tasksOn(web, "h1"))));
    assert.equal(targetsOf(move), "h3");
    assert.deepEqual(unfitOf(move), ["h2: the image does not run on linux/aarch64"]);
    const mounts = [{ type: "volume", source: "v", driver: "rexray", driverOptions: {} }];
    const stored = service("web", { mounts });
    const able = host("h3", { volumeDrivers: ["local", "rexray:latest"] });
    const there = moveOf(
      planFor(view([plain[0]!, plain[1]!, able], [stored], tasksOn(stored, "h1"))),
    );
    assert.deepEqual(unfitOf(there), ["h2: it has no volume driver rexray"]);
  });
});

describe("the strategy", () => {
  const hosts: readonly SwarmHost[] = [
    typed("h1", "primary"),
    typed("h2", "secondary", { load: 0.9, free: memory(1) }),
    typed("h3", "secondary", { load: 0.2, free: memory(2) }),
    typed("h4", "tertiary", { load: 0.1, free: memory(6) }),
  ];
  const web = (strategy: string, replicas = 1) =>
    service("web", {
      replicas,
      constraints: ["node.labels.type==primary"],
      labels: {
        "heartmesh.migrate.to": "secondary,tertiary",
        "heartmesh.migrate.strategy": strategy,
      },
    });
  const busy = service("busy", { replicas: 3 });
  const chosen = (strategy: string, among = hosts, replicas = 1) => {
    const one = web(strategy, replicas);
    const places = Array.from({ length: replicas }, () => "h1");
    const tasks = [...tasksOn(one, ...places), ...tasksOn(busy, "h2", "h2", "h3")];
    return moveOf(planFor(view(among, [one, busy], tasks)));
  };

  test("priority takes the first label with room, and leaves its hosts to Swarm", () => {
    const move = chosen("priority");
    assert.deepEqual(move.change.constraints, ["node.labels.type==secondary"]);
    assert.deepEqual([move.choice.used, move.choice.usedBecause], ["priority", ""]);
  });

  test("spread takes the label whose hosts run the fewest tasks", () => {
    const move = chosen("spread");
    assert.deepEqual(move.change.constraints, ["node.labels.type==tertiary"]);
    assert.ok(!codesOf(move).includes("strategy"));
  });

  test("least-loaded takes the host with the least load", () => {
    assert.deepEqual(chosen("least-loaded").change.constraints, ["node.labels.type==tertiary"]);
    const two = chosen("least-loaded", hosts.slice(0, 3));
    assert.deepEqual(two.change.constraints, ["node.labels.type==secondary", "node.id==id-h3"]);
    assert.equal(targetsOf(two), "h3");
    const both = chosen("least-loaded", hosts.slice(0, 3), 2);
    assert.deepEqual(both.change.constraints, ["node.labels.type==secondary"]);
  });

  test("least-loaded falls back to spread where a load is not measured, and says so", () => {
    const unmeasured = [...hosts.slice(0, 3), typed("h4", "tertiary"), typed("h5", "tertiary")];
    const move = chosen("least-loaded", unmeasured);
    assert.equal(move.choice.used, "spread");
    const text = "decided by spread: the load of h4, h5 is not measured";
    assert.equal(warningOf(move, "strategy"), text);
    assert.deepEqual(move.change.constraints, ["node.labels.type==tertiary"]);
  });

  test("most-free takes the host with the most free memory, measured or else unreserved", () => {
    assert.equal(targetsOf(chosen("most-free")), "h4");
    const eater = service("eater", { reservations: memory(5) });
    const one = web("most-free");
    const bare = hosts.slice(0, 3).map(({ load: _load, free: _free, ...rest }) => rest);
    const tasks = [...tasksOn(one, "h1"), ...tasksOn(eater, "h3")];
    const move = moveOf(planFor(view(bare, [one, eater], tasks)));
    assert.deepEqual(move.change.constraints, ["node.labels.type==secondary", "node.id==id-h2"]);
    assert.match(warningOf(move, "strategy"), /what no service has reserved counts/);
    const unknown = bare.map((each) => ({ ...each, resources: none }));
    const blind = moveOf(planFor(view(unknown, [one, eater], tasks)));
    assert.equal(blind.choice.used, "spread");
    assert.match(warningOf(blind, "strategy"), /what is free on h2, h3 is not known/);
  });

  test("that picks a host leaves those alone that run healthy replicas", () => {
    const labels = { "heartmesh.migrate.strategy": "least-loaded" };
    const api = service("api", { labels, replicas: 2 });
    const five = [...hosts, typed("h5", "other", { load: 0.5 })];
    const move = moveOf(planFor(view(five, [api], tasksOn(api, "h1", "h2"))), "api");
    assert.equal(targetsOf(move), "h4");
    assert.deepEqual(move.change.constraints, [
      "node.id!=id-h1",
      "node.id!=id-h3",
      "node.id!=id-h5",
    ]);
    assert.deepEqual(move.choice.disturbed, []);
  });

  test("compares no way with that of staying on hosts of the same label", () => {
    const five = [...hosts, typed("h5", "primary", { load: 0.95, free: memory(0.5) })];
    for (const strategy of ["priority", "spread", "least-loaded", "most-free"]) {
      assert.equal(targetsOf(chosen(strategy, five)), "h5", strategy);
    }
  });

  test("is asked only where nothing healthy is disturbed and room is not short", () => {
    // Both primaries and both secondaries are there; the lighter load of another label tempts nobody.
    const four = [...hosts, typed("h5", "primary", { load: 0.95 })];
    const one = web("least-loaded", 2);
    const move = moveOf(planFor(view(four, [one], tasksOn(one, "h1", "h5"))));
    assert.equal(targetsOf(move), "h5");
    assert.deepEqual(move.change.constraints, ["node.labels.type==primary", "node.id!=id-h1"]);
  });
});
