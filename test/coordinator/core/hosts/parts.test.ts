// The parts of which the watch over hosts is made: who is watched, what a TCP question proves, and who tells a verdict.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { eventOf } from "../../../../coordinator/core/event.ts";
import type { SwarmNodes } from "../../../../coordinator/core/hosts/host.ts";
import { Knocks, type KnockAnswer } from "../../../../coordinator/core/hosts/knocks.ts";
import { HostNews } from "../../../../coordinator/core/hosts/news.ts";
import { HostRoll } from "../../../../coordinator/core/hosts/roll.ts";
import { Hosts } from "../../../../coordinator/core/hosts.ts";
import { Random } from "../../../../proto/random.ts";
import { instant } from "../../../../proto/units.ts";
import { container } from "../recovery-specs.ts";
import { swarmNode } from "./host-mesh.ts";

const at = instant;

describe("the roll of hosts", () => {
  const listed = [{ name: "h1", host: "edge.example", port: 9000 }];
  const news = (nodes: SwarmNodes["nodes"], host = "lab"): SwarmNodes => ({
    ...{ kind: "swarm-nodes", host, self: "id-h1" },
    nodes,
  });

  it("takes HOSTS and the Swarm's nodes, and a person's address before the Swarm's", () => {
    const roll = new HostRoll(listed, 8888);
    roll.onNodes(news([swarmNode("h1"), swarmNode("h2")]), at(0));
    const where = [...roll.hosts.values()].map(({ id, address, port }) => [id, address, port]);
    deepEqual(where, [
      ["h1", "edge.example", 9000],
      ["h2", "10.0.0.2", 8888],
    ]);
    equal(roll.hosts.get("h1")?.node?.id, "id-h1");
  });

  it("knows under which other name an engine calls its own host", () => {
    const roll = new HostRoll([], 8888);
    roll.onNodes(news([swarmNode("h1"), swarmNode("h2")]), at(0));
    deepEqual(roll.hosts.get("h1")?.engines, ["h1", "lab"]);
    deepEqual(roll.hosts.get("h2")?.engines, ["h2"]);
  });

  it("means the node that is not down where a machine has joined again", () => {
    const old = { ...swarmNode("h2"), id: "old", state: "down" } as const;
    for (const nodes of [
      [old, swarmNode("h2")],
      [swarmNode("h2"), old],
    ]) {
      const roll = new HostRoll([], 8888);
      roll.onNodes(news(nodes), at(0));
      equal(roll.hosts.get("h2")?.node?.id, "id-h2");
    }
  });

  it("leaves nodes without an address or with an unusable name out, and forgets a Swarm that is managed no more", () => {
    const roll = new HostRoll([], 8888);
    const unusable = [
      { ...swarmNode("h2"), address: "" },
      { ...swarmNode("h3"), hostname: "a/b" },
    ];
    roll.onNodes(news([swarmNode("h1"), ...unusable]), at(0));
    deepEqual([...roll.hosts.keys()], ["h1"]);
    roll.onNodes(news([]), at(1));
    deepEqual([...roll.hosts.keys()], []);
  });

  it("takes the newest of several managers' lists, and forgets one that has fallen silent for another's", () => {
    const roll = new HostRoll([], 8888);
    const of = (self: string, nodes: SwarmNodes["nodes"]): SwarmNodes => ({
      ...{ kind: "swarm-nodes", host: self, self },
      nodes,
    });
    const drained = { ...swarmNode("h3"), availability: "drain" } as const;
    roll.onNodes(of("id-h2", [swarmNode("h1"), swarmNode("h2"), drained]), at(0));
    roll.onNodes(of("id-h1", [swarmNode("h1"), swarmNode("h2"), swarmNode("h3")]), at(100));
    equal(roll.hosts.get("h3")?.node?.availability, "active");
    roll.onNodes(of("id-h1", [swarmNode("h1"), swarmNode("h2")]), at(200));
    equal(roll.hosts.size, 3);
    roll.onNodes(of("id-h1", [swarmNode("h1"), swarmNode("h2")]), at(10_200));
    equal(roll.hosts.size, 2);
  });

  it("believes a list for ten seconds", () => {
    const roll = new HostRoll([], 8888);
    roll.onNodes(news([{ ...swarmNode("h1"), state: "down" }]), at(0));
    const spec = roll.hosts.get("h1");
    equal(spec !== undefined && roll.isCalledDown(spec, at(9_999)), true);
    equal(spec !== undefined && roll.isCalledDown(spec, at(10_000)), false);
  });
});

