// A mesh with an attacker on its network: some ways between its parts pass through a wire that remembers what it carried, and the attacker has it.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Attacker, type FloodKind, type FromAttacker, type Target } from "./attacker.ts";
import { pidOf } from "./containers.ts";
import { inNamespace, type LabEngine } from "./engine.ts";
import { LossyMesh, type Conclusions } from "./lossy-mesh.ts";
import { ensureBuilt, meshKey } from "./trio.ts";
import { Wire } from "./wire.ts";
import { until } from "../waiting.ts";

const ids = ["c1", "c2", "c3"];
const loopback = "127.0.0.1";
const meshPort = (id: string): number => 7701 + ids.indexOf(id);
/** Where the other coordinators reach it. */
const farPort = (id: string): number => 7801 + ids.indexOf(id);
/** An agent without a container: it is there for the wire, which hears how coordinators ping it. */
const bareAgent = { name: "bare", port: 8890, farPort: 7900 };
/** Counters are shown up to a second late. */
const countedAfter = 1_200;
/** Of what was carried to one: the latest, since the first may have come before it listened. */
const heardKept = 6;
const program = fileURLToPath(new URL("../../dist/heartmesh-agent.mjs", import.meta.url));

/** Whom an attacker aims at. */
export interface Victim {
  readonly name: string;
  readonly target: Target;
  readonly pid: number;
  /** Whether it knows a person's PING. */
  readonly answersText: boolean;
  /** Datagrams that it has taken. */
  readonly heard: () => Promise<readonly string[]>;
  /** What it has counted, by names such as `dropped_bad_mac`. */
  readonly counters: () => Promise<Readonly<Record<string, number>>>;
}

export interface Flood {
  readonly of: FloodKind;
  readonly seconds: number;
  readonly perSecond: number;
  readonly seed: number;
}

export interface Flooded {
  readonly sent: FromAttacker;
  /** Private memory in bytes: before, and the most while it lasted and in the second after. */
  readonly memory: { readonly before: number; readonly most: number };
  readonly seen: Conclusions;
  /** How much a counter grew. */
  readonly counted: (name: string) => number;
}

export class HostileMesh {
  readonly mesh: LossyMesh;
  readonly #wire: Wire;
  readonly #attacker: Attacker;
  readonly #agent: ChildProcess;

  private constructor(mesh: LossyMesh, wire: Wire, agent: ChildProcess) {
    this.mesh = mesh;
    this.#wire = wire;
    this.#agent = agent;
    this.#attacker = new Attacker(mesh.engine);
  }

  static async start(workers: number): Promise<HostileMesh> {
    let wire: Wire | undefined;
    let agent: ChildProcess | undefined;
    const mesh = await LossyMesh.start(workers, async (engine) => {
      const laid = new Wire(engine);
      wire = laid;
      const lay = (port: number, to: number): Promise<void> =>
        laid.lay({ port, to: { address: loopback, port: to }, delayMs: 0 });
      for (const id of ids) await lay(farPort(id), meshPort(id));
      agent = startAgent(engine);
      await lay(bareAgent.farPort, bareAgent.port);
      return {
        env: { WORKERS: `${bareAgent.name}=${loopback}:${bareAgent.farPort}` },
        envOf: (self) => ({
          COORDINATORS: ids
            .map((id) => `${id}=${loopback}:${id === self ? meshPort(id) : farPort(id)}`)
            .join(","),
        }),
      };
    });
    assert.ok(wire !== undefined && agent !== undefined);
    return new HostileMesh(mesh, wire, agent);
  }

  coordinator(id: string): Victim {
    return {
      name: `coordinator ${id}`,
      target: { address: loopback, port: meshPort(id) },
      pid: this.mesh.trio.coordinator(id).pid,
      answersText: false,
      heard: () => this.#heardAt(meshPort(id)),
      counters: () => this.mesh.trio.counters(id),
    };
  }

