// Coordinators and the agent of a host together: when one of them says that what is fenced has been stopped, nothing of it runs any more, whatever happened.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../../../proto/random.ts";
import { FenceLab } from "./fence-lab.ts";
import { inFull } from "../../../inner-loop.ts";

const kindsOf = (lab: FenceLab): readonly string[] => lab.nodes.map(({ id }) => lab.view(id).kind);
const pass = (lab: FenceLab, ms: number): void => {
  for (let left = ms; left > 0; left -= 20) {
    lab.pass(Math.min(20, left));
    lab.assertNoOverlap();
  }
};
const settled = (options: ConstructorParameters<typeof FenceLab>[0] = {}): FenceLab => {
  const lab = new FenceLab(options).pass(6_000);
  equal(lab.state, "held");
  return lab;
};

describe("a host that is cut off", () => {
  for (const way of ["both", "in", "out"] as const) {
    it(`stops what is fenced within FENCE_AFTER and the stop timeout, and then every coordinator says so: ${way}`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const lab = settled({ seed, drifts: true });
        pass(lab, seed * 137);
        const cutAt = lab.now;
        lab.cut(way);
        while (lab.isRunning) pass(lab, 20);
        ok(lab.now - cutAt <= 5_000 + 1_000 + 400, `${lab.now - cutAt} ms`);
        if (way === "in") continue; // It is heard, so nobody calls it dead.
        while (!kindsOf(lab).every((kind) => kind === "stopped")) {
          ok(lab.now - cutAt < 8_500, `${lab.now - cutAt} ms: ${JSON.stringify(lab.view("c1"))}`);
          pass(lab, 20);
        }
      }
    });
  }

  it("is granted again when it is back, and what was stopped is not said to be stopped any more", () => {
    const lab = settled();
    lab.cut();
    pass(lab, 10_000);
    deepEqual(kindsOf(lab), ["stopped", "stopped", "stopped"]);
    lab.heal();
    pass(lab, 3_000);
    equal(lab.state, "held");
    deepEqual(kindsOf(lab), ["waiting", "waiting", "waiting"]);
    match(lab.view("c1").text, /is not dead/);
  });

  it("for less than TIMEOUT × MAX_FAILED_ATTEMPTS keeps running what is fenced", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const lab = settled({ seed });
      for (let i = 0; i < 10; i++) {
        pass(lab, 900 + seed * 31 + i * 97);
        lab.cut();
        pass(lab, 1_480);
        lab.heal();
        pass(lab, 2_500);
      }
      equal(lab.stops, 0);
    }
  });

  it("from one coordinator alone keeps running what is fenced", () => {
    const lab = settled();
    lab.cut("both", "c2");
    pass(lab, 60_000);
    equal(lab.stops, 0);
  });
});

describe("nobody is sure", () => {
  it("of a host that a coordinator has not heard since its own start, nor without a quorum of those who have", () => {
    const lab = settled();
    lab.cut();
    pass(lab, 200);
    lab.restart("c1", 300);
    lab.restart("c2", 300);
    pass(lab, 30_000);
    deepEqual(kindsOf(lab), ["unsure", "unsure", "unsure"]);
    match(lab.view("c1").text, /h1 has not been heard since c1 was started/);
    match(lab.view("c3").text, /c1, c2 has not heard it since its own start/);
  });

  it("but one restarted coordinator of three does not matter to the others", () => {
    const lab = settled();
    lab.cut();
    pass(lab, 200);
    lab.restart("c2", 300);
    pass(lab, 10_000);
    deepEqual(kindsOf(lab), ["stopped", "unsure", "stopped"]);
  });
});

