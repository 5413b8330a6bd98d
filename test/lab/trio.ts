// A whole mesh for tests: three coordinators as processes in the engine's namespace, a Redis server there, and their API from outside.

import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { EventView, RecoveryView, StatusView, WorkerView } from "../../proto/rest.ts";
import { bridge, type Bridge } from "./bridge.ts";
import { inNamespace, type LabEngine } from "./engine.ts";
import { pause, until } from "../waiting.ts";
import { inTime } from "../../coordinator/io/in-time.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const command = path.join(root, "dist", "heartmesh.mjs");
let isBuilt = false;

/** Builds dist/, once in this process; not where whoever started it has done so, since others may be running from it. */
export function ensureBuilt(): void {
  if (isBuilt || (process.env["LAB_IS_BUILT"] === "1" && existsSync(command))) return;
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, 2] });
  isBuilt = true;
}

export interface TrioOptions {
  readonly coordinators?: number;
  /** Beyond those; not started, and to be added to the set. */
  readonly newcomers?: number;
  /** On top of the defaults; for one coordinator by its id. */
  readonly env?: Readonly<Record<string, string>>;
  readonly envOf?: (id: string) => Readonly<Record<string, string>>;
  /** False: REDIS_URL is left out and must come from `env`. */
  readonly redis?: boolean;
  /** With which the tests' own questions are asked, where `env` gives API_TOKENS. */
  readonly token?: string;
}

export interface LabCoordinator {
  readonly id: string;
  readonly process: ChildProcess;
  readonly pid: number;
  readonly logFile: string;
}

/** Times come from the record, not from when it is read. */
const pollEvery = 120;

/** The API bounds a client's rate at 20 a second: questions to one coordinator take turns. */
const turn = 50;

/** Each coordinator's process has a group of its own, so that iptables can tell its datagrams apart. */
const groupOf = (at: number): number => 7001 + at;

export const meshKey = "lab-key-lab-key-lab-key-lab-key-0123";

/** For an answer of the API, ms. */
const answerWithin = 5_000;

export class Trio {
  readonly engine: LabEngine;
  readonly dir: string;
  readonly #options: TrioOptions;
  readonly #ids: readonly string[];
  /** With the newcomers. */
  readonly #all: readonly string[];
  readonly #running = new Map<string, LabCoordinator>();
  readonly #bridges = new Map<string, Bridge>();
  readonly #nextTurn = new Map<string, number>();
  #redis: ChildProcess | undefined;

  private constructor(engine: LabEngine, options: TrioOptions) {
    this.engine = engine;
    this.#options = options;
    this.dir = mkdtempSync(path.join(engine.dir, "trio-"));
    const { coordinators = 3, newcomers = 0 } = options;
    this.#all = Array.from({ length: coordinators + newcomers }, (_, at) => `c${at + 1}`);
    this.#ids = this.#all.slice(0, coordinators);
  }