  /** One of the workers, whose agent is its container's first process. */
  async worker(name: string): Promise<Victim> {
    const { engine } = this.mesh;
    const format = "{{.NetworkSettings.IPAddress}}";
    const address = (await engine.docker("inspect", "-f", format, name)).stdout.trim();
    const pid = await pidOf(engine, name);
    const target = { address, port: 8888 };
    return {
      name: `worker ${name}`,
      target,
      pid,
      answersText: true,
      // PINGs that were meant for another agent are news to this one, once.
      heard: async () => {
        const datagrams = await this.#heardAt(bareAgent.port);
        await this.#attacker.does({ kind: "send", target, datagrams });
        return datagrams;
      },
      counters: () => this.#agentCounters(name, pid),
    };
  }

  /** A few of every kind; what its victim should count is what it resolves with. */
  async probe(victim: Victim, seed: number): Promise<FromAttacker> {
    const heard = await victim.heard();
    return this.#attacker.does({ kind: "probe", target: victim.target, seed, heard });
  }

  /** What one was told is told to another, from a stranger's address. */
  async misdirect(from: Victim, to: Victim): Promise<void> {
    const datagrams = await from.heard();
    await this.#attacker.does({ kind: "send", target: to.target, datagrams });
  }

  async flood(victim: Victim, how: Flood): Promise<Flooded> {
    const heard = await victim.heard();
    const earlier = await victim.counters();
    const before = privateBytes(victim.pid);
    let most = before;
    const looking = setInterval(() => {
      most = Math.max(most, privateBytes(victim.pid));
    }, 100);
    const [sent, seen] = await Promise.all([
      this.#attacker.does({ kind: "flood", target: victim.target, heard, ...how }),
      this.mesh.conclusions(how.seconds * 1_000 + countedAfter),
    ]);
    clearInterval(looking);
    const later = await settledCounters(victim);
    const counted = (name: string): number => (later[name] ?? 0) - (earlier[name] ?? 0);
    return { sent, seen, memory: { before, most }, counted };
  }

  async stop(): Promise<void> {
    this.#attacker.stop();
    this.#wire.stop();
    this.#agent.kill("SIGKILL");
    await this.mesh.stop();
  }

  async #heardAt(port: number): Promise<readonly string[]> {
    const carried = await this.#wire.carried();
    return (carried[`${loopback}:${port}`] ?? []).slice(-heardKept);
  }

  /** It logs them when asked by a signal. */
  async #agentCounters(name: string, pid: number): Promise<Readonly<Record<string, number>>> {
    const told = async (): Promise<readonly string[]> => {
      const { stdout } = await this.mesh.engine.docker("logs", name);
      return stdout.split("\n").filter((line) => line.includes('"counters"'));
    };
    const before = (await told()).length;
    process.kill(pid, "SIGUSR2");
    const line = await until("the agent's counters", async () => (await told())[before]);
    const { counters } = JSON.parse(line) as { counters: Record<string, number> };
    return Object.fromEntries(
      Object.entries(counters).map(([key, value]) => [key.replaceAll("-", "_"), value]),
    );
  }
}

function startAgent(engine: LabEngine): ChildProcess {
  ensureBuilt();
  const env = {
    PATH: process.env["PATH"],
    WORKER_NAME: bareAgent.name,
    AGENT_HOST: loopback,
    AGENT_PORT: String(bareAgent.port),
    COORDINATORS: ids.map((id) => `${id}=${loopback}:${meshPort(id)}`).join(","),
    MESH_KEY: meshKey,
    LOG_LEVEL: "error",
  };
  return inNamespace(engine, process.execPath, [program], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
}

/** As they are when nothing is counted any more: what came last may be read late. */
async function settledCounters(victim: Victim): Promise<Readonly<Record<string, number>>> {
  const drops = (counters: Readonly<Record<string, number>>): string =>
    JSON.stringify(Object.entries(counters).filter(([name]) => name.startsWith("dropped_")));
  let latest = await victim.counters();
  const isSettled = async (): Promise<boolean> => {
    const before = latest;
    latest = await victim.counters();
    return drops(latest) === drops(before);
  };
  await until("the counters to settle", isSettled, 20_000, countedAfter);
  return latest;
}

/** Of a process: what it shares with no other. */
function privateBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)].map((m) => Number(m[1]));
  return 1024 * kilobytes.reduce((sum, one) => sum + one, 0);
}
