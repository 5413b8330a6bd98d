// Leader killed → another holds the lease; and the same of etcd, with the same heartbeat and timeout, in the same run.

import type { ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { bridge } from "../lab/bridge.ts";
import { until } from "../lab/containers.ts";
import { inNamespace, type LabEngine } from "../lab/engine.ts";
import type { Trio } from "../lab/trio.ts";
import { summarize, type BenchResult } from "./report.ts";
import { tried } from "./tried.ts";

export async function benchFailover(
  trio: Trio,
  n: number,
  etcdTrials: number,
): Promise<BenchResult[]> {
  const ours: number[] = [];
  for (let at = 0; at < n; at++)
    await tried("failover", async () => ours.push(await failover(trio)));
  const etcd = await benchEtcd(trio.engine, etcdTrials);
  const ratio = summarize("", ours, "ms").median / summarize("", etcd, "ms").median;
  return [
    summarize("failover", ours, "ms", { of: "p95", atMost: 1_300 }, { of: "mean", atMost: 950 }),
    summarize("etcd-failover", etcd, "ms"),
    summarize("failover-ratio", [ratio], "×", { atMost: 1 }),
  ];
}

async function failover(trio: Trio): Promise<number> {
  await until(
    "all to follow",
    async () => {
      const all = await Promise.all(trio.ids.map((id) => trio.status(id))).catch(() => []);
      const isWhole = all.length === trio.ids.length;
      return isWhole && all.every((one) => one.leader !== "" && one.fit && one.votes)
        ? true
        : undefined;
    },
    30_000,
    250,
  );
  // A leader that has just changed is not what dies at night.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const leader = await trio.leader();
  const others = trio.ids.filter((id) => id !== leader);
  const at = performance.now();
  trio.coordinator(leader).process.kill("SIGKILL");
  await leads(trio, others);
  const took = performance.now() - at;
  await until("its end", () => (isGone(trio, leader) ? true : undefined));
  trio.startCoordinator(leader);
  return took;
}

function isGone(trio: Trio, id: string): boolean {
  try {
    return trio.coordinator(id).process.exitCode !== null;
  } catch {
    return true;
  }
}

/** Asks the survivors in turn, without a pause, whether they lead with a lease. */
async function leads(trio: Trio, ids: readonly string[]): Promise<void> {
  const end = performance.now() + 20_000;
  while (performance.now() < end) {
    for (const id of ids) {
      const status = await trio.status(id).catch(() => undefined);
      if (status?.role === "leader" && status.leaseForMs > 0) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("nobody leads");
}

interface EtcdNode {
  readonly name: string;
  readonly process: ChildProcess;
  readonly port: number;
}

async function benchEtcd(engine: LabEngine, n: number): Promise<number[]> {
  const samples: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("etcd", async () => samples.push(await etcdTrial(engine, at)));
  }
  return samples;
}

/** A fresh cluster each time: killed → both others name the same new leader. */
async function etcdTrial(engine: LabEngine, trial: number): Promise<number> {
  const dir = mkdtempSync(path.join(engine.dir, "etcd-"));
  const base = 21_000 + trial * 10;
  const cluster = [0, 1, 2].map((at) => `e${at}=http://127.0.0.1:${base + 2 * at}`).join(",");
  const bridges = [];
  const nodes: EtcdNode[] = [];
  try {
    for (const at of [0, 1, 2]) {
      const made = await bridge(engine, base + 2 * at + 1);
      bridges.push(made);
      nodes.push({
        name: `e${at}`,
        process: startEtcd(engine, dir, cluster, base, at),
        port: made.port,
      });
    }
    const leader = await until("etcd's leader", () => agreedLeader(nodes), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const dying = nodes.find((node) => node.name === leader) ?? nodes[0];
    const others = nodes.filter((node) => node !== dying);
    const at = performance.now();
    dying?.process.kill("SIGKILL");
    for (;;) {
      const next = await agreedLeader(others, nodes);
      if (next !== undefined && next !== dying?.name) return performance.now() - at;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    for (const node of nodes) node.process.kill("SIGKILL");
    for (const one of bridges) await one.stop();
  }
}

function startEtcd(
  engine: LabEngine,
  dir: string,
  cluster: string,
  base: number,
  at: number,
): ChildProcess {
  const client = `http://127.0.0.1:${base + 2 * at + 1}`;
  const peer = `http://127.0.0.1:${base + 2 * at}`;
  const words = [
    ...["--name", `e${at}`, "--data-dir", path.join(dir, `e${at}`)],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ...["--initial-cluster", cluster, "--initial-cluster-state", "new"],
    ...["--heartbeat-interval", "100", "--election-timeout", "750"],
  ];
  return inNamespace(engine, "etcd", words, { stdio: "ignore" });
}

/** The name of the leader that all of `asked` agree on. */
async function agreedLeader(
  asked: readonly EtcdNode[],
  all: readonly EtcdNode[] = asked,
): Promise<string | undefined> {
  const views = await Promise.all(asked.map((node) => etcdView(node)));
  const [first] = views;
  if (first?.leader === undefined || first.leader === "0") return undefined;
  if (!views.every((view) => view?.leader === first.leader)) return undefined;
  const known = names;
  for (const [at, view] of views.entries()) {
    const node = asked[at];
    if (view !== undefined && node !== undefined)
      known.set(`${node.port} ${view.member}`, node.name);
  }
  const name = all.find((node) => known.get(`${node.port} ${first.leader}`) !== undefined)?.name;
  return name;
}

/** Member ids as they were told, by port. */
const names = new Map<string, string>();

async function etcdView(
  node: EtcdNode,
): Promise<{ readonly leader: string | undefined; readonly member: string } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${node.port}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal: AbortSignal.timeout(500),
    });
    const status = (await response.json()) as {
      readonly leader?: string;
      readonly header?: { readonly member_id?: string };
    };
    return { leader: status.leader, member: status.header?.member_id ?? "" };
  } catch {
    return undefined;
  }
}
