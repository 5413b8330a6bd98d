// What each service of a Swarm needs, by one picture: to leave, to be settled, to go back, or nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FenceView } from "../../../../coordinator/core/hosts/fence.ts";
import type { OutHost } from "../../../../coordinator/core/migration/order.ts";
import type { SwarmView } from "../../../../coordinator/core/migration/swarm-view.ts";
import {
  failbackWait,
  wishesOf,
  type Wish,
  type WishAsk,
} from "../../../../coordinator/core/migration/wishes.ts";
import { instant } from "../../../../proto/units.ts";
import { movedAway, out, settled } from "./moved.ts";
import { settings } from "./planned.ts";
import { host, service, task, tasksOn, typed, view } from "./swarm-script.ts";

const now = instant(1_000_000);
const hosts = [typed("h1", "primary"), typed("h2", "secondary"), host("h3")];
const tied = { constraints: ["node.labels.type==primary"], updateConfig: { Parallelism: 1 } };

function wishes(picture: SwarmView, gone: readonly OutHost[], some: Partial<WishAsk> = {}) {
  return wishesOf({
    view: picture,
    out: gone,
    config: { ...settings, failback: "manual" },
    fence: () => ({ kind: "unsure", text: "nobody knows" }),
    vouched: new Set(),
    called: new Set(),
    back: () => ({ steadyFrom: instant(0), trustedFrom: instant(0) }),
    now,
    ...some,
  });
}

function wishOf(picture: SwarmView, gone: readonly OutHost[], some: Partial<WishAsk> = {}): Wish {
  const [first] = wishes(picture, gone, some);
  assert.ok(first !== undefined);
  return first;
}

const briefly = (wish: Wish): string =>
  wish.kind === "act"
    ? `${wish.verdict} → ${wish.move.kind}: ${wish.reason}`
    : `${wish.verdict} stays: ${wish.reason}`;

describe("a service on a host that is out", () => {
  const web = service("web", tied);

  test("leaves it, for one cause that all of that host share", () => {
    const wish = wishOf(view(hosts, [web], tasksOn(web, "h1")), [out("h1")]);
    assert.equal(briefly(wish), "stranded → away: 1 of its replicas are on h1, which is dead");
    assert.ok(wish.kind === "act" && wish.notBefore === 0);
    assert.equal(wish.commonCause, "host h1 is out");
    assert.deepEqual(wish.move.out, [out("h1")]);
  });

  test("stays where no host has a place for it, also where that is dead and Swarm has not noticed", () => {
    const both = [out("h1"), out("h2")];
    const wish = wishOf(view(hosts, [web], tasksOn(web, "h1")), both);
    assert.equal(briefly(wish), "stranded stays: no other host has a place for it");
  });

  test("that lies on two leaves both in one update", () => {
    const free = service("free", { replicas: 3 });
    const all = [...hosts, host("h4")];
    const picture = view(all, [free], tasksOn(free, "h1", "h2", "h3"));
    const moved = movedAway(picture, "free", out("h1"), out("h2"));
    assert.deepEqual(moved.constraints.toSorted(), ["node.id!=id-h1", "node.id!=id-h2"]);
    const wish = wishOf(picture, [out("h1"), out("h2")]);
    assert.match(
      briefly(wish),
      /^stranded → away: 2 of its replicas are on h1.* and h2, which is dead$/,
    );
  });

  test("stays, for a person to decide, where healthy replicas would have to move with it", () => {
    const pair = service("pair", { ...tied, replicas: 2, maxReplicasPerHost: 1 });
    const two = [
      typed("h1", "primary"),
      typed("h4", "primary"),
      typed("h2", "secondary"),
      typed("h5", "secondary"),
    ];
    const picture = view(two, [pair], tasksOn(pair, "h1", "h4"));
    const wish = wishOf(picture, [out("h1")]);
    assert.equal(
      briefly(wish),
      "stranded stays: its replicas on h4 are healthy, and would have to move too (heartmesh plan h1)",
    );
    assert.ok(wish.kind === "leave" && wish.isTheirs === true);
    assert.equal(wish.awaitsWord, undefined);
    assert.equal(wishOf(picture, [out("h1"), out("h4")]).kind, "act");
  });

  test("that is global or a job lacks nothing", () => {
    const daemon = service("daemon", { mode: "global", replicas: 0 });
    const tasks = ["h1", "h2"].map((name) => task(daemon, 0, name));
    const wish = wishOf(view(hosts, [daemon], tasks), [out("h1")]);
    assert.equal(briefly(wish), "healthy stays: ");
  });

  test("that is drained is Swarm's to move where it is tied to no host", () => {
    const free = service("free");
    const drained = [host("h1", { availability: "drain" }), host("h2")];
    const wish = wishOf(view(drained, [free], tasksOn(free, "h1")), [out("h1", "drain")]);
    assert.equal(briefly(wish), "stranded stays: Swarm itself moves it off a host that is drained");
    const tiedOne = wishOf(view(hosts, [web], tasksOn(web, "h1")), [out("h1", "drain")]);
    assert.equal(tiedOne.kind, "act");
  });
});

