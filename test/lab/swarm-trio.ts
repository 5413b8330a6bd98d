// A mesh on a Swarm of the lab: on each manager a coordinator, on each host its agent, as processes in its namespace; the API from outside, also of one that is cut off.

import type { ChildProcess } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { EventView, HostsView, HostView, StatusView } from "../../proto/rest.ts";
import { bridge, type Bridge } from "./bridge.ts";
import { inNamespace } from "./engine.ts";
import type { Cut } from "./lan.ts";
import type { SwarmHost, SwarmLab } from "./swarm.ts";
import { ensureBuilt, meshKey } from "./trio.ts";
import { until } from "../waiting.ts";
import { inTime } from "../../coordinator/io/in-time.ts";

const command = fileURLToPath(new URL("../../dist/heartmesh.mjs", import.meta.url));
const meshPort = 7700;
const httpPort = 8080;
const patience = 2_000;

interface Post {
  readonly host: SwarmHost;
  readonly bridge: Bridge;
  readonly coordinator: ChildProcess;
}

interface Agent {
  readonly program: ChildProcess;
  /** Starts it anew, on the data that it has. */
  readonly start: () => ChildProcess;
}

export class SwarmTrio {
  readonly #posts: Map<string, Post>;
  readonly #agents: Map<string, Agent>;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    posts: Map<string, Post>,
    agents: Map<string, Agent>,
    env: Readonly<Record<string, string>>,
  ) {
    this.#posts = posts;
    this.#agents = agents;
    this.#env = env;
  }

  /** c1 on the first manager and so on; resolves when one leads and every host is healthy by the word of each. Of API_TOKENS in `env` the first is asked with. */
  static async start(
    lab: Pick<SwarmLab, "hosts">,
    env: Readonly<Record<string, string>> = {},
  ): Promise<SwarmTrio> {
    ensureBuilt();
    const posts = new Map<string, Post>();
    const agents = new Map<string, Agent>();
    const managers = lab.hosts.filter(({ isManager }) => isManager);
    const members = managers
      .map(({ address }, at) => `c${at + 1}=${address}:${meshPort}`)
      .join(",");
    const common = { COORDINATORS: members, MESH_KEY: meshKey };
    const mesh = { ...common, ...env };
    for (const [at, host] of managers.entries()) {
      const coordinator = startCoordinator(host, `c${at + 1}`, mesh);
      posts.set(host.name, { host, bridge: await bridge(host.engine, httpPort), coordinator });
    }
    for (const host of lab.hosts) {
      const own = { AGENT_SCOPE: "host", WORKER_NAME: host.name, DOCKER_HOST: host.engine.host };
      const start = (): ChildProcess => startProgram(host, "agent", { ...common, ...own });
      agents.set(host.name, { start, program: start() });
    }
    const trio = new SwarmTrio(posts, agents, mesh);
    await until("everybody hears every host", () => trio.#isHealthy(), 30_000, 100);
    await trio.leader();
    return trio;
  }

  /** With which the tests' own questions are asked. */
  get #headers(): Readonly<Record<string, string>> {
    const [token] = (this.#env["API_TOKENS"] ?? "").split(",");
    return { authorization: `Bearer ${token?.split(":").at(-1) ?? ""}` };
  }

  /** The host of the leader that holds a lease. */
  leader(): Promise<string> {
    return until("a leader", () => this.#leaderNow(), 20_000, 60);
  }

  /** By the word of the coordinator on that host; newest first. */
  events(on: string): Promise<readonly EventView[]> {
    return this.get<readonly EventView[]>(on, "events?limit=1000");
  }

  /** Of the HTTP server of the coordinator on that host, from this machine. */
  url(on: string): string {
    return `http://127.0.0.1:${this.#posts.get(on)?.bridge.port ?? 0}`;
  }

  status(on: string): Promise<StatusView> {
    return this.get<StatusView>(on, "status");
  }

  /** What was told of a host from `since` (wall clock, ms) on by any coordinator, oldest first. */
  async told(host: string, since: number): Promise<readonly EventView[]> {
    const asked = [...this.#posts.keys()].map((on) => this.events(on).catch(() => []));
    const all = (await Promise.all(asked)).flat();
    return all
      .filter(({ kind, text, atMs }) => {
        return kind.startsWith("host-") && text.startsWith(`host ${host} is `) && atMs >= since;
      })
      .sort((a, b) => a.atMs - b.atMs);
  }

  /** The first time that the leader tells this verdict of the host. */
  verdict(host: string, verdict: string, since: number, patience = 20_000): Promise<EventView> {
    return until(
      `${host} is ${verdict}`,
      async () => {
        const told = await this.told(host, since);
        return told.find(({ text }) => text.startsWith(`host ${host} is ${verdict}:`));
      },
      patience,
      100,
    );
  }

  /** Cut → the leader's event, ms; healed afterwards, and healthy again. */
  async cutUntilDead(lab: SwarmLab, host: string, way: Cut): Promise<number> {
    const since = Date.now();
    await lab.cut(host, way);
    const dead = await this.verdict(host, "dead", since).finally(() => lab.heal(host));
    await this.verdict(host, "healthy", dead.atMs);
    return dead.atMs - since;
  }

  /** By the word of the coordinator on another one. */
  async host(name: string, on: string): Promise<HostView> {
    // A Swarm that is looking for its leader is waited for.
    const { hosts } = await this.get<HostsView>(on, "hosts", 12_000);
    const host = hosts.find((one) => one.name === name);
    if (host === undefined) throw new Error(`${on} knows no host ${name}`);
    return host;
  }

  /** By SIGTERM, and at once again, on the data that it has. */
  async restartAgent(on: string): Promise<void> {
    const agent = this.#agents.get(on);
    if (agent === undefined) throw new Error(`there is no host ${on}`);
    await end(agent.program, "SIGTERM");
    this.#agents.set(on, { ...agent, program: agent.start() });
  }

  /** The agent of that host is killed, and says nothing. */
  async killAgent(on: string): Promise<void> {
    await end(this.#agents.get(on)?.program);
  }

  /** All of them at the same time; the agents stay. */
  async stopCoordinators(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const posts = [...this.#posts.values()];
    await Promise.all(posts.map(({ coordinator }) => end(coordinator, signal)));
  }

  /** Resolves when one leads. */
  async startCoordinators(): Promise<void> {
    for (const on of this.#posts.keys()) this.revive(on);
    await this.leader();
  }

  /** The coordinator there is killed, and says nothing. */
  async kill(on: string): Promise<void> {
    const post = this.#posts.get(on);
    if (post !== undefined) await end(post.coordinator);
  }

  /** Starts the coordinator there again, with the disk that it had. */
  revive(on: string): void {
    const post = this.#posts.get(on);
    if (post === undefined) throw new Error(`no coordinator is on ${on}`);
    const id = `c${[...this.#posts.keys()].indexOf(on) + 1}`;
    this.#posts.set(on, { ...post, coordinator: startCoordinator(post.host, id, this.#env) });
  }

  /** Idempotent; the hosts stay. */
  async stop(): Promise<void> {
    const posts = [...this.#posts.values()];
    const agents = [...this.#agents.values()].map(({ program }) => program);
    const programs = [...posts.map(({ coordinator }) => coordinator), ...agents];
    await Promise.all(programs.map((program) => end(program)));
    await Promise.all(posts.map((post) => post.bridge.stop()));
  }

  async #leaderNow(): Promise<string | undefined> {
    for (const on of this.#posts.keys()) {
      const status = await this.status(on).catch(() => undefined);
      if (status?.role === "leader" && status.leaseForMs > 0) return on;
    }
    return undefined;
  }

  async #isHealthy(): Promise<boolean> {
    const all = [...this.#posts.keys()];
    const hosts = this.#agents.size;
    const told = await Promise.all(
      all.map(async (on) => {
        const asked = inTime(patience, async (signal) => {
          const response = await fetch(`${this.url(on)}/metrics`, {
            headers: this.#headers,
            signal,
          });
          return await response.text();
        });
        return await asked.catch(() => "");
      }),
    );
    const wanted = `heartmesh_hosts{verdict="healthy"} ${hosts}\n`;
    return told.every((text) => text.includes(wanted));
  }

  get<Answer>(on: string, what: string, within = patience): Promise<Answer> {
    return inTime(within, async (signal) => {
      const response = await fetch(`${this.url(on)}/api/v1/${what}`, {
        headers: this.#headers,
        signal,
      });
      if (!response.ok) throw new Error(`${on}: ${what}: HTTP ${response.status}`);
      return (await response.json()) as Answer;
    });
  }
}

function startCoordinator(
  host: SwarmHost,
  id: string,
  mesh: Readonly<Record<string, string>>,
): ChildProcess {
  return startProgram(host, "coordinator", {
    DOCKER_HOST: host.engine.host,
    ...mesh,
    COORDINATOR_ID: id,
    MESH_PORT: String(meshPort),
    HTTP_PORT: String(httpPort),
  });
}

function startProgram(
  { engine }: SwarmHost,
  what: "coordinator" | "agent",
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const dataDir = path.join(engine.dir, `mesh-${what}`);
  mkdirSync(dataDir, { recursive: true });
  const log = openSync(path.join(dataDir, "log"), "a");
  return inNamespace(engine, process.execPath, [command, what], {
    stdio: ["ignore", log, log],
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, ...env },
  });
}

async function end(
  program: ChildProcess | undefined,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<void> {
  if (program === undefined) return;
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = new Promise((resolve) => program.once("exit", resolve));
  program.kill(signal);
  await gone;
}
