// What an agent says, to whom and how often, in virtual time and through the whole machine.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, type AgentInput, type AgentOutput } from "../../../agent/core/agent.ts";
import type { Message } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { incarnation, instant } from "../../../proto/units.ts";

const c1 = { address: "10.0.0.1", port: 7700 };
const timing = { interval: 1000, timeout: 500, threshold: 2, startPeriod: 3000 };

interface Said {
  readonly at: number;
  readonly to: string;
  readonly message: Message;
}

class Run {
  readonly agent: Agent;
  now = 0;
  said: Said[] = [];
  texts: string[] = [];
  finishedAt: number | undefined;
  lastCheck = 0;

  constructor(
    setup: { hasCheck?: boolean; watchedProcess?: string; isOfHost?: boolean } = {},
    open = true,
  ) {
    this.agent = new Agent(
      {
        identity: { name: "web", incarnation: incarnation(5) },
        coordinators: ["c1", "c2"],
        timing,
        isOfHost: setup.isOfHost ?? false,
        hasCheck: setup.hasCheck ?? false,
        watchedProcess: setup.watchedProcess,
      },
      new Random(1),
    );
    if (open) this.on({ kind: "opened", port: 8888 });
  }

  on(input: AgentInput): this {
    this.#take(this.agent.step(input, instant(this.now)));
    return this;
  }

  until(end: number): this {
    for (;;) {
      const deadline = this.agent.nextDeadline() ?? Infinity;
      if (deadline > end) break;
      this.now = Math.max(this.now, deadline);
      this.on({ kind: "timer-fired", lateness: 0 });
    }
    this.now = end;
    return this;
  }

  ping(coordinator = "c1", nonce = 1): this {
    return this.on({ kind: "ping-received", coordinator, from: c1, nonce, load: 0.5 });
  }

  /** What was said since the last call. */
  hear(kind: Message["kind"], to?: string): Said[] {
    const heard = this.said.filter(
      (said) => said.message.kind === kind && (to === undefined || said.to === to),
    );
    this.said = [];
    return heard;
  }

  #take(outputs: readonly AgentOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "send-to-coordinator") {
        this.said.push({ at: this.now, to: output.coordinator, message: output.message });
      } else if (output.kind === "send") {
        this.said.push({ at: this.now, to: output.to.address, message: output.message });
      } else if (output.kind === "send-text") this.texts.push(output.text);
      else if (output.kind === "finish") this.finishedAt = this.now;
      else if (output.kind === "begin-check") this.lastCheck = output.id;
    }
  }
}

describe("a ping", () => {
  it("is answered at once, with its nonce, to where it came from", () => {
    const run = new Run();
    run.hear("pong");
    deepEqual(run.ping("c1", 77).hear("pong"), [
      {
        at: 0,
        to: c1.address,
        message: {
          kind: "pong",
          nonce: 77,
          name: "web",
          incarnation: 5,
          health: { state: "unchecked", checkedAgo: 0, reason: "" },
          lag: 0,
          load: 0.5,
        },
      },
    ]);
  });

  it("tells the agent's own lag, in the very first answer after a stall", () => {
    const run = new Run();
    run.now = 1700; // The timer of 1000 did not fire.
    const [pong] = run.ping().hear("pong");
    equal(pong?.message.kind === "pong" && pong.message.lag, 700);
    run.until(1700).until(9000);
    const [later] = run.ping().hear("pong");
    ok(later?.message.kind === "pong" && later.message.lag < 10);
  });

  it("in plain text is answered in plain text, within a rate", () => {
    const run = new Run();
    for (let i = 0; i < 100; i++) {
      run.on({ kind: "text-ping-received", from: c1, text: "PING\n" });
    }
    deepEqual(
      run.texts,
      Array.from({ length: 40 }, () => "PONG\n"),
    );
    equal(run.agent.textsRefused, 60);
    run.until(1000);
    for (let i = 0; i < 100; i++) run.on({ kind: "text-ping-received", from: c1, text: "PING" });
    equal(run.texts.length, 60);
    equal(run.agent.textsRefused, 140);
    equal(run.texts.at(-1), "PONG");
    equal(run.hear("pong").length, 0);
  });
});

describe("an announcement", () => {
  it("is said to every coordinator, ever more seldom, up to every five seconds", () => {
    const run = new Run().until(40_000);
    const times = run.hear("announce", "c1").map((said) => said.at);
    equal(times[0], 0);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    for (const [i, expected] of [200, 400, 800, 1600, 3200, 5000, 5000].entries()) {
      const gap = gaps[i] ?? 0;
      ok(gap >= expected * 0.9 && gap <= expected * 1.1, `gap ${i}: ${gap}`);
    }
  });

  it("ends for a coordinator that pings, and begins anew ten seconds after its last ping", () => {
    const run = new Run();
    run.until(100).ping("c1");
    run.hear("announce");
    run.until(10_099);
    deepEqual(run.hear("announce", "c1"), []);
    const [again] = run.until(10_400).hear("announce", "c1");
    equal(again?.at, 10_100);
  });

  it("is said at once to all on a change of health, twice", () => {
    const run = new Run({ hasCheck: true });
    run.ping("c1").ping("c2").ping("c3").until(50);
    run.hear("announce");
    run.on({ kind: "check-finished", id: run.lastCheck, result: { ok: true } });
    run.until(400);
    const heard = run.hear("announce");
    deepEqual(
      heard.map(({ at, to }) => `${at} ${to}`),
      ["50 c1", "50 c2", "50 c3", "110 c1", "110 c2", "110 c3"],
    );
    const { message } = heard[0]!;
    equal(message.kind === "announce" && message.health.state, "healthy");
  });

  it("does not repeat a health that did not change", () => {
    const run = new Run({ hasCheck: true });
    run.ping("c1").ping("c2");
    run.on({ kind: "check-finished", id: run.lastCheck, result: { ok: true } }).until(500);
    run.hear("announce");
    run.until(1000);
    run.on({ kind: "check-finished", id: run.lastCheck, result: { ok: true } }).until(1900);
    deepEqual(run.hear("announce"), []);
  });
});

