// What an agent costs: private memory and processor share of the bundled process, with three coordinators at 1 Hz and one TCP check a second.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { freshBootId } from "../../agent/io/chance.ts";
import { MeshSocket } from "../../agent/io/socket.ts";
import { decodeMessage, encodeMessage } from "../../proto/codec.ts";
import { parseKeyRing } from "../../proto/key-ring.ts";
import { createSeal } from "../../proto/seal.ts";
import { summarize, type BenchResult } from "./report.ts";

const key = "a key for the benchmark of agents";
const cluster = "bench";
const warmUp = 3000;

/** This process, with its senders, is the other Node process beside the agent: pages that both share are not private. */
export async function benchAgent(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const seconds = options.short ? 10 : 60;
  const directory = mkdtempSync(path.join(tmpdir(), "heartmesh-bench-"));
  const worker = createServer((socket) => socket.end());
  let agent: ChildProcess | undefined;
  let senders: Sender[] = [];
  try {
    const bundle = await bundleAgent(directory);
    const checkPort = await listen(worker);
    const port = await freePort();
    agent = startAgentProcess(bundle, port, checkPort);
    senders = await Promise.all([0, 1, 2].map((index) => startSender(index, port)));
    await sleep(warmUp);
    return await measure(agent, senders, seconds);
  } finally {
    for (const sender of senders) sender.stop();
    if (agent?.exitCode === null) {
      agent.kill("SIGKILL");
      await once(agent, "exit");
    }
    worker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  agent: ChildProcess,
  senders: readonly Sender[],
  seconds: number,
): Promise<BenchResult[]> {
  const pid = agent.pid;
  assert(pid !== undefined && agent.exitCode === null, "the agent does not run");
  const pongs = (): number => senders.reduce((sum, sender) => sum + sender.pongs, 0);
  const [cpuBefore, pongsBefore, began] = [cpuMs(pid), pongs(), performance.now()];
  const memory: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    memory.push(privateMib(pid));
  }
  const passed = performance.now() - began;
  const share = ((cpuMs(pid) - cpuBefore) / passed) * 100;
  const answered = pongs() - pongsBefore;
  assert(answered >= seconds * 2.5, `only ${answered} PONGs in ${seconds} s`);
  return [
    summarize("agent-private-mib", memory, "MiB", { of: "max", atMost: 12 }),
    summarize("agent-cpu-percent", [share], "%", { atMost: 1 }),
  ];
}

interface Sender {
  readonly pongs: number;
  stop(): void;
}

/** One coordinator's share: a sealed ping a second, its phase a third of a second after the one before. */
async function startSender(index: number, agentPort: number): Promise<Sender> {
  const ring = parseKeyRing(key);
  assert(ring.ok);
  const seal = await createSeal({ cluster, boot: freshBootId(), ring: ring.value });
  let pongs = 0;
  const socket = new MeshSocket({
    host: "127.0.0.1",
    port: 0,
    onDatagram: (bytes) => {
      const opened = seal.open(bytes);
      const decoded = opened.ok ? decodeMessage(opened.value.payload) : opened;
      if (decoded.ok && decoded.value.message.kind === "pong") pongs++;
    },
  });
  await socket.open();
  let nonce = 0;
  const ask = (): void => {
    const ping = encodeMessage(`c${index + 1}`, { kind: "ping", nonce: ++nonce });
    socket.send(seal.seal(ping), agentPort, "127.0.0.1");
  };
  await sleep(index * 333);
  const timer = setInterval(ask, 1000);
  return {
    get pongs() {
      return pongs;
    },
    stop: () => {
      clearInterval(timer);
      void socket.close();
    },
  };
}

async function bundleAgent(directory: string): Promise<string> {
  const outfile = path.join(directory, "agent.mjs");
  await build({
    entryPoints: [path.join(import.meta.dirname, "../../agent/bin.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}

function startAgentProcess(bundle: string, port: number, checkPort: number): ChildProcess {
  return spawn(process.execPath, [bundle], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH,
      MESH_KEY: key,
      CLUSTER_ID: cluster,
      AGENT_HOST: "127.0.0.1",
      AGENT_PORT: String(port),
      COORDINATORS: "c1=127.0.0.1:9,c2=127.0.0.1:9,c3=127.0.0.1:9",
      WORKER_CHECK: `tcp://127.0.0.1:${checkPort}`,
    },
  });
}

/** Pages that belong to this process alone and were written to. */
function privateMib(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const match = /^Private_Dirty:\s+(\d+) kB$/m.exec(rollup);
  assert(match !== null, "smaps_rollup has no Private_Dirty");
  return Number(match[1]) / 1024;
}

/** User and system time so far. The kernel counts in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return address.port;
}

async function freePort(): Promise<number> {
  const socket = new MeshSocket({ host: "127.0.0.1", port: 0, onDatagram: () => undefined });
  const { port } = await socket.open();
  await socket.close();
  return port;
}
