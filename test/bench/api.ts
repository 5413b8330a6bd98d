// How fast are reads, how long do writes fail when the leader dies behind HAProxy, and is every call to a cluster of containers executed once? Real coordinators, Redis and the HAProxy of Debian.

import { once } from "node:events";
import path from "node:path";
import { failOverUnderLoad, loadTokenList, loadTokens } from "../lab/failover-load.ts";
import { inNamespace, startEngine, type LabEngine } from "../lab/engine.ts";
import { LabProxy } from "../lab/haproxy.ts";
import { ensureImages } from "../lab/images.ts";
import { callMany } from "../lab/many-calls.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { summarize, type BenchResult } from "./report.ts";
import { tried } from "./tried.ts";

const child = path.join(import.meta.dirname, "api-child.ts");
const barePort = 8099;
const [token = ""] = loadTokens;

export async function benchApi(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const engine = await startEngine({ name: "lab" });
  try {
    await ensureImages(engine, ["worker", "node"]);
    const results: BenchResult[] = [];
    const env = { API_TOKENS: loadTokenList, HTTP_HOST: "127.0.0.1" };
    const trio = await Trio.start(engine, { token, env });
    try {
      await startWorker(trio, { name: "box", arrangement: "none" });
      await trio.watched("box");
      results.push(
        ...(await benchStatus(trio, options.short ? 3 : 9)),
        ...(await benchProxy(trio, options.short ? 1 : 10)),
      );
    } finally {
      await trio.stop();
    }
    return [...results, ...(await benchCalls(engine, options.short ? 1 : 5))];
  } finally {
    await engine.stop();
  }
}

/** `/api/v1/status` of a coordinator that leads, against a bare Fastify route that answers with the same object, in turn. */
async function benchStatus(trio: Trio, rounds: number): Promise<BenchResult[]> {
  const leader = await trio.leader();
  const status = JSON.stringify(await trio.status(leader));
  const bare = inNamespace(
    trio.engine,
    process.execPath,
    ["--import", "tsx", child, "bare", String(barePort), status],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ours: number[] = [];
  const theirs: number[] = [];
  const ratios: number[] = [];
  try {
    if (bare.stdout !== null) await once(bare.stdout, "data");
    const port = 8081 + trio.ids.indexOf(leader);
    // Cold at first, both of them.
    for (const warm of [port, barePort, port, barePort]) await rateOf(trio.engine, warm);
    for (let at = 0; at < rounds; at++) {
      await tried("status", async () => {
        const [their, our] = [await rateOf(trio.engine, barePort), await rateOf(trio.engine, port)];
        theirs.push(their);
        ours.push(our);
        ratios.push(our / their);
      });
    }
  } finally {
    bare.kill("SIGKILL");
  }
  return [
    summarize("status-rate", ours, "1/s"),
    summarize("fastify-rate", theirs, "1/s"),
    summarize("status-ratio", ratios, "×", { atLeast: 0.5 }),
  ];
}

/** Answers a second, asked from a process of its own for half a second. */
async function rateOf(engine: LabEngine, port: number): Promise<number> {
  const asking = inNamespace(
    engine,
    process.execPath,
    ["--import", "tsx", child, "ask", String(port), "500", loadTokens.join(",")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  asking.stdout?.setEncoding("utf8").on("data", (more: string) => (text += more));
  const [code] = (await once(asking, "close")) as [number | null];
  const rate = Number(text);
  if (code !== 0 || !(rate > 0)) throw new Error(`asking port ${port} ended with ${text}`);
  return rate;
}

/** The leader is killed while HAProxy carries 200 requests a second. */
async function benchProxy(trio: Trio, trials: number): Promise<BenchResult[]> {
  const proxy = await LabProxy.start(trio);
  const gaps: number[] = [];
  const held: number[] = [];
  const failedWrites: number[] = [];
  const failedReads: number[] = [];
  try {
    for (let at = 0; at < trials; at++) {
      await tried("proxy", async () => {
        const load = await failOverUnderLoad(trio, proxy, "lab/box");
        gaps.push(load.gap);
        held.push(load.longestHeld);
        failedWrites.push(load.failedWrites.length);
        failedReads.push(load.failedReads.length);
      });
    }
  } finally {
    await proxy.stop();
  }
  return [
    summarize("proxy-write-gap", gaps, "ms", { of: "max", atMost: 2_000 }),
    summarize("proxy-failed-reads", failedReads, "", { of: "max", atMost: 0 }),
    summarize("proxy-failed-writes", failedWrites, ""),
    summarize("proxy-longest-held-write", held, "ms"),
  ];
}

/** A hundred calls by twenty clients to any coordinator, while the leader is killed three times. */
async function benchCalls(engine: LabEngine, rounds: number): Promise<BenchResult[]> {
  const violations: number[] = [];
  const trio = await Trio.start(engine);
  try {
    for (let seed = 1; seed <= rounds; seed++) {
      await tried("calls", async () => {
        const wish = { calls: 100, clients: 20, kills: 3, removes: false, seed };
        const told = await callMany(engine, trio, wish);
        for (const one of told.violations) console.error(one);
        violations.push(told.violations.length);
      });
    }
  } finally {
    await trio.stop();
  }
  return [summarize("exactly-once-violations", violations, "", { of: "max", atMost: 0 })];
}
