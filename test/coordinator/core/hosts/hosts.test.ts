// Verdicts on hosts, by whole coordinators in virtual time: what dies, what only looks so, and what is told.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { HostMesh, type HostMeshOptions } from "./host-mesh.ts";
import { inFull } from "../../../inner-loop.ts";

const all = (verdict: string, count = 3): readonly string[] => Array<string>(count).fill(verdict);

/** A leader is there, and everything is healthy. */
function settled(options: HostMeshOptions = {}): HostMesh {
  const mesh = new HostMesh(options).pass(6_000);
  for (const { name } of mesh.machines) deepEqual(mesh.verdicts(name), all("healthy"));
  mesh.events.length = 0;
  return mesh;
}

/** One that carries a coordinator that does not lead. */
const followersHost = (mesh: HostMesh): string => (mesh.leader() === "c3" ? "h2" : "h3");
const toldOfHosts = (mesh: HostMesh): readonly string[] => mesh.told("host-dead", "host-back");
const untilDead = (mesh: HostMesh, name: string): number =>
  mesh.until(() => toldOfHosts(mesh).includes(`host-dead: host ${name} is dead`), 20_000, 5);

describe("a host that dies", () => {
  it("is dead within 2.5 s whoever leads, is told once, and once more when it is back", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const mesh = settled({ seed });
      const leads = mesh.leader();
      const name = seed % 2 === 0 ? `h${leads.slice(1)}` : followersHost(mesh);
      mesh.pass(seed * 83);
      mesh.machine(name).isOff = true;
      const took = untilDead(mesh, name);
      ok(took <= 2_500, `${took} ms`);
      mesh.pass(5_000);
      deepEqual(mesh.verdicts(name), all("dead", 2));
      const [dead] = mesh.events.filter(({ kind }) => kind === "host-dead");
      equal(dead?.notify, true);
      equal(dead.evidence.filter(({ kind }) => kind === "silence").length, 2);
      mesh.machine(name).isOff = false;
      mesh.machine(name).incarnation++;
      mesh.pass(6_000);
      deepEqual(toldOfHosts(mesh), [
        `host-dead: host ${name} is dead`,
        `host-back: host ${name} is healthy`,
      ]);
    }
  });

  it("stays dead when only what it sends is heard, and comes back by an answer", () => {
    const mesh = settled({ hosts: 4 });
    mesh.cut("h4");
    untilDead(mesh, "h4");
    const leader = mesh.node(mesh.leader());
    for (let i = 0; i < 10; i++) {
      const health = { state: "healthy", checkedAgo: 0, reason: "" } as const;
      const about = { name: "h4", incarnation: 1 as never, port: 8888, leaving: false, health };
      const message = { kind: "announce", ...about, ofHost: true } as const;
      const from = { sender: "h4", address: "10.0.0.4", port: 8888 };
      mesh.input(leader, { kind: "datagram-received", ...from, message });
      mesh.pass(5_000);
    }
    deepEqual(toldOfHosts(mesh), ["host-dead: host h4 is dead"]);
    mesh.heal();
    mesh.pass(3_000);
    deepEqual(mesh.verdicts("h4"), all("healthy"));
  });

  it("is found as soon the second time: a silence that was death teaches no patience", () => {
    const mesh = settled({ hosts: 4, seed: 9 });
    for (let round = 0; round < 4; round++) {
      mesh.events.length = 0;
      mesh.cut("h4");
      ok(untilDead(mesh, "h4") <= 2_500);
      mesh.pass(1_000 + round * 321);
      mesh.heal();
      mesh.pass(5_000);
    }
  });
});