describe("a question by TCP", () => {
  const round = (first: KnockAnswer, second: KnockAnswer): Knocks => {
    const knocks = new Knocks();
    const [a, b] = knocks.begin(new Random(1), at(100));
    knocks.onAnswer(a?.nonce ?? 0, first);
    knocks.onAnswer(b?.nonce ?? 0, second);
    return knocks;
  };

  it("proves silence where no port answered in a round that began within it", () => {
    equal(round("none", "none").isUnanswered(at(100)), true);
    equal(round("none", "none").isUnanswered(at(101)), false);
    equal(new Knocks().isUnanswered(at(0)), false);
  });

  it("proves none where one was answered, or where we could not ask", () => {
    for (const other of ["accepted", "refused", "failed"] as const) {
      equal(round("none", other).isUnanswered(at(0)), false);
      equal(round(other, "none").isUnanswered(at(0)), false);
    }
  });

  it("takes an earlier proof back when it is answered, and does not count late answers", () => {
    const knocks = round("none", "none");
    const random = new Random(2);
    const [late] = knocks.begin(random, at(600));
    const [a] = knocks.begin(random, at(2_200));
    equal(knocks.onAnswer(late?.nonce ?? 0, "accepted"), undefined);
    equal(knocks.isUnanswered(at(0)), true);
    equal(knocks.onAnswer(a?.nonce ?? 0, "refused"), "it refused a TCP connection on 2377");
    equal(knocks.isUnanswered(at(0)), false);
  });

  it("is asked again after its bound, and where no answer of ours ever came, a second later", () => {
    const knocks = round("none", "none");
    equal(knocks.dueAt(500, at(150)), 600);
    knocks.begin(new Random(3), at(600));
    equal(knocks.dueAt(500, at(700)), 2_100);
  });
});

describe("news of a host", () => {
  const dead = eventOf("", "host-dead", "host h1 is dead");

  it("are told by the leader at once, and by nobody else", () => {
    const news = new HostNews();
    deepEqual(news.onVerdict("h1", dead, at(0)), []);
    news.onLeaderHeard(at(1_001));
    deepEqual(news.setLeading(true), []);
    deepEqual(news.onVerdict("h1", dead, at(2_000)), [dead]);
  });

  it("are told by the next leader where none was heard since", () => {
    const news = new HostNews();
    news.onVerdict("h1", dead, at(0));
    // It may have died with the host, a moment after this.
    news.onLeaderHeard(at(50));
    deepEqual(news.setLeading(true), [dead]);
    news.setLeading(false);
    deepEqual(news.setLeading(true), []);
  });
});

describe("workers of a dead host", () => {
  it("have it as their common cause, whatever their engine's last word was", () => {
    const hosts = new Hosts();
    hosts.onSeen("h1", at(0));
    const running = container("web", { state: "running" });
    equal(hosts.causeOf(running, false, at(1)), "");
    hosts.setDead("h1", true);
    equal(hosts.causeOf(running, false, at(1)), "host h1 is dead");
    hosts.onLost("h1", "no answer", at(2));
    equal(hosts.causeOf(running, false, at(3)), "host h1 is dead");
    hosts.setDead("h1", false);
    equal(hosts.causeOf(running, false, at(3)), "engine h1 does not answer");
  });
});
