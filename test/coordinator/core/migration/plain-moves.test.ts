// The moves of containers between plain engines as the leader's machine, in virtual time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FenceView } from "../../../../coordinator/core/hosts/fence.ts";
import type { HostVerdictKind } from "../../../../coordinator/core/hosts/host.ts";
import type { MovesOutput } from "../../../../coordinator/core/migration/moves.ts";
import { PlainMoves } from "../../../../coordinator/core/migration/plain-moves.ts";
import type { ContainerView } from "../../../../coordinator/core/worker.ts";
import { instant } from "../../../../proto/units.ts";
import { settings } from "../recovery-specs.ts";
import { copyOf, hostOf, movable } from "./plain-script.ts";

class Script {
  now = 1_000_000;
  containers: readonly ContainerView[];
  readonly verdicts = new Map<string, HostVerdictKind>([
    ["h1", "healthy"],
    ["h2", "healthy"],
  ]);
  readonly silent = new Set<string>();
  fence: FenceView = { kind: "unsure", text: "nobody knows" };
  readonly moves = new PlainMoves(settings, {
    containers: () => this.containers,
    engines: () => [...this.verdicts.keys()].map((host) => this.#engine(host)),
    hosts: () => [...this.verdicts].map(([id, verdict]) => hostOf(id, verdict)),
    fence: () => this.fence,
  });

  constructor(...containers: readonly ContainerView[]) {
    this.containers = containers;
  }

  lead(): void {
    this.moves.setLeading(true, instant(this.now));
  }

  pass(ms: number): readonly string[] {
    const all: string[] = [];
    for (const end = this.now + ms; this.now < end;) {
      this.now += 50;
      all.push(...told(this.moves.onBeat(instant(this.now))));
    }
    return all;
  }

  /** Its engine falls silent, then a quorum calls the host dead. */
  die(host: string): readonly string[] {
    this.silent.add(host);
    const before = this.pass(2_000);
    this.verdicts.set(host, "dead");
    return [...before, ...this.pass(300)];
  }

  back(host: string): void {
    this.silent.delete(host);
    this.verdicts.set(host, "healthy");
  }

  vouch(): readonly string[] {
    const word = { kind: "vouch", service: "plain:h1/web", by: "ann" } as const;
    return told(this.moves.onCommand(word, instant(this.now)));
  }

  #engine(host: string): { readonly host: string; readonly reachable: boolean } {
    return { host, reachable: !this.silent.has(host) };
  }
}

const told = (outputs: readonly MovesOutput[]): readonly string[] =>
  outputs.map((output) => {
    switch (output.kind) {
      case "decided": {
        const { decision } = output;
        const about = `${decision.worker} ${decision.verdict.kind}`;
        if (decision.kind === "leave") return `${about} left: ${decision.reason}`;
        const { move, notBefore } = decision;
        const wait = notBefore > 0 ? ` not before ${notBefore}` : "";
        if (move?.kind === "carry") return `${about} carry to ${move.to.join()}${wait}`;
        if (move?.kind === "drop") return `${about} drop ${move.container.id} for ${move.stead.id}`;
        return about;
      }
      case "publish":
        return output.event.kind;
      case "forgotten":
        return `forgotten ${output.worker}`;
      case "read-swarm":
        return "look";
    }
  });

const web = movable("h1", "web");
const moved = copyOf(web, "h2");
const ended = { ...web, state: "exited" as const };
const carried = "plain:h1/web stranded carry to h2";
const dropped = "plain:h1/web away drop h1-web for h2-web";
const leftAway = "plain:h1/web away left: ";