describe("a farewell", () => {
  it("is said three times to all, 30 ms apart, and then the agent is finished", () => {
    const run = new Run().until(1000);
    run.hear("announce");
    run.on({ kind: "stop-requested" }).until(5000);
    const heard = run.hear("announce", "c1");
    deepEqual(
      heard.map(({ at, message }) => [at, message.kind === "announce" && message.leaving]),
      [
        [1000, true],
        [1030, true],
        [1060, true],
      ],
    );
    equal(run.finishedAt, 1060);
  });

  it("still answers pings until it was said, and none after", () => {
    const run = new Run().on({ kind: "stop-requested" }).until(30);
    equal(run.ping().hear("pong").length, 1);
    equal(run.until(100).ping().hear("pong").length, 0);
  });
});

describe("an obituary", () => {
  it("is said at once and several times, with the process and how long ago it exited", () => {
    const run = new Run({ watchedProcess: "nginx" });
    run.on({ kind: "process-appeared", process: "7@100" }).ping("c1").until(1000);
    run.hear("obituary");
    run.on({ kind: "process-exited", process: "7@100", at: instant(990) }).until(2000);
    const heard = run.hear("obituary", "c1");
    deepEqual(
      heard.map(({ at }) => at),
      [1000, 1030, 1060, 1120, 1240, 1480],
    );
    deepEqual(heard[2]?.message, {
      kind: "obituary",
      name: "web",
      incarnation: 5,
      process: "7@100",
      ago: 70,
    });
  });

  it("is not told of a process that never was: that is a worker which does not start", () => {
    const run = new Run({ watchedProcess: "nginx" }).until(2999);
    equal(run.agent.health(instant(2999)).state, "starting");
    run.until(3100);
    const { state, reason } = run.agent.health(instant(3100));
    equal(`${state}: ${reason}`, "unhealthy: there is no process nginx");
    deepEqual(run.hear("obituary"), []);
  });

  it("goes with bad health until the process is back", () => {
    const run = new Run({ watchedProcess: "nginx" });
    run.on({ kind: "process-appeared", process: "7@100" }).until(100);
    equal(run.agent.health(instant(100)).state, "healthy");
    run.on({ kind: "process-exited", process: "7@100", at: instant(100) });
    equal(run.agent.health(instant(100)).state, "unhealthy");
    run.until(200).on({ kind: "process-appeared", process: "9@200" });
    equal(run.agent.health(instant(200)).state, "healthy");
  });
});

describe("the worker's own word", () => {
  it("that it is unhealthy wins over a passed check, until it says otherwise", () => {
    const run = new Run({ hasCheck: true });
    run.on({ kind: "check-finished", id: run.lastCheck, result: { ok: true } });
    run.on({ kind: "health-reported", healthy: false, reason: "queue stuck" }).until(10);
    deepEqual(run.agent.health(instant(10)), {
      state: "unhealthy",
      checkedAgo: 10,
      reason: "queue stuck",
    });
    run.on({ kind: "health-reported", healthy: true, reason: "" });
    equal(run.agent.health(instant(10)).state, "healthy");
  });
});

describe("strangers' names", () => {
  it("are remembered only up to a bound, and never push out a configured coordinator", () => {
    const run = new Run();
    for (let i = 0; i < 500; i++) run.ping(`x${i}`);
    run.hear("announce");
    run.on({ kind: "health-reported", healthy: false, reason: "" });
    const to = run.hear("announce").map((said) => said.to);
    equal(to.length, 14);
    ok(to.includes("c1") && to.includes("c2") && to.includes("x499"));
  });
});

describe("the agent of a host", () => {
  it("says so where it announces itself, and passes the machine's capacity on with each pong", () => {
    const run = new Run({ isOfHost: true });
    const [announced] = run.hear("announce", "c1");
    ok(announced?.message.kind === "announce");
    equal(announced.message.ofHost, true);
    const capacity = { processors: 4, memory: 8e9, available: 3e9 };
    run.on({ kind: "ping-received", coordinator: "c1", from: c1, nonce: 9, load: 0.5, capacity });
    const [answered] = run.hear("pong");
    ok(answered?.message.kind === "pong");
    deepEqual(answered.message.capacity, capacity);
  });

  it("is the only one that does: a worker's agent says neither", () => {
    const run = new Run();
    const [announced] = run.hear("announce", "c1");
    equal(Object.hasOwn(announced?.message ?? {}, "ofHost"), false);
    const [answered] = run.ping().hear("pong");
    equal(Object.hasOwn(answered?.message ?? {}, "capacity"), false);
  });
});