describe("a fenced service", () => {
  const web = service("web", { ...tied, containerLabels: { "heartmesh.fence": "true" } });
  const picture = view(hosts, [web], tasksOn(web, "h1"));
  const under = (fence: FenceView, some: Partial<WishAsk> = {}): Wish =>
    wishOf(picture, [out("h1")], { fence: () => fence, ...some });

  test("leaves a dead host only when what ran there has ended", () => {
    const stopped = under({ kind: "stopped", text: "its agent has ended it" });
    assert.ok(stopped.kind === "act" && stopped.notBefore === 0);
    const until = instant(1_005_000);
    const waiting = under({ kind: "waiting", until, text: "its agent ends it" });
    assert.ok(waiting.kind === "act");
    assert.deepEqual(
      [waiting.notBefore, waiting.waitReason],
      [until, "it is fenced: its agent ends it"],
    );
  });

  test("leaves several dead hosts only when it has ended on the last of them", () => {
    const free = service("web", { replicas: 3, containerLabels: { "heartmesh.fence": "true" } });
    const spread = view(hosts, [free], tasksOn(free, "h1", "h2", "h3"));
    const ends = [instant(1_009_000), instant(1_005_000)] as const;
    for (const [first, second] of [ends, ends.toReversed()] as const) {
      const fence = ({ name }: OutHost): FenceView => {
        const until = name === "h1" ? first : second;
        return { kind: "waiting", until, text: `${name} ends it` };
      };
      const wish = wishOf(spread, [out("h1"), out("h2")], { fence });
      assert.ok(wish.kind === "act");
      assert.equal(wish.notBefore, ends[0]);
    }
    const unsureOfOne = ({ name }: OutHost): FenceView =>
      name === "h1"
        ? { kind: "waiting", until: ends[0], text: "h1 ends it" }
        : { kind: "unsure", text: "nobody knows of h2" };
    const wish = wishOf(spread, [out("h1"), out("h2")], { fence: unsureOfOne });
    assert.match(briefly(wish), /^stranded stays: it is fenced, and nobody knows of h2; /);
  });

  test("stays where nobody knows, until a person says so", () => {
    const unsure = { kind: "unsure", text: "nobody knows" } as const;
    const left = under(unsure);
    assert.match(
      briefly(left),
      /^stranded stays: it is fenced, and nobody knows; heartmesh migrate web /,
    );
    assert.ok(left.kind === "leave" && left.awaitsWord === true);
    assert.equal(under(unsure, { vouched: new Set(["web"]) }).kind, "act");
  });

  test("whose containers have no such label is not known to any agent, and a person's to move", () => {
    const hidden = service("web", { ...tied, labels: { "heartmesh.fence": "true" } });
    const stopped = () => ({ kind: "stopped", text: "its agent has ended all" }) as const;
    const view1 = view(hosts, [hidden], tasksOn(hidden, "h1"));
    const wish = wishOf(view1, [out("h1")], { fence: stopped });
    assert.match(
      briefly(wish),
      /^stranded stays: it is fenced by a label of the service, which no agent/,
    );
    assert.ok(wish.kind === "leave" && wish.awaitsWord === true);
    const spoken = wishOf(view1, [out("h1")], { fence: stopped, vouched: new Set(["web"]) });
    assert.equal(spoken.kind, "act");
  });

  test("leaves a drained host at once, ended first and started then", () => {
    const wish = wishOf(picture, [out("h1", "drain")]);
    assert.ok(wish.kind === "act" && wish.notBefore === 0);
    assert.equal(
      movedAway(picture, "web", out("h1", "drain")).updateConfig?.["Order"],
      "stop-first",
    );
  });
});