describe("a container whose host dies", () => {
  test("is carried to another one, told once, by the leader alone", () => {
    const script = new Script(web);
    assert.deepEqual(script.pass(1_000), []);
    assert.deepEqual(script.die("h1"), []);
    script.lead();
    assert.deepEqual(script.pass(5_000), [carried]);
    assert.equal(script.moves.target("plain:h1/web")?.host, "");
    script.lead();
    assert.deepEqual(script.pass(1_000), [carried]);
  });

  test("is left where its host is back before it runs elsewhere", () => {
    const script = new Script(web);
    script.lead();
    assert.deepEqual(script.die("h1"), [carried]);
    script.back("h1");
    assert.deepEqual(script.pass(1_000), ["forgotten plain:h1/web"]);
    assert.equal(script.moves.spec("plain:h1/web"), undefined);
  });

  test("stays where its label or its data keep it, and a person is told", () => {
    const mounts = [{ type: "volume", source: "store", driver: "local", driverOptions: {} }];
    const script = new Script(movable("h1", "web", {}, { mounts }));
    script.lead();
    assert.match(script.die("h1").join(), /stranded left: its data is in volumes/);
    const [decision] = script.moves.decisions();
    assert.equal(decision?.verdict.kind, "stranded");
  });

  test("is not carried where it did not run; one that ended with its host is", () => {
    const script = new Script(ended);
    script.lead();
    script.pass(1_000);
    assert.deepEqual(script.die("h1"), []);

    const shutDown = new Script(web);
    shutDown.lead();
    shutDown.pass(1_000);
    shutDown.containers = [ended];
    shutDown.pass(10_000);
    assert.deepEqual(shutDown.die("h1"), [carried]);

    const stopped = new Script(web);
    stopped.lead();
    stopped.pass(1_000);
    stopped.containers = [ended];
    stopped.pass(40_000);
    assert.deepEqual(stopped.die("h1"), []);
  });

  test("of two of one host each finds the room that the other leaves", () => {
    const script = new Script(web, movable("h1", "api"));
    script.verdicts.set("h3", "healthy");
    script.lead();
    const all = script.die("h1");
    assert.deepEqual(all, [
      "plain:h1/api stranded carry to h2,h3",
      "plain:h1/web stranded carry to h3,h2",
    ]);
  });
});

describe("one that is fenced", () => {
  const fenced = { ...web, labels: { ...web.labels, "heartmesh.fence": "" } };

  test("waits until its host must have ended it", () => {
    const script = new Script(fenced);
    script.fence = { kind: "waiting", until: instant(1_009_000), text: "grants end" };
    script.lead();
    assert.deepEqual(script.die("h1"), [`${carried} not before 1009000`]);
    script.fence = { kind: "stopped", text: "it has ended" };
    assert.deepEqual(script.pass(300), [carried]);
  });

  test("is a person's where nobody knows, whose word lapses", () => {
    const script = new Script(fenced);
    script.lead();
    const left = `plain:h1/web stranded left: it is fenced, and nobody knows; heartmesh migrate plain:h1/web moves it once a person knows that it has ended there`;
    assert.deepEqual(script.die("h1"), [left]);
    const [decision] = script.moves.decisions();
    assert.ok(decision?.kind === "leave" && decision.awaitsWord === true);
    assert.deepEqual(script.vouch(), ["move-requested"]);
    assert.deepEqual(script.pass(300), [carried]);
    script.now += 600_000;
    assert.deepEqual(script.pass(300), [left]);
  });
});

describe("one that runs elsewhere", () => {
  test("is away while its host is dead, and removed there when that is back", () => {
    const script = new Script(web);
    script.lead();
    script.die("h1");
    script.containers = [web, moved];
    assert.deepEqual(script.pass(5_000), [leftAway]);
    script.back("h1");
    assert.deepEqual(script.pass(5_000), [dropped]);
    script.containers = [moved];
    assert.deepEqual(script.pass(1_000), ["forgotten plain:h1/web"]);
  });

  test("lets nothing be removed while it is not known to run", () => {
    const notRunning: readonly Partial<ContainerView>[] = [
      { state: "exited" },
      { state: "restarting" },
      { state: "paused" },
      { health: "starting" },
      { health: "unhealthy" },
    ];
    for (const some of notRunning) {
      const script = new Script(ended, { ...moved, ...some });
      script.lead();
      assert.deepEqual(script.pass(1_000), [leftAway], JSON.stringify(some));
    }
    const unseen = new Script(web, moved);
    unseen.lead();
    unseen.silent.add("h2");
    assert.deepEqual(unseen.pass(1_000), [leftAway]);
    const unreached = new Script(web, moved);
    unreached.lead();
    unreached.silent.add("h1");
    assert.deepEqual(unreached.pass(1_000), [leftAway]);
  });

  test("that dies with its host gives way to the old one, where that runs again", () => {
    const script = new Script(web, moved);
    script.lead();
    script.verdicts.set("h2", "dead");
    assert.deepEqual(script.pass(1_000), ["plain:h2/web away left: "]);
    script.verdicts.set("h2", "healthy");
    assert.deepEqual(script.pass(1_000), [dropped, "forgotten plain:h2/web"]);
  });

  test("goes on from there when that host dies too, as one that moved before", () => {
    const script = new Script(moved);
    script.lead();
    assert.deepEqual(script.die("h2"), ["plain:h2/web stranded carry to h1"]);
  });

  test("is not told from a copy that a person made with its labels, and neither is removed", () => {
    const twin = copyOf(web, "h1");
    const script = new Script(twin, moved);
    script.lead();
    assert.deepEqual(
      script.pass(1_000).filter((one) => one.includes("drop")),
      [],
    );
  });
});
