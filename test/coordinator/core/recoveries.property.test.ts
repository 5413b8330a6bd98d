// Whatever happens in whatever order: no second order while one is on its way, none without a lease, none for those who are left alone.

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Random } from "../../../proto/random.ts";
import { after, instant, term, type Instant, type WorkerId } from "../../../proto/units.ts";
import type { ActionKind, VerdictKind } from "../../../coordinator/core/decision.ts";
import type { JobNews, Token } from "../../../coordinator/core/job.ts";
import {
  Recoveries,
  type RecoveryOutput,
  type RevivalOrder,
} from "../../../coordinator/core/recoveries.ts";
import { config, spec } from "./recovery-specs.ts";

const workers: readonly WorkerId[] = ["h1/w1", "h1/w2", "h1/w3", "h1/w4"];

type Step =
  | {
      readonly kind: "fail";
      readonly worker: number;
      readonly hold: number;
      readonly action: ActionKind;
    }
  | { readonly kind: "leave"; readonly worker: number; readonly verdict: VerdictKind }
  | {
      readonly kind: "news";
      readonly worker: number;
      readonly of: JobNews["kind"];
      readonly isLate: boolean;
    }
  | { readonly kind: "lease"; readonly length: number }
  | { readonly kind: "role"; readonly leads: boolean }
  | { readonly kind: "redis"; readonly isUp: boolean }
  | { readonly kind: "engine"; readonly isUp: boolean }
  | { readonly kind: "silence" | "unsilence" | "release-quarantine"; readonly worker: number }
  | { readonly kind: "pass"; readonly ms: number };

const worker = fc.integer({ min: 0, max: workers.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("fail" as const),
    worker,
    hold: fc.constantFrom(0, 0, 3_000),
    action: fc.constantFrom<ActionKind>("start", "kill-start", "restart"),
  }),
  fc.record({
    kind: fc.constant("leave" as const),
    worker,
    verdict: fc.constantFrom<VerdictKind>("healthy", "starting", "paused", "partial"),
  }),
  fc.record({
    kind: fc.constant("news" as const),
    worker,
    of: fc.constantFrom<JobNews["kind"]>(
      "job-enqueued",
      "job-adopted",
      "job-refused",
      "try-started",
      "acted",
      "verified",
      "try-failed",
      "recovered",
      "exhausted",
      "superseded",
    ),
    isLate: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("lease" as const),
    length: fc.constantFrom(0, 500, 5_000, 500_000),
  }),
  fc.record({ kind: fc.constant("role" as const), leads: fc.boolean() }),
  fc.record({ kind: fc.constant("redis" as const), isUp: fc.boolean() }),
  fc.record({ kind: fc.constant("engine" as const), isUp: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom("silence" as const, "unsilence" as const, "release-quarantine" as const),
    worker,
  }),
  fc.record({
    kind: fc.constant("pass" as const),
    ms: fc.constantFrom(1, 100, 1_000, 4_000, 40_000),
  }),
);

