// Starts the agent as a process of its own for tests, and reads its log.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { testKey } from "./coordinator-voice.ts";

const root = path.join(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const bundles = new Map<string, string>();

/** Made once: a process that reads its sources by tsx begins a quarter of a second later. */
function bundleOf(script: string): string {
  const known = bundles.get(script);
  if (known !== undefined) return known;
  const outfile = path.join(folder, `${path.basename(script, ".ts")}.mjs`);
  bundles.set(script, outfile);
  buildSync({
    absWorkingDir: root,
    entryPoints: [script],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // Some packages are CommonJS and ask for Node's own modules.
    banner: {
      js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
    },
  });
  return outfile;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class AgentProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  port = 0;
  #rest = "";
  #waiting: (() => void)[] = [];

  private constructor(script: string, env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [bundleOf(script)], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH,
        AGENT_HOST: "127.0.0.1",
        AGENT_PORT: "0",
        CLUSTER_ID: "test",
        ...((env.MESH_INSECURE ?? env.MESH_KEY_FILE) ? {} : { MESH_KEY: testKey }),
        ...env,
      },
    });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#onOutput(chunk.toString());
    });
  }

  /** A sidecar; resolves when it answers. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<AgentProcess> {
    const agent = new AgentProcess("agent/bin.ts", { WORKER_NAME: "web", ...env });
    const line = await agent.line("the agent answers");
    agent.port = Number(line.port);
    return agent;
  }

  /** Any other script, by its path, that prints its port first. */
  static async script(
    script: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<AgentProcess> {
    const agent = new AgentProcess(script, env);
    const [chunk] = (await once(agent.child.stdout!, "data")) as [Buffer];
    agent.port = Number(chunk.toString());
    return agent;
  }

  /** One that will not start: its lines and its exit code. */
  static async refused(
    env: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly lines: readonly LogLine[] }> {
    const agent = new AgentProcess("agent/bin.ts", env);
    const [code] = (await once(agent.child, "close")) as [number | null];
    return { code, lines: agent.lines };
  }

  /** The first line of the log that begins so, also one from before; rejects after five seconds. */
  async line(begin: string): Promise<LogLine> {
    const end = performance.now() + 5000;
    for (;;) {
      const found = this.lines.find((line) => line.msg.startsWith(begin));
      if (found !== undefined) return found;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`the agent never logged "${begin}"`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Its counters, as it logs them on SIGUSR2. */
  async counters(): Promise<Readonly<Record<string, number>>> {
    this.lines.length = 0;
    this.child.kill("SIGUSR2");
    return (await this.line("counters")).counters as Record<string, number>;
  }

  tell(words: string): void {
    this.child.stdin?.write(`${words}\n`);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }

  #onOutput(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("{")) this.lines.push(JSON.parse(line) as LogLine);
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