describe("a host that only looks dead", () => {
  const minutes = inFull(20);
  for (const loss of [0.1, 0.3]) {
    it(`is never called so in ${minutes} minutes at ${loss * 100} % loss`, () => {
      const mesh = new HostMesh({ seed: 4, hosts: 5, loss }).pass(20_000);
      for (const { name } of mesh.machines) deepEqual(mesh.verdicts(name), all("healthy"));
      const before = mesh.nodes.map(({ id }) => mesh.verdictsOf(id));
      mesh.events.length = 0;
      mesh.pass(minutes * 60_000);
      deepEqual(toldOfHosts(mesh), []);
      deepEqual(
        mesh.nodes.map(({ id }) => mesh.verdictsOf(id)),
        before,
      );
    });
  }

  it("is not when it is cut for less than TIMEOUT × MAX_FAILED_ATTEMPTS", () => {
    const mesh = settled({ hosts: 4, seed: 7 });
    const before = mesh.nodes.map(({ id }) => mesh.verdictsOf(id));
    for (let i = 0; i < 20; i++) {
      mesh.cut("h4");
      mesh.pass(1_400);
      mesh.heal();
      mesh.pass(2_000 + i * 97);
    }
    deepEqual(
      mesh.nodes.map(({ id }) => mesh.verdictsOf(id)),
      before,
    );
  });

  for (const tcp of ["accepted", "refused"] as const) {
    it(`has lost its agent alone where TCP is ${tcp}`, () => {
      const mesh = settled({ hosts: 4 });
      Object.assign(mesh.machine("h4"), { hasAgent: false, tcp });
      mesh.pass(60_000);
      deepEqual(mesh.verdicts("h4"), all("agent-lost"));
      deepEqual(toldOfHosts(mesh), []);
      const { evidence } = mesh.host("h4");
      ok(evidence.some(({ text }) => text.startsWith(`it ${tcp} a TCP connection on`)));
      mesh.machine("h4").hasAgent = true;
      mesh.pass(2_000);
      deepEqual(mesh.verdicts("h4"), all("healthy"));
    });
  }

  for (const refuses of [false, true]) {
    const how = refuses ? "refuses datagrams" : "says nothing";
    it(`dies after its agent was lost, as soon as nothing answers any more (its port ${how})`, () => {
      const mesh = settled({ hosts: 4 });
      Object.assign(mesh.machine("h4"), { hasAgent: false, refuses });
      mesh.pass(20_000);
      deepEqual(mesh.verdicts("h4"), all("agent-lost"));
      mesh.machine("h4").isOff = true;
      ok(untilDead(mesh, "h4") <= 3_500);
    });
  }

  it("is not while a worker on it answers, and is when that one is silent too", () => {
    const mesh = settled({ hosts: 4 });
    mesh.run("web", "h4", "10.1.4.7");
    mesh.pass(3_000);
    Object.assign(mesh.machine("h4"), { hasAgent: false, tcp: "none" });
    mesh.pass(30_000);
    deepEqual(mesh.verdicts("h4"), all("agent-lost"));
    ok(mesh.host("h4").reason.includes("a worker on it answers"));
    mesh.machine("h4").isOff = true;
    untilDead(mesh, "h4");
  });

  it("is dead where a firewall hides all but its agent, and that one stops", () => {
    const mesh = settled({ hosts: 4 });
    Object.assign(mesh.machine("h4"), { hasAgent: false, tcp: "none" });
    untilDead(mesh, "h4");
  });

  it("is partial where some hear it, and the broken path is named", () => {
    const mesh = settled({ hosts: 4 });
    mesh.cuts.add("10.0.0.1>10.0.0.4");
    mesh.pass(30_000);
    for (const by of ["c1", "c2", "c3"]) {
      equal(mesh.host("h4", by).verdict, "partial");
      ok(mesh.host("h4", by).reason.includes("c1 does not"));
    }
    deepEqual(toldOfHosts(mesh), []);
  });
});

describe("a host that is cut off in one direction", () => {
  it("is partial where its coordinator is still heard, and stays so", () => {
    const mesh = settled();
    const name = followersHost(mesh);
    mesh.cut(name, "in");
    mesh.pass(30_000);
    equal(mesh.host(name, mesh.leader()).verdict, "partial");
    ok(mesh.host(name, mesh.leader()).reason.includes("it is heard and does not answer"));
    deepEqual(toldOfHosts(mesh), []);
  });

  it("is dead where nothing of it is heard", () => {
    const mesh = settled();
    const name = followersHost(mesh);
    mesh.cut(name, "out");
    ok(untilDead(mesh, name) <= 2_500);
    // It knows better of itself, and that it must not judge.
    const own = `c${name.slice(1)}`;
    equal(mesh.host(name, own).verdict === "dead", false);
    mesh.heal();
    mesh.pass(4_000);
    deepEqual(toldOfHosts(mesh), [
      `host-dead: host ${name} is dead`,
      `host-back: host ${name} is healthy`,
    ]);
  });
});

