// How fast is what was broken whole again? On a real engine, with real coordinators, Redis and datagrams; limits are those of the project's goals.

import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { Trio } from "../lab/trio.ts";
import { benchFailover } from "./failover.ts";
import { benchPings } from "./pings.ts";
import { summarize, type BenchResult } from "./report.ts";
import { Trials } from "./trials.ts";
import { tried } from "./tried.ts";

/** As tried and documented in the README. */
const fastSet = { CHECK_INTERVAL: "0.5", TIMEOUT: "0.25", MAX_FAILED_ATTEMPTS: "4" };
/** A revival that has ended makes room for the next trial sooner; nothing that is measured waits for it. */
const quick = { VERIFY_WINDOW: "1", MAX_REVIVALS: "12" };

export async function benchHeal(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const n = options.short ? 1 : 10;
  const engine = await startEngine({ name: "lab" });
  try {
    await ensureImages(engine, ["worker", "node"]);
    return [
      ...(await withTrio(engine, {}, (trio) => benchDefaults(trio, n))),
      ...(await withTrio(engine, fastSet, (trio) => benchFast(trio, n))),
      ...(await withTrio(engine, {}, (trio) => benchFailover(trio, options.short ? 1 : 20, n))),
      await benchPings(options.short ? 3 : 10),
    ];
  } finally {
    await engine.stop();
  }
}

async function withTrio(
  engine: LabEngine,
  env: Readonly<Record<string, string>>,
  measure: (trio: Trio) => Promise<BenchResult[]>,
): Promise<BenchResult[]> {
  const trio = await Trio.start(engine, { env: { ...quick, ...env } });
  try {
    return await measure(trio);
  } finally {
    await trio.stop();
  }
}

async function benchDefaults(trio: Trio, n: number): Promise<BenchResult[]> {
  const trials = new Trials(trio);
  const ours: number[] = [];
  const dockers: number[] = [];
  const verified: number[] = [];
  const hangs: number[] = [];
  const silences: number[] = [];
  const runners: number[] = [];
  for (let at = 0; at < n; at++) {
    // One after the other, so that whatever else the machine does meets both.
    await tried("docker-restart", async () => dockers.push(await trials.dockersOwn()));
    await tried("crash", async () => {
      const crash = await trials.crash();
      ours.push(crash.running);
      verified.push(crash.verified);
    });
    await tried("hang", async () => hangs.push(await trials.hang()));
    await tried("silence", async () => silences.push(await trials.silence()));
    await tried("runner-killed", async () => runners.push(await trials.runnerKilled()));
  }
  const own = summarize("docker-restart", dockers, "ms").median;
  return [
    summarize("docker-restart", dockers, "ms"),
    summarize("crash-running", ours, "ms"),
    summarize("crash-ratio", [summarize("", ours, "ms").median / own], "×", { atMost: 1.1 }),
    summarize("crash-verified", verified, "ms", { atMost: 1_500 }),
    summarize("hang-verified", hangs, "ms", { atMost: 4_500 }),
    summarize(
      "silent-verdict",
      silences,
      "ms",
      { of: "max", atMost: 2_500 },
      { of: "mean", atMost: 2_100 },
    ),
    summarize("runner-killed", runners, "ms", { of: "max", atMost: 8_000 }),
  ];
}

async function benchFast(trio: Trio, n: number): Promise<BenchResult[]> {
  const trials = new Trials(trio);
  const silences: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("silence", async () => silences.push(await trials.silence()));
  }
  const worst = { of: "max", atMost: 1_700 } as const;
  const mean = { of: "mean", atMost: 1_400 } as const;
  return [summarize("silent-verdict-fast", silences, "ms", worst, mean)];
}