  static async start(engine: LabEngine, options: TrioOptions = {}): Promise<Trio> {
    ensureBuilt();
    const trio = new Trio(engine, options);
    try {
      await trio.#begin();
      return trio;
    } catch (error) {
      await trio.stop();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    if (this.#options.redis !== false) await this.startRedis();
    for (const id of this.#ids) this.startCoordinator(id);
    for (const [at, id] of this.#all.entries()) {
      this.#bridges.set(id, await bridge(this.engine, 8080 + at + 1));
    }
    await this.leader();
  }

  get ids(): readonly string[] {
    return this.#ids;
  }

  coordinator(id: string): LabCoordinator {
    const one = this.#running.get(id);
    if (one === undefined) throw new Error(`${id} does not run`);
    return one;
  }

  /** COORDINATORS, for agents. */
  get members(): string {
    return this.#ids.map((id, at) => `${id}=${this.gateway}:${7701 + at}`).join(",");
  }

  /** COORDINATORS, for coordinators. */
  seed(...ids: readonly string[]): string {
    return ids.map((id) => `${id}=127.0.0.1:${7701 + this.#all.indexOf(id)}`).join(",");
  }

  /** Where containers on the default bridge reach what runs in the namespace. */
  get gateway(): string {
    return "172.17.0.1";
  }

  /** For `iptables -m owner --gid-owner`. */
  group(id: string): string {
    return String(groupOf(this.#all.indexOf(id)));
  }

  /** UDP, on the loopback of the engine's namespace. */
  meshPort(id: string): number {
    return 7701 + this.#ids.indexOf(id);
  }

  /** Of its HTTP server, from this machine. */
  url(id: string): string {
    return `http://127.0.0.1:${this.#bridges.get(id)?.port ?? 0}`;
  }

  get #authorization(): Readonly<Record<string, string>> {
    const { token } = this.#options;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  startCoordinator(id: string, env: Readonly<Record<string, string>> = {}): LabCoordinator {
    const at = this.#all.indexOf(id);
    const dataDir = path.join(this.dir, id);
    mkdirSync(dataDir, { recursive: true });
    const logFile = path.join(this.dir, `${id}.log`);
    const log = openSync(logFile, "a");
    const child = inNamespace(this.engine, process.execPath, [command, "coordinator"], {
      stdio: ["ignore", log, log],
      gid: groupOf(at),
      env: {
        PATH: process.env["PATH"],
        COORDINATOR_ID: id,
        COORDINATORS: this.seed(...this.#ids),
        COORDINATOR_URLS: this.#all
          .map((name, index) => `${name}=http://127.0.0.1:${8081 + index}`)
          .join(","),
        MESH_PORT: String(7701 + at),
        MESH_KEY: meshKey,
        HTTP_PORT: String(8081 + at),
        DATA_DIR: dataDir,
        DOCKER_HOST: `lab=${this.engine.host}`,
        ...(this.#options.redis === false ? {} : { REDIS_URL: "redis://127.0.0.1:6379" }),
        ...this.#options.env,
        ...this.#options.envOf?.(id),
        ...env,
      },
    });
    const one = { id, process: child, pid: child.pid ?? 0, logFile };
    this.#running.set(id, one);
    child.once("exit", () => {
      if (this.#running.get(id) === one) this.#running.delete(id);
    });
    return one;
  }

  /** Resolves when the process has ended. */
  async kill(id: string, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { process: child } = this.coordinator(id);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async startRedis(): Promise<void> {
    const dir = path.join(this.dir, "redis");
    mkdirSync(dir, { recursive: true });
    const words = ["--dir", dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""];
    this.#redis = inNamespace(this.engine, "redis-server", words, { stdio: "ignore" });
    await until("Redis", () => (existsSync(path.join(dir, "appendonlydir")) ? true : undefined));
  }

  get redisPid(): number {
    return this.#redis?.pid ?? 0;
  }

  async killRedis(): Promise<void> {
    const child = this.#redis;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /** The id of the leader that holds a lease, by the word of any coordinator. */
  leader(patience = 20_000): Promise<string> {
    return until("a leader", () => this.#leaderNow(), patience, pollEvery);
  }

  async #leaderNow(): Promise<string | undefined> {
    for (const id of this.#running.keys()) {
      const status = await this.status(id).catch(() => undefined);
      if (status?.role === "leader" && status.leaseForMs > 0) return id;
    }
    return undefined;
  }

  status(id: string): Promise<StatusView> {
    return this.get<StatusView>("status", id);
  }

  async worker(name: string, id?: string): Promise<WorkerView | undefined> {
    const all = await this.get<readonly WorkerView[]>("workers", id);
    return all.find((one) => one.id === `lab/${name}`);
  }

  /** Waits until it is on the list of whom is watched. */
  watched(name: string): Promise<WorkerView> {
    return until(
      `${name} to be watched`,
      () => this.worker(name).catch(() => undefined),
      20_000,
      pollEvery,
    );
  }

  /** Waits until the leader concludes this of a worker. */
  verdict(name: string, verdict: string, patience = 30_000): Promise<WorkerView> {
    return until(
      `${name} to be ${verdict}`,
      async () => {
        // The leader's word counts: a follower may hear a worker a moment sooner.
        const leader = await this.#leaderNow();
        if (leader === undefined) return undefined;
        const worker = await this.worker(name, leader).catch(() => undefined);
        return worker?.verdict === verdict ? worker : undefined;
      },
      patience,
      pollEvery,
    );
  }

  /** Newest first. */
  async recoveries(name: string): Promise<readonly RecoveryView[]> {
    const all = await this.get<readonly RecoveryView[]>("recoveries?limit=200");
    return all.filter((one) => one.worker === `lab/${name}`);
  }

  /** Newest first. */
  events(): Promise<readonly EventView[]> {
    return this.get<readonly EventView[]>("events?limit=1000");
  }

  /** Waits for the worker's first recovery decided after `since` (wall clock, ms) to end so. */
  async recovered(
    name: string,
    since: number,
    outcome: RecoveryView["outcome"] = "recovered",
    patience = 40_000,
  ): Promise<RecoveryView> {
    try {
      return await until(
        `${name} to be ${outcome}`,
        async () => {
          const all = await this.recoveries(name).catch(() => []);
          return all.find((one) => one.decidedAtMs >= since && one.outcome === outcome);
        },
        patience,
        pollEvery,
      );
    } catch (cause) {
      throw new Error(await this.#toldOf(name, since), { cause });
    }
  }

  /** What happened to a worker, and to the mesh itself, one line an event; newest first. */
  async #toldOf(name: string, since: number): Promise<string> {
    const all = await this.events().catch(() => []);
    const lines = all
      .filter(({ worker, atMs }) => atMs >= since && (worker === "" || worker === `lab/${name}`))
      .map(({ atMs, by, kind, text }) => `+${atMs - since} ${by} ${kind}: ${text}`);
    return [`${name}: not as expected, but`, ...lines].join("\n");
  }

  /** What one counts since its start, by the names of `/metrics` without `heartmesh_` and `_total`; `dropped_<reason>` of what it dropped. */
  async counters(id: string): Promise<Readonly<Record<string, number>>> {
    const text = await inTime(answerWithin, async (signal) => {
      const response = await fetch(`${this.url(id)}/metrics`, {
        headers: this.#authorization,
        signal,
      });
      return response.text();
    });
    const lines = text.matchAll(/^heartmesh_(\w+)_total(?:\{reason="([a-z-]+)"\})? (\d+)$/gm);
    return Object.fromEntries(
      [...lines].map(([, name = "", reason, value]) => [
        reason === undefined ? name : `dropped_${reason.replaceAll("-", "_")}`,
        Number(value),
      ]),
    );
  }

  /** From any coordinator that runs, or from the one named. What is not available for a moment, as Redis beside other tests, is asked for again. */
  async get<Answer>(what: string, id?: string): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.ask("GET", what, undefined, id)) as Answer;
      } catch (error) {
        if (tries === 10 || !(error instanceof Error && error.message.includes(": 503 ")))
          throw error;
        await pause(500);
      }
    }
  }

  async ask(method: string, what: string, body?: unknown, id?: string): Promise<unknown> {
    const from = id ?? [...this.#running.keys()][0] ?? "";
    const type = body === undefined ? {} : { "content-type": "application/json" };
    await this.#turnAt(from);
    return await inTime(answerWithin, async (signal) => {
      const response = await fetch(`${this.url(from)}/api/v1/${what}`, {
        method,
        signal,
        headers: { ...this.#authorization, ...type },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${what}: ${response.status} ${text}`);
      return text === "" ? undefined : (JSON.parse(text) as unknown);
    });
  }

  async #turnAt(id: string): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#nextTurn.get(id) ?? 0);
    this.#nextTurn.set(id, at + turn);
    if (at > now) await pause(at - now);
  }

  /** The last lines of every coordinator's log, for a failed test. */
  logs(lines = 40): string {
    return this.#all
      .map((id) => {
        const file = path.join(this.dir, `${id}.log`);
        const text = existsSync(file) ? readFileSync(file, "utf8") : "";
        return `--- ${id}\n${text.split("\n").slice(-lines).join("\n")}`;
      })
      .join("\n");
  }

  async stop(): Promise<void> {
    for (const id of [...this.#running.keys()]) await this.kill(id).catch(() => undefined);
    await this.killRedis();
    for (const one of this.#bridges.values()) await one.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
