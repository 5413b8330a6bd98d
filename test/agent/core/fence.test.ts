// The fence of a host: what a grant is worth, when it lapses, and what goodbyes and restarts change.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Fence, type FenceMemory } from "../../../agent/core/fence.ts";
import type { Grant } from "../../../proto/messages.ts";
import { instant, term } from "../../../proto/units.ts";

const length = 5_000;
/** Less by what a clock may run slow. */
const effective = length * 0.99;

let lives = 0;

class Bench {
  fence: Fence;
  now = 1_000;
  readonly out: string[] = [];

  constructor(memory: FenceMemory | "none" | "lost" = "none") {
    this.fence = new Fence(memory, ++lives * 1_000);
    this.#step({ kind: "started" });
  }

  pass(ms: number): this {
    this.now += ms;
    this.#step({ kind: "timer-fired" });
    return this;
  }

  /** @returns what the answer is called */
  ping(
    coordinator: string,
    grant?: Partial<Grant> & { readonly answer: number },
    within = 1_000,
  ): number {
    const set = { term: term(0), version: 0 };
    const whole = grant && { for: length, of: 3, set, goodbye: false, ...grant };
    this.#step({ kind: "ping-answered", coordinator, grant: whole, within });
    return this.fence.answer;
  }

  /** Asks and grants for that answer in the same moment. */
  grant(...coordinators: readonly string[]): this {
    for (const id of coordinators) this.ping(id, { answer: this.ping(id) });
    return this;
  }

  goodbye(...coordinators: readonly string[]): this {
    for (const id of coordinators) this.ping(id, { answer: this.ping(id), goodbye: true });
    return this;
  }

  get state(): string {
    return this.fence.state;
  }

  #step(input: Parameters<Fence["step"]>[0]): void {
    for (const output of this.fence.step(input, instant(this.now))) {
      this.out.push(output.kind === "fence-changed" ? output.state : output.kind);
    }
  }
}

describe("grants", () => {
  it("stop nothing while there never was a quorum of them", () => {
    const bench = new Bench().grant("c1").pass(60_000).grant("c2");
    equal(bench.pass(60_000).state, "never");
    deepEqual(bench.out, []);
  });

  it("of a quorum hold until the first of it lapses, and then all that is fenced is stopped", () => {
    const bench = new Bench().grant("c1").pass(2_000).grant("c2");
    equal(bench.state, "held");
    equal(bench.pass(effective - 2_001).state, "held");
    bench.pass(1);
    deepEqual(bench.out, ["held", "lapsed", "stop-fenced"]);
  });

  it("count from the answer that they name, however late or often they come", () => {
    const bench = new Bench().grant("c2");
    const answer = bench.ping("c1");
    bench.pass(4_000).ping("c1", { answer });
    equal(bench.state, "held");
    for (let i = 0; i < 5; i++) bench.ping("c1", { answer });
    bench.grant("c3");
    bench.pass(effective - 4_001);
    equal(bench.state, "held");
    equal(bench.pass(1).state, "lapsed");
    bench.ping("c1", { answer });
    equal(bench.state, "lapsed");
  });

  it("that name no answer of this agent to this coordinator are worth nothing", () => {
    const bench = new Bench().grant("c2");
    const toAnother = bench.ping("c3");
    bench.ping("c1", { answer: 12_345 });
    bench.ping("c1", { answer: toAnother });
    equal(bench.state, "never");
  });

  it("that are sent again name no answer, also where what they named is asked again", () => {
    const bench = new Bench();
    const answers = ["c1", "c2"].map((id) => [id, bench.ping(id)] as const);
    bench.grant("c1", "c2").pass(effective);
    equal(bench.state, "lapsed");
    const next = new Bench(bench.fence.memory).pass(10_000);
    for (const one of [bench, next]) {
      for (const [id] of answers) one.ping(id);
      for (const [id, answer] of answers) one.ping(id, { answer });
      equal(one.state, "lapsed");
    }
  });

  it("of an answer that a newer grant overtook change nothing", () => {
    const bench = new Bench();
    const [old, young] = [bench.ping("c1"), bench.pass(500).ping("c1")];
    bench.ping("c1", { answer: young, for: 1_000 });
    bench.ping("c1", { answer: old });
    bench.grant("c2");
    equal(bench.pass(999).state, "lapsed");
  });

  it("of coordinators with different sets do not count together", () => {
    const bench = new Bench();
    const other = { term: term(3), version: 1 };
    bench.ping("c1", { answer: bench.ping("c1"), set: other });
    bench.grant("c2");
    equal(bench.state, "never");
    bench.ping("c2", { answer: bench.ping("c2"), set: other });
    equal(bench.state, "held");
  });

  it("hold on through a change of the set", () => {
    const bench = new Bench().grant("c1", "c2", "c3").pass(1_000);
    const set = { term: term(3), version: 1 };
    for (const id of ["c1", "c2"]) bench.ping(id, { answer: bench.ping(id), set, of: 4 });
    equal(bench.pass(effective - 1_001).state, "held");
    equal(bench.pass(1).state, "lapsed");
  });

  it("are needed of as many as the set has", () => {
    const bench = new Bench();
    for (const id of ["c1", "c2"]) bench.ping(id, { answer: bench.ping(id), of: 5 });
    equal(bench.state, "never");
    bench.ping("c3", { answer: bench.ping("c3"), of: 5 });
    equal(bench.state, "held");
  });

  it("end a lapse only where they name answers of which the grant still lasts", () => {
    const bench = new Bench();
    const asked = ["c1", "c2"].map((id) => [id, bench.ping(id)] as const);
    bench.grant("c1", "c2").pass(effective);
    equal(bench.state, "lapsed");
    for (const [id, answer] of asked) bench.ping(id, { answer });
    equal(bench.state, "lapsed");
    bench.grant("c1", "c2");
    deepEqual(bench.out.slice(-1), ["held"]);
  });
});

