// The moves of services as the leader's machine: when it looks at the Swarm, what it decides, and what it says once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HostNow, HostVerdictKind } from "../../../../coordinator/core/hosts/host.ts";
import { Moves, type MovesOutput } from "../../../../coordinator/core/migration/moves.ts";
import type { SwarmView } from "../../../../coordinator/core/migration/swarm-view.ts";
import { instant } from "../../../../proto/units.ts";
import { settings as ofWorkers } from "../recovery-specs.ts";
import { movedAway, out, settled } from "./moved.ts";
import { settings } from "./planned.ts";
import { service, tasksOn, typed, view } from "./swarm-script.ts";

const web = service("web", { constraints: ["node.labels.type==primary"] });
const hosts = [typed("h1", "primary"), typed("h2", "secondary")];
const sound = view(hosts, [web], tasksOn(web, "h1"));

class Script {
  now = 1_000_000;
  readonly verdicts = new Map<string, HostVerdictKind>([
    ["h1", "healthy"],
    ["h2", "healthy"],
  ]);
  readonly moves = new Moves(
    { ...settings, failback: "auto", failbackAfter: 1_000, settings: ofWorkers },
    {
      hosts: () => [...this.verdicts].map(([name, verdict]) => hostNow(name, verdict)),
      fence: () => ({ kind: "unsure", text: "nobody knows" }),
    },
  );

  lead(): void {
    this.moves.setLeading(true, instant(this.now));
  }

  pass(ms: number): readonly MovesOutput[] {
    const all: MovesOutput[] = [];
    for (const end = this.now + ms; this.now < end;) {
      this.now += 50;
      all.push(...this.moves.onBeat(instant(this.now)));
    }
    return all;
  }

  see(picture: SwarmView): readonly string[] {
    const now = instant(this.now);
    return told(this.moves.onPicture({ kind: "swarm", view: picture, by: "h2" }, now));
  }

  mute(): readonly string[] {
    const now = instant(this.now);
    return told(this.moves.onPicture({ kind: "no-quorum", text: "h2 is alone" }, now));
  }
}

const hostNow = (name: string, verdict: HostVerdictKind): HostNow => ({
  id: name,
  verdict,
  node: {
    id: `id-${name}`,
    hostname: name,
    address: "",
    role: "worker",
    state: "ready",
    availability: "active",
  },
});

const told = (outputs: readonly MovesOutput[]): readonly string[] =>
  outputs.map((output) => {
    switch (output.kind) {
      case "decided": {
        const { decision } = output;
        const way = decision.kind === "act" ? decision.move?.kind : "leave";
        return `${decision.worker} ${decision.verdict.kind} ${way ?? ""}`;
      }
      case "publish":
        return `${output.event.kind}${output.event.notify ? " notified" : ""}`;
      case "forgotten":
        return `forgotten ${output.worker}`;
      case "read-swarm":
        return "look";
    }
  });

const looks = (outputs: readonly MovesOutput[]): number =>
  told(outputs).filter((one) => one === "look").length;

describe("the Swarm is looked at", () => {
  test("by the leader alone, every ten seconds while nothing is amiss", () => {
    const script = new Script();
    assert.equal(looks(script.pass(30_000)), 0);
    script.lead();
    assert.equal(looks(script.pass(1_000)), 1);
    script.see(sound);
    assert.equal(looks(script.pass(9_000)), 0);
    assert.equal(looks(script.pass(2_000)), 1);
  });

  test("at once when a host falls out or comes back, then every second for a while", () => {
    const script = new Script();
    script.lead();
    script.pass(50);
    script.see(sound);
    script.verdicts.set("h1", "dead");
    assert.equal(looks(script.pass(50)), 1);
    script.see(sound);
    let count = 0;
    for (let second = 0; second < 10; second++) {
      count += looks(script.pass(1_000));
      script.see(sound);
    }
    assert.ok(count >= 9, `${count} looks`);
    script.verdicts.set("h1", "healthy");
    assert.equal(looks(script.pass(50)), 1);
  });

  test("one look at a time; one that is never answered is made again", () => {
    const script = new Script();
    script.lead();
    script.verdicts.set("h1", "dead");
    assert.equal(looks(script.pass(11_000)), 1);
    assert.equal(looks(script.pass(2_000)), 1);
  });

  test("never where no host is in a Swarm", () => {
    const script = new Script();
    script.verdicts.clear();
    script.lead();
    assert.equal(looks(script.pass(30_000)), 0);
  });
});

describe("a service", () => {
  test("is decided on when its host is dead, once while nothing changes, and well when it runs elsewhere", () => {
    const script = new Script();
    script.lead();
    script.verdicts.set("h1", "dead");
    script.pass(50);
    assert.deepEqual(script.see(sound), ["swarm:web stranded away"]);
    script.pass(1_000);
    assert.deepEqual(script.see(sound), []);
    const during = movedAway(sound, "web", out("h1"));
    const moved = view(hosts, [during], tasksOn(during, "h2"));
    assert.deepEqual(script.see(moved), ["swarm:web away settle"]);
    const over = settled(during);
    const done = view(hosts, [over], tasksOn(over, "h2"));
    assert.deepEqual(script.see(done), ["swarm:web away leave"]);
    script.verdicts.set("h1", "healthy");
    script.pass(50);
    assert.deepEqual(script.see(done), ["swarm:web away back"]);
    assert.deepEqual(script.see(sound), ["swarm:web healthy leave"]);
  });

  test("that never needs anything is not kept, one that is removed is forgotten", () => {
    const script = new Script();
    script.lead();
    script.pass(50);
    assert.deepEqual(script.see(sound), []);
    assert.equal(script.moves.spec("swarm:web"), undefined);
    script.verdicts.set("h1", "dead");
    script.pass(50);
    script.see(sound);
    assert.equal(script.moves.target("swarm:web")?.containerId, "id-web");
    assert.deepEqual(script.see(view(hosts, [], [])), ["forgotten swarm:web"]);
    assert.equal(script.moves.target("swarm:web"), undefined);
  });

  test("is decided on again by whoever leads next", () => {
    const script = new Script();
    script.lead();
    script.verdicts.set("h1", "dead");
    script.pass(50);
    script.see(sound);
    script.moves.setLeading(false, instant(script.now));
    assert.deepEqual(script.see(sound), []);
    script.lead();
    script.pass(50);
    assert.deepEqual(script.see(sound), ["swarm:web stranded away"]);
  });

  test("that is fenced moves on a person's word, which lapses", () => {
    const fenced = { ...web, containerLabels: { "heartmesh.fence": "" } };
    const picture = view(hosts, [fenced], tasksOn(fenced, "h1"));
    const script = new Script();
    script.lead();
    script.verdicts.set("h1", "dead");
    script.pass(50);
    assert.deepEqual(script.see(picture), ["swarm:web stranded leave"]);
    const word = { kind: "vouch", service: "web", by: "ann" } as const;
    assert.deepEqual(told(script.moves.onCommand(word, instant(script.now))), ["move-requested"]);
    assert.equal(looks(script.pass(50)), 1);
    assert.deepEqual(script.see(picture), ["swarm:web stranded away"]);
    script.now += 600_000;
    assert.deepEqual(script.see(picture), ["swarm:web stranded leave"]);
  });
});

test("that no manager tells is said once, and once when one tells again", () => {
  const script = new Script();
  script.lead();
  script.pass(50);
  assert.deepEqual(script.mute(), ["swarm-lost notified"]);
  script.pass(1_000);
  assert.deepEqual(script.mute(), []);
  assert.deepEqual(script.see(sound), ["swarm-back notified"]);
});
