// Leader killed → a new leader acts; and the same of etcd, with the same heartbeat and timeout, in the same run.

import type { ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { bridge } from "../lab/bridge.ts";
import { inNamespace, type LabEngine } from "../lab/engine.ts";
import type { Trio } from "../lab/trio.ts";
import { summarize, type BenchResult } from "./report.ts";
import { Trials } from "./trials.ts";
import { tried } from "./tried.ts";
import { pause, until } from "../waiting.ts";

export async function benchFailover(
  trio: Trio,
  n: number,
  etcdTrials: number,
): Promise<BenchResult[]> {
  const trials = new Trials(trio);
  const acting: number[] = [];
  const verified: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("failover", async () => {
      const trial = await trials.leaderAndWorker();
      acting.push(trial.acting);
      verified.push(trial.verified);
    });
  }
  const etcd = await benchEtcd(trio.engine, etcdTrials);
  const ratio = summarize("", acting, "ms").median / summarize("", etcd, "ms").median;
  return [
    summarize("failover", acting, "ms", { of: "p95", atMost: 1_300 }, { of: "mean", atMost: 950 }),
    summarize("etcd-failover", etcd, "ms"),
    summarize("failover-ratio", [ratio], "×", { atMost: 1 }),
    summarize("leader-and-worker", verified, "ms", { of: "max", atMost: 5_000 }),
  ];
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

/** A fresh cluster each time: killed → both others name the same new leader, and a survivor has written through it. */
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
    await pause(1_500);
    const dying = nodes.find((node) => node.name === leader) ?? nodes[0];
    const others = nodes.filter((node) => node !== dying);
    const at = performance.now();
    dying?.process.kill("SIGKILL");
    for (;;) {
      const next = await agreedLeader(others, nodes);
      if (next !== undefined && next !== dying?.name && (await hasWritten(others))) {
        return performance.now() - at;
      }
      await pause(5);
    }
  } finally {
    for (const node of nodes) node.process.kill("SIGKILL");
    for (const one of bridges) await one.stop();
  }
}

async function hasWritten([survivor]: readonly EtcdNode[]): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${survivor?.port ?? 0}/v3/kv/put`, {
    method: "POST",
    body: JSON.stringify({ key: "YQ==", value: "Yg==" }),
    signal: AbortSignal.timeout(500),
  }).catch(() => undefined);
  return response?.ok === true;
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