describe("a service that was moved", () => {
  const web = service("web", tied);
  const during = movedAway(view(hosts, [web], tasksOn(web, "h1")), "web", out("h1"));
  const over = settled(during);

  test("has its own update settings restored once all of it runs elsewhere and nothing is wanted there", () => {
    const old = task(during, 1, "h1");
    const half = view(hosts, [during], [old, ...tasksOn(during, "h2")]);
    assert.equal(briefly(wishOf(half, [out("h1")])), "away stays: ");
    const whole = view(
      hosts,
      [during],
      [{ ...old, desired: "shutdown" }, ...tasksOn(during, "h2")],
    );
    assert.match(briefly(wishOf(whole, [out("h1")])), /^away → settle: /);
    assert.equal(
      briefly(wishOf(view(hosts, [over], tasksOn(over, "h2")), [out("h1")])),
      "away stays: ",
    );
  });

  const home = view(hosts, [over], tasksOn(over, "h2"));

  test("waits for a person where it would have to move", () => {
    for (const failback of ["manual", "never"] as const) {
      const wish = wishOf(home, [], { config: { ...settings, failback } });
      const call = `h1 is back, and FAILBACK is ${failback}: heartmesh failback h1 brings it back`;
      assert.equal(briefly(wish), `away stays: ${call}`);
      const called = wishOf(home, [], {
        config: { ...settings, failback },
        called: new Set(["web"]),
      });
      assert.equal(briefly(called), "away → back: a person wants it back on h1");
    }
  });

  test("goes back by itself with FAILBACK=auto, when its host has been well for long enough", () => {
    const trustedFrom = instant(now + 5_000);
    const wish = wishOf(home, [], {
      config: { ...settings, failback: "auto" },
      back: () => ({ steadyFrom: instant(0), trustedFrom }),
    });
    assert.ok(wish.kind === "act" && wish.move.kind === "back");
    assert.equal(wish.notBefore, trustedFrom);
  });

  test("stays away while its host is out, or not usable, whoever calls", () => {
    const called = new Set(["web"]);
    const down = [typed("h1", "primary", { state: "down" }), hosts[1]!, hosts[2]!];
    assert.equal(
      briefly(wishOf(view(down, [over], tasksOn(over, "h2")), [], { called })),
      "away stays: ",
    );
    assert.equal(briefly(wishOf(home, [out("h1")], { called })), "away stays: ");
    assert.equal(briefly(wishOf(home, [], { called, back: () => undefined })), "away stays: ");
  });

  test("gets its own placement back without a person where nothing has to move for it", () => {
    const free = service("free", { replicas: 2 });
    const before = view(hosts, [free], tasksOn(free, "h1", "h2"));
    const moved = settled(movedAway(before, "free", out("h1")));
    const picture = view(hosts, [moved], tasksOn(moved, "h3", "h2"));
    const back = (steadyFrom: number) => () => ({
      steadyFrom: instant(steadyFrom),
      trustedFrom: instant(Infinity),
    });
    assert.equal(briefly(wishOf(picture, [], { back: back(now + 1) })), "away stays: ");
    assert.match(
      briefly(wishOf(picture, [], { back: back(now) })),
      /^away → back: h1 is back; its own/,
    );
  });

  test("and that a person has placed anew is theirs", () => {
    const theirs = { ...over, constraints: ["node.hostname==h3"] };
    const wish = wishOf(view(hosts, [theirs], tasksOn(theirs, "h3")), []);
    assert.notEqual(wish.kind === "act" && wish.move.kind === "back" ? "moves" : "", "moves");
  });
});

test("a host that dies again and again is trusted later each time, up to 64 times as late", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 20].map((deaths) => failbackWait(300, deaths)),
    [300, 300, 600, 1_200, 19_200],
  );
});