describe("a trio that stops on purpose", () => {
  const stopped = (goodbye: boolean): FenceLab => {
    const lab = settled({ goodbye });
    for (const id of ["c1", "c2", "c3"]) lab.restart(id, 60_000, "stop");
    pass(lab, 50_000);
    return lab;
  };

  it("says goodbye, and what is fenced runs on until it is back, and then as ever", () => {
    const lab = stopped(true);
    equal(lab.state, "kept");
    pass(lab, 15_000);
    equal(lab.state, "held");
    equal(lab.stops, 0);
    lab.cut();
    pass(lab, 10_000);
    deepEqual([lab.stops, ...kindsOf(lab)], [1, "stopped", "stopped", "stopped"]);
  });

  it("asks nothing behind its goodbye, which would take it back", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const lab = settled({ seed });
      pass(lab, seed * 17);
      for (const id of ["c1", "c2"]) lab.restart(id, 10_000, "stop");
      pass(lab, 7_000);
      equal(lab.state, "kept");
    }
  });

  it("says none with FENCE_ON_TRIO_LOSS=stop, and what is fenced is stopped", () => {
    equal(stopped(false).state, "lapsed");
  });

  it("and a host that is cut off meanwhile: nobody says that anything was stopped there", () => {
    const lab = settled();
    for (const id of ["c1", "c2"]) lab.restart(id, 2_000, "stop");
    pass(lab, 1_000);
    equal(lab.state, "kept");
    lab.cut();
    pass(lab, 60_000);
    equal(lab.isRunning, true);
    deepEqual(kindsOf(lab), ["unsure", "unsure", "unsure"]);
  });

  it("one after the other changes nothing", () => {
    const lab = settled();
    for (const id of ["c1", "c2", "c3"]) {
      lab.restart(id, 2_000, "stop");
      pass(lab, 4_000);
    }
    equal(lab.stops, 0);
    equal(lab.state, "held");
  });
});

describe("an agent that is restarted", () => {
  it("is granted again before what it remembers has run out", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const lab = settled({ seed });
      pass(lab, seed * 111);
      lab.restartAgent(2_800);
      pass(lab, 10_000);
      equal(lab.stops, 0);
    }
  });

  it("while its host is cut off gains no time by it", () => {
    const lab = settled();
    lab.cut();
    pass(lab, 4_000);
    lab.restartAgent(300);
    pass(lab, 10_000);
    deepEqual([lab.isRunning, ...kindsOf(lab)], [false, "stopped", "stopped", "stopped"]);
  });
});

describe("loss", () => {
  const hours = inFull(4);
  it(`of 20 % of all datagrams, each way, lets no grants lapse in virtual hours: ${hours}`, () => {
    for (let seed = 1; seed <= hours; seed++) {
      const lab = settled({ seed, loss: 0.2, drifts: true });
      lab.pass(3_600_000);
      equal(lab.stops, 0);
      equal(lab.state, "held");
    }
  });
});

describe("whatever happens", () => {
  const faults = (lab: FenceLab, random: Random): void => {
    const one = `c${1 + random.below(3)}`;
    const way = (["both", "both", "in", "out"] as const)[random.below(4)] ?? "both";
    const fault = random.below(12);
    if (fault < 3) lab.cut(way);
    else if (fault < 5) lab.cut(way, one);
    else if (fault < 8) lab.heal();
    else if (fault < 10) lab.restart(one, random.between(100, 6_000), "crash");
    else if (fault < 11) lab.restart(one, random.between(100, 6_000), "stop");
    else lab.restartAgent(random.between(50, 500), random.below(4) === 0 ? "lost" : "kept");
  };

  it("nothing runs where a coordinator says that it was stopped", () => {
    let [stops, said] = [0, 0];
    const seeds = inFull(30);
    for (let seed = 1; seed <= seeds; seed++) {
      const random = new Random(seed);
      const lab = new FenceLab({
        seed,
        drifts: true,
        disorder: true,
        loss: seed % 3 === 0 ? 0.2 : 0,
      });
      lab.pass(6_000);
      for (let i = 0; i < 25; i++) {
        faults(lab, random);
        const quiet =
          random.below(4) === 0 ? random.between(6_000, 14_000) : random.between(50, 3_000);
        pass(lab, quiet);
        if (kindsOf(lab).includes("stopped")) said++;
      }
      stops += lab.stops;
    }
    // Else it would have shown nothing.
    ok(stops >= seeds, `${stops} stops`);
    ok(said >= seeds, `said ${said} times`);
  });
});
