// The compose project of this repository, brought up for the demo with secrets of its own, and its API.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { EventView, RecoveryView, StatusView, WorkerView } from "../../proto/rest.ts";
import type { DemoEngine } from "./engine.ts";
import { inTime } from "../../coordinator/io/in-time.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const composeFile = (name: string): string => path.join(root, "compose", name);

export class DemoProject {
  readonly engine: DemoEngine;
  readonly token = randomBytes(16).toString("hex");
  readonly #words: readonly string[];
  readonly #secrets: string;
  #apiPort = 0;
  #statsPort = 0;

  /** @param overlays more files of compose/, laid over its compose.yaml */
  constructor(engine: DemoEngine, overlays: readonly string[] = []) {
    this.engine = engine;
    const files = ["compose.yaml", ...overlays].flatMap((file) => ["-f", composeFile(file)]);
    this.#words = ["-p", "heartmesh-demo", ...files];
    // Files that any user may read in a directory that only we may enter: the images' user is not ours.
    this.#secrets = mkdtempSync(path.join(tmpdir(), "heartmesh-demo-"));
    chmodSync(this.#secrets, 0o711);
    const password = randomBytes(16).toString("hex");
    const secrets = {
      mesh_key: randomBytes(32).toString("hex"),
      api_tokens: `demo:admin:${this.token}`,
      redis_password: password,
      redis_url: `redis://:${password}@redis:6379`,
    };
    for (const [file, text] of Object.entries(secrets)) {
      writeFileSync(path.join(this.#secrets, file), `${text}\n`, { mode: 0o444 });
    }
  }

  /** HAProxy's page of statistics, from this machine. */
  get statsUrl(): string {
    return `http://127.0.0.1:${this.#statsPort}/`;
  }

  get addresses(): readonly string[] {
    return [
      `API of the leader   http://127.0.0.1:${this.#apiPort}/api/v1/status`,
      `its documentation   http://127.0.0.1:${this.#apiPort}/docs`,
      `Bull Board          http://127.0.0.1:${this.#apiPort}/queues`,
      `HAProxy             ${this.statsUrl}`,
      `token               ${this.token} (as a bearer token, or as the password of any user)`,
    ];
  }

  build(): void {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, 2] });
  }

  async up(): Promise<void> {
    // One service of each image: docker-compose 1.29 would send the context for every service.
    await this.#compose("build", "c1", "web-agent", "web");
    await this.#compose("up", "-d");
    this.#apiPort = await this.engine.reach(8000);
    this.#statsPort = await this.engine.reach(1936);
  }

  async down(): Promise<void> {
    await this.#compose("down", "-v", "--remove-orphans").catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
    });
    rmSync(this.#secrets, { recursive: true, force: true });
  }

  /** The id of a service's container. */
  async container(service: string): Promise<string> {
    const ids = await this.#compose("ps", "-q", service);
    const [id] = ids.trim().split("\n");
    if (id === undefined || id === "") throw new Error(`${service} has no container`);
    return id;
  }

  status(): Promise<StatusView> {
    return this.get<StatusView>("status");
  }

  workers(): Promise<readonly WorkerView[]> {
    return this.get<readonly WorkerView[]>("workers");
  }

  recoveries(): Promise<readonly RecoveryView[]> {
    return this.get<readonly RecoveryView[]>("recoveries?limit=50");
  }

  events(): Promise<readonly EventView[]> {
    return this.get<readonly EventView[]>("events?limit=100");
  }

  async get<Answer>(what: string): Promise<Answer> {
    return inTime(3_000, async (signal) => {
      const url = `http://127.0.0.1:${this.#apiPort}/api/v1/${what}`;
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${this.token}` },
        signal,
      });
      if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
      return (await response.json()) as Answer;
    });
  }

  /**
   * Runs a program of Node's inside a container, as the container's user; it prints the instant of its deed.
   * So the worker's own process is reached on every machine, also where containers run in a virtual one.
   */
  async inside(service: string, program: string): Promise<number> {
    const id = await this.container(service);
    const ran = await this.engine.docker("exec", id, "node", "-e", program);
    const at = Number(ran.stdout.trim().split("\n").at(-1));
    if (!Number.isFinite(at) || at === 0)
      throw new Error(`in ${service}: ${ran.stderr}${ran.stdout}`);
    return at;
  }

  async #compose(...words: readonly string[]): Promise<string> {
    const ran = await this.engine.compose([...this.#words, ...words], {
      SECRETS_DIR: this.#secrets,
    });
    if (ran.code !== 0) throw new Error(`compose ${words.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout;
  }
}
