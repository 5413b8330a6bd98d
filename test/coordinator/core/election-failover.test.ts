// How long nobody leads after a leader died, in virtual time, without the costs of processes.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Cluster, type ClusterOptions } from "./election-cluster.ts";
import { inFull } from "../../inner-loop.ts";

interface Times {
  readonly mean: number;
  readonly p95: number;
  readonly p99: number;
}

/** Leader killed at any moment → another one holds a lease. */
function failovers(trials: number, options: Partial<ClusterOptions>): Times {
  const times: number[] = [];
  for (let seed = 1; seed <= trials; seed++) {
    const cluster = new Cluster({ seed, drift: 0.01, ...options });
    cluster.settleAll(10_000);
    cluster.run(1000 + cluster.random.between(0, 200));
    cluster.crash(cluster.settle(10_000));
    const took = cluster.runUntil(() => cluster.acting() !== undefined, 20_000);
    assert(took !== undefined, `seed ${seed}: nobody leads`);
    times.push(took);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * trials)] ?? 0;
  return { mean: times.reduce((a, b) => a + b, 0) / trials, p95: at(0.95), p99: at(0.99) };
}

const text = (t: Times): string =>
  `mean ${t.mean.toFixed(0)}, p95 ${t.p95.toFixed(0)}, p99 ${t.p99.toFixed(0)} ms`;

describe("a failover at the default times (100 / 750 ms)", () => {
  it("takes 0.9 s at most on average and 1.3 s in 99 of 100", (t) => {
    const times = failovers(inFull(400), {});
    t.diagnostic(text(times));
    assert(times.mean <= 900 && times.p99 <= 1300, text(times));
  });

  it("takes no more at 30 % loss", (t) => {
    const times = failovers(inFull(300), { loss: 0.3 });
    t.diagnostic(text(times));
    assert(times.mean <= 950 && times.p99 <= 1350, text(times));
  });

  it("takes a second longer at most where a round trip takes 150 ms", (t) => {
    const times = failovers(100, { delay: { low: 70, high: 80 } });
    t.diagnostic(text(times));
    assert(times.mean <= 1500 && times.p99 <= 1900, text(times));
  });

  it("ends also where a round trip takes 200 to 300 ms, a third of the timeout", (t) => {
    const times = failovers(100, { delay: { low: 100, high: 150 } });
    t.diagnostic(text(times));
    assert(times.mean <= 2000 && times.p99 <= 3500, text(times));
  });

  it("takes no more among five", (t) => {
    const times = failovers(60, { members: 5 });
    t.diagnostic(text(times));
    assert(times.mean <= 900 && times.p99 <= 1300, text(times));
  });
});