/** Follows what a machine says and checks it against a deliberately simple picture. */
class Watcher {
  now: Instant = instant(1_000);
  leads = false;
  leaseUntil = -1;
  term = 0;
  /** Orders of each worker, newest last. */
  readonly orders = new Map<WorkerId, RevivalOrder[]>();
  /** When the order on its way was last heard of. */
  readonly heardAt = new Map<WorkerId, { readonly token: Token; readonly at: Instant }>();
  readonly #machine = new Recoveries(
    config,
    {
      spec: (id) => spec(id),
      verdict: () => "healthy",
      isDead: () => false,
      workerCount: () => workers.length,
    },
    new Random(1),
  );
  #isRedisUp = true;

  constructor() {
    this.#machine.onRecordsLoaded([], instant(0));
  }

  play(s: Step): void {
    const machine = this.#machine;
    switch (s.kind) {
      case "pass":
        this.#pass(s.ms);
        return;
      case "fail":
      case "leave":
        this.#decide(s);
        return;
      case "news":
        this.#news(workers[s.worker]!, s.of, s.isLate);
        return;
      case "lease":
        this.leaseUntil = after(this.now, s.length);
        machine.onLease(instant(this.leaseUntil));
        this.#pass(0);
        return;
      case "role":
        if (s.leads === this.leads) return;
        this.leads = s.leads;
        this.heardAt.clear();
        if (s.leads) this.#check(machine.becomeLeader(term(++this.term), this.now));
        else {
          this.leaseUntil = -1;
          this.#check(machine.becomeFollower(this.now));
        }
        return;
      case "redis":
        this.#isRedisUp = s.isUp;
        this.heardAt.clear();
        this.#check(machine.onRedis(s.isUp ? "reachable" : "unreachable", this.now));
        return;
      case "engine":
        this.#check(machine.onEngine("h1", s.isUp, this.now));
        return;
      case "silence":
      case "unsilence":
      case "release-quarantine": {
        // A person's order outdates the token of what is on its way.
        this.heardAt.delete(workers[s.worker]!);
        const command = { kind: s.kind, worker: workers[s.worker]!, by: "ann", reason: "x" };
        this.#check(machine.onOperator({ ...command, for: 10_000 }, this.now));
        return;
      }
    }
  }

  #pass(ms: number): void {
    const end = after(this.now, ms);
    for (let i = 0; ; i++) {
      assert.ok(i < 10_000, "the machine comes to rest");
      const due = this.#machine.nextDeadline();
      if (due === undefined || due > end) break;
      this.now = instant(Math.max(this.now, due));
      this.#check(this.#machine.onTick(this.now));
    }
    this.now = end;
  }

  #decide(s: Extract<Step, { kind: "fail" | "leave" }>): void {
    const id = workers[s.worker]!;
    const kind = s.kind === "fail" ? "stopped" : s.verdict;
    const verdict = { worker: id, kind, reason: kind, evidence: [] };
    const decision =
      s.kind === "leave"
        ? ({ kind: "leave", worker: id, verdict, reason: "" } as const)
        : ({
            kind: "act",
            worker: id,
            verdict,
            action: s.action,
            notBefore: after(this.now, s.hold),
            waitReason: "held",
            commonCause: "",
          } as const);
    this.#check(this.#machine.onDecision(decision, this.now));
  }

  #news(id: WorkerId, kind: JobNews["kind"], isLate: boolean): void {
    const all = this.orders.get(id) ?? [];
    const order = isLate ? all[0] : all.at(-1);
    if (order === undefined) return;
    const { token, recovery } = order;
    const base = { token, recovery, at: 0 };
    const own = this.heardAt.get(id);
    const isCurrent = own !== undefined && own.token.epoch === token.epoch;
    const ends = ["recovered", "exhausted", "superseded", "job-refused"].includes(kind);
    if (isCurrent && ends) this.heardAt.delete(id);
    this.#check(this.#machine.onJobNews(newsOf(kind, base, order), this.now));
    const followed = this.#machine.summaryOf(id, this.now).recovery?.id;
    // News of a job that was given up is not listened to: the queue itself finds that one again.
    if (isCurrent && !ends && followed === recovery) this.heardAt.set(id, { token, at: this.now });
  }

  #check(outputs: readonly RecoveryOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "publish" || output.kind === "save-record") {
        assert.ok(this.leads, "only a leader speaks");
        continue;
      }
      const { order } = output;
      const id = order.token.worker;
      assert.ok(this.leads && this.now < this.leaseUntil, "no order without a lease");
      assert.equal(output.validUntil, this.leaseUntil, "an order ends with the lease");
      const { silencedFor, quarantinedFor } = this.#machine.summaryOf(id, this.now);
      assert.equal(silencedFor, -1, "no order for a silenced worker");
      assert.equal(quarantinedFor, -1, "no order for a worker in quarantine");
      assert.ok(output.kind !== "enqueue" || this.#isRedisUp, "nothing is enqueued without Redis");
      const all = this.orders.get(id) ?? [];
      const last = all.at(-1);
      if (last?.token.epoch !== order.token.epoch) {
        assert.equal(output.kind === "enqueue", this.#isRedisUp, "direct only without Redis");
        for (const old of all) assert.ok(old.token.epoch < order.token.epoch, "no epoch twice");
        const heard = this.heardAt.get(id);
        assert.ok(
          heard === undefined || this.now >= heard.at + 3_000,
          "no new order while one is on its way and heard of",
        );
        all.push(order);
      }
      this.orders.set(id, all);
      this.heardAt.set(id, { token: order.token, at: this.now });
    }
  }
}

function newsOf(
  kind: JobNews["kind"],
  base: { readonly token: Token; readonly recovery: string; readonly at: number },
  order: RevivalOrder,
): JobNews {
  switch (kind) {
    case "job-enqueued":
    case "verified":
    case "recovered":
      return { kind, ...base };
    case "job-adopted":
      return {
        kind,
        token: base.token,
        found: { ...order, detectedAt: 0, decidedAt: 0 },
        triesUsed: 1,
      };
    case "job-refused":
      return { kind, token: base.token, reason: "no" };
    case "try-started":
      return { kind, ...base, tryNumber: 1, runner: "r" };
    case "acted":
      return { kind, ...base, newContainerId: "n", newStartedAt: "s" };
    case "try-failed":
      return { kind, ...base, tryNumber: 1, reason: "no", counts: true, nextTryIn: 1_000 };
    case "exhausted":
      return { kind, ...base, tries: 3, reason: "no" };
    case "superseded":
      return { kind, ...base, reason: "no" };
  }
}

it("Any sequence of inputs keeps the promises", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 80, size: "max" }), (steps) => {
      const watcher = new Watcher();
      for (const s of [
        { kind: "role", leads: true } as const,
        { kind: "lease", length: 500_000 } as const,
        ...steps,
      ])
        watcher.play(s);
    }),
    { numRuns: 1_500 },
  );
});