describe("a coordinator that has itself to blame", () => {
  it("keeps its verdicts while it is cut off, and the others theirs", () => {
    const mesh = settled({ located: 2, hosts: 4 });
    mesh.cuts.add("10.0.9.3>*").add("*>10.0.9.3");
    mesh.pass(30_000);
    for (const { name } of mesh.machines) deepEqual(mesh.verdicts(name), all("healthy"));
    mesh.heal();
    mesh.pass(5_000);
    for (const { name } of mesh.machines) deepEqual(mesh.verdicts(name), all("healthy"));
    deepEqual(toldOfHosts(mesh), []);
  });

  it("calls nothing dead after stalls of any length", () => {
    for (const ms of [350, 900, 1_600, 4_000]) {
      const mesh = settled({ seed: ms, hosts: 4 });
      for (const id of ["c1", "c2", "c3"]) {
        mesh.stall(id, ms);
        mesh.pass(8_000);
      }
      deepEqual(toldOfHosts(mesh), [], `${ms} ms`);
      deepEqual(mesh.verdicts("h4"), all("healthy"));
    }
  });

  it("makes no quorum with reports that have gone stale", () => {
    const mesh = settled({ located: 0, hosts: 1 });
    // c2 does not hear the host, and says so; then it is heard no more itself.
    mesh.cuts.add("10.0.9.2>10.0.0.1");
    mesh.pass(5_000);
    mesh.cuts.add("10.0.9.2>*").add("*>10.0.9.2");
    mesh.pass(2_000);
    // Now c1 does not hear the host either; c3 does, and cannot say so.
    mesh.cuts.add("10.0.9.1>10.0.0.1").add("10.0.9.3>10.0.9.1");
    mesh.pass(20_000);
    for (const by of ["c1", "c2", "c3"]) ok(mesh.host("h1", by).verdict !== "dead", by);
  });
});

describe("an engine that does not answer", () => {
  it("is told by the agent, and the host is not dead", () => {
    const mesh = settled();
    mesh.machine("h2").engine = "unhealthy";
    mesh.pass(1_500);
    deepEqual(mesh.verdicts("h2"), all("engine-unhealthy"));
    ok(mesh.host("h2").reason.includes("no answer within 500 ms"));
    mesh.machine("h2").engine = "healthy";
    mesh.pass(1_500);
    deepEqual(mesh.verdicts("h2"), all("healthy"));
    equal(mesh.told("host-changed").length, 2);
  });
});