describe("an agent that slept", () => {
  it("stops what is fenced before anything that it is told now counts", () => {
    const bench = new Bench().grant("c1", "c2");
    bench.now += effective + 1;
    bench.grant("c1", "c2");
    deepEqual(bench.out, ["held", "lapsed", "stop-fenced", "held"]);
  });
});

describe("an agent that slept and wakes to goodbyes", () => {
  it("has lapsed, and keeps nothing", () => {
    const bench = new Bench().grant("c1", "c2");
    const asked = ["c1", "c2"].map((id) => [id, bench.ping(id)] as const);
    bench.now += effective + 1;
    for (const [id, answer] of asked) bench.ping(id, { answer, goodbye: true });
    deepEqual(bench.out, ["held", "lapsed", "stop-fenced"]);
  });

  it("also where the goodbye of one is enough", () => {
    const bench = new Bench();
    bench.ping("c1", { answer: bench.ping("c1"), of: 1 });
    const answer = bench.ping("c1");
    bench.now += effective + 1;
    bench.ping("c1", { answer, of: 1, goodbye: true });
    deepEqual(bench.out, ["held", "lapsed", "stop-fenced"]);
  });
});

describe("an agent that was restarted", () => {
  const held = new Bench().grant("c1", "c2").fence.memory;

  it("holds no longer than it would have", () => {
    const bench = new Bench(held);
    equal(bench.pass(effective - 1).state, "held");
    equal(bench.pass(1).state, "lapsed");
  });

  it("is granted anew by answers of this life alone", () => {
    const bench = new Bench(held).grant("c1", "c2").pass(effective - 1);
    equal(bench.grant("c1", "c2").pass(effective - 1).state, "held");
  });

  it("stops at once what is fenced where its grants lapsed meanwhile, or where the machine has been booted", () => {
    const late = new Bench({ ...held, until: 500 });
    deepEqual(late.out, ["lapsed", "stop-fenced"]);
    deepEqual(new Bench("lost").out, ["stop-fenced"]);
  });
});

describe("goodbyes", () => {
  it("of so many that no quorum is left keep what is fenced running", () => {
    const bench = new Bench().grant("c1", "c2", "c3").goodbye("c1").goodbye("c2");
    equal(bench.state, "kept");
    equal(bench.pass(3_600_000).state, "kept");
  });

  it("of fewer keep nothing", () => {
    const bench = new Bench().grant("c1", "c2", "c3").goodbye("c1").pass(effective);
    equal(bench.state, "lapsed");
  });

  it("that come after the lapse keep nothing", () => {
    const bench = new Bench().grant("c1", "c2").pass(effective).goodbye("c1", "c2");
    equal(bench.state, "lapsed");
  });

  it("that do not name the last answer are of a former life, and keep nothing", () => {
    const bench = new Bench().grant("c1", "c2");
    const answer = bench.ping("c1");
    bench.ping("c1");
    bench.ping("c1", { answer, goodbye: true });
    bench.goodbye("c2");
    equal(bench.state, "held");
  });

  it("end where coordinators are back: a quorum has to grant within the time of a grant", () => {
    const bench = new Bench().grant("c1", "c2", "c3").goodbye("c1", "c2", "c3").pass(60_000);
    bench.ping("c1");
    equal(bench.state, "kept");
    bench.ping("c2");
    equal(bench.state, "held");
    equal(bench.pass(effective - 1).state, "held");
    deepEqual(bench.pass(1).out.slice(-2), ["lapsed", "stop-fenced"]);
  });

  it("are remembered across a restart of the agent", () => {
    const { memory } = new Bench().grant("c1", "c2", "c3").goodbye("c1", "c2").fence;
    const bench = new Bench(memory).pass(60_000);
    equal(bench.state, "kept");
    bench.ping("c2");
    equal(bench.pass(effective).state, "lapsed");
  });
});

describe("the stop timeout", () => {
  it("is what every coordinator has been told since the answer that its grant names", () => {
    const bench = new Bench();
    const first = bench.ping("c1", undefined, 1_000);
    const second = bench.ping("c1", { answer: first }, 9_000);
    equal(bench.fence.mayTake(9_000), 1_000);
    const third = bench.ping("c1", { answer: second }, 9_000);
    equal(bench.fence.mayTake(9_000), 9_000);
    bench.ping("c2", undefined, 4_000);
    equal(bench.fence.mayTake(9_000), 4_000);
    equal(bench.fence.mayTake(500), 500);
    for (let i = 0; i < 100; i++) bench.ping("c1", undefined, 20_000);
    bench.ping("c2", { answer: bench.ping("c2", undefined, 20_000) }, 20_000);
    equal(bench.fence.mayTake(20_000), 9_000);
    // Overtaken by so many that it is forgotten.
    bench.ping("c1", { answer: third }, 20_000);
    equal(bench.fence.mayTake(20_000), 9_000);
  });
});