describe("hosts of a Swarm", () => {
  const inSwarm = (): HostMesh => {
    const mesh = new HostMesh({ listed: false });
    mesh.pass(2_000);
    deepEqual(mesh.summary("c1").hosts, []);
    mesh.swarm([{}, {}, {}]);
    mesh.pass(4_000);
    for (const name of ["h1", "h2", "h3"]) deepEqual(mesh.verdicts(name), all("healthy"));
    mesh.events.length = 0;
    return mesh;
  };

  it("are watched at their nodes' addresses, and no longer when they have left", () => {
    const mesh = inSwarm();
    equal(mesh.host("h2").address, "10.0.0.2");
    equal(mesh.host("h2").node?.role, "manager");
    mesh.swarm([{}, {}]);
    deepEqual(
      mesh.summary("c1").hosts.map(({ id }) => id),
      ["h1", "h2"],
    );
  });

  it("are draining by `drain` and not by `pause`", () => {
    const mesh = inSwarm();
    mesh.swarm([{}, { availability: "pause" }, { availability: "drain" }]);
    mesh.pass(200);
    deepEqual(mesh.verdicts("h2"), all("healthy"));
    deepEqual(mesh.verdicts("h3"), all("draining"));
    deepEqual(mesh.told("host-changed"), ["host-changed: host h3 is draining"]);
    mesh.swarm([{}, {}, {}]);
    mesh.pass(200);
    deepEqual(mesh.verdicts("h3"), all("healthy"));
  });

  it("die while they drain", () => {
    const mesh = inSwarm();
    const name = followersHost(mesh);
    mesh.swarm(["h1", "h2", "h3"].map((one) => (one === name ? { availability: "drain" } : {})));
    mesh.pass(500);
    mesh.machine(name).isOff = true;
    ok(untilDead(mesh, name) <= 2_500);
  });

  it("are dead by their Swarm's word where no agent of theirs was ever heard", () => {
    const mesh = new HostMesh({ listed: false });
    mesh.machine("h3").hasAgent = false;
    mesh.swarm([{}, {}, {}]);
    mesh.pass(20_000);
    deepEqual(mesh.verdicts("h3"), all("unknown"));
    equal(mesh.knocks, 0);
    mesh.swarm([{}, {}, { state: "down" }]);
    mesh.pass(200);
    deepEqual(mesh.verdicts("h3"), all("dead"));
  });

  it("are not dead by their Swarm's word while their agent answers", () => {
    const mesh = inSwarm();
    for (let i = 0; i < 10; i++) {
      mesh.swarm([{}, {}, { state: "down" }]);
      mesh.pass(3_000);
      deepEqual(mesh.verdicts("h3"), all("engine-unhealthy"));
    }
    deepEqual(toldOfHosts(mesh), []);
  });

  it("are judged by no list that is old: its manager may have lost the Swarm", () => {
    const mesh = new HostMesh({ listed: false });
    mesh.machine("h3").hasAgent = false;
    mesh.swarm([{}, {}, {}]);
    mesh.pass(6_000);
    mesh.swarm([{}, {}, { state: "down" }], "c1");
    mesh.pass(200);
    deepEqual(mesh.verdicts("h3"), ["dead", "unknown", "unknown"]);
    mesh.machine("h3").hasAgent = true;
    mesh.pass(15_000);
    deepEqual(mesh.verdicts("h3"), all("healthy"));
  });
});

describe("agents of hosts", () => {
  it("that nobody lists are a finding, and no worker", () => {
    const mesh = settled();
    const health = { state: "healthy", checkedAgo: 0, reason: "" } as const;
    const about = { name: "h9", incarnation: 1 as never, port: 8888, leaving: false, health };
    for (const node of mesh.nodes) {
      const from = { sender: "h9", address: "10.0.0.9", port: 8888 };
      const message = { kind: "announce", ...about, ofHost: true } as const;
      mesh.input(node, { kind: "datagram-received", ...from, message });
    }
    mesh.pass(1_000);
    const { findings, workers } = mesh.summary("c1");
    deepEqual(workers, []);
    deepEqual(
      findings.map(({ subject, code }) => [subject, code]),
      [["h9", "host-unlisted"]],
    );
    mesh.pass(61_000);
    deepEqual(mesh.summary("c1").findings, []);
  });

  it("tell load and capacity, which are shown", () => {
    const { load, capacity, roundTrip } = settled().host("h2");
    deepEqual([load, capacity], [0.5, { processors: 2, memory: 8e9, available: 4e9 }]);
    ok(roundTrip > 0.5 && roundTrip < 2);
  });

  it("answer for their own host alone: another's at its address is a stranger", () => {
    const mesh = settled({ hosts: 4 });
    const [h3, h4] = [mesh.machine("h3"), mesh.machine("h4")];
    Object.assign(h4, { name: "h3", incarnation: 2 });
    mesh.pass(5_000);
    ok((mesh.summary("c1").counters["host-strangers"] ?? 0) > 0);
    ok(mesh.host("h4").verdict !== "healthy");
    equal(mesh.host(h3.name).verdict, "healthy");
  });
});
