// A real Docker engine of its own for a test: in its own network namespace, with its own data, socket and cgroup.

import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  endEnginePrograms,
  labPrefix,
  markOwner,
  removeCgroup,
  removeLeftovers,
  sweepDirectory,
  untilGone,
} from "./leftovers.ts";

export interface Ran {
  /** The exit code; -1 when it was ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LabEngine {
  /** `unix://…`, for `DOCKER_HOST`. */
  readonly host: string;
  readonly socket: string;
  /** The name that `/info` gives. */
  readonly name: string;
  /** The network namespace's name, as in `/var/run/netns`. */
  readonly netns: string;
  readonly dir: string;
  /** Of dockerd; changes with `restart()`. */
  readonly pid: number;
  /** The docker command line against this engine; never throws for an exit code. */
  docker(...args: readonly string[]): Promise<Ran>;
  /**
   * Ends dockerd and starts it again on the same data. It gives each container that ignores SIGTERM ten seconds.
   * `kill`: with SIGKILL, its containerd and shims too, as a machine that loses its power.
   */
  restart(options?: { readonly kill?: boolean }): Promise<void>;
  /**
   * Ends dockerd, its containers and every other program in its namespace at once, and the namespace with them; the
   * data stay. Unplug its cable first: for a killed process the kernel still says goodbye to its peers.
   */
  powerOff(): Promise<void>;
  /** After `powerOff`: the namespace anew, by the same name, and dockerd on the same data. */
  powerOn(): Promise<void>;
  /** SIGSTOP of dockerd: it accepts connections and answers none. */
  pause(): void;
  resume(): void;
  /** Ends containers, dockerd, namespace and directory. Idempotent; also right after a failure. */
  stop(): Promise<void>;
}

export interface EngineOptions {
  /** The engine's host name. */
  readonly name?: string;
  /** Where its directory is made; the system's temporary directory unless given. */
  readonly dir?: string;
  /** More words for dockerd. */
  readonly args?: readonly string[];
  /** Called with the namespace's name each time that it was made, before dockerd starts in it. */
  readonly network?: (netns: string) => Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<LabEngine> {
  await removeLeftovers();
  const name = options.name ?? "lab";
  const dir = await mkdtemp(
    path.join(options.dir ?? tmpdir(), `${labPrefix}${String(process.pid)}-${name}-`),
  );
  const engine = new Engine(name, dir, options);
  try {
    await engine.begin();
    return engine;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

/** Starts a program inside the engine's network namespace, from where the addresses of its containers can be reached. It ends with this process, however that ends. */
export function inNamespace(
  engine: LabEngine,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const within = [`--net=/var/run/netns/${engine.netns}`, "setpriv", "--pdeathsig", "KILL"];
  return spawn("nsenter", [...within, command, ...args], options);
}

/** Runs a program to its end; never throws for its exit code. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

class Engine implements LabEngine {
  readonly host: string;
  readonly socket: string;
  readonly name: string;
  readonly netns: string;
  readonly dir: string;
  readonly #options: EngineOptions;
  #dockerd: ChildProcess | undefined;
  #stopped: Promise<void> | undefined;

  constructor(name: string, dir: string, options: EngineOptions) {
    this.name = name;
    this.dir = dir;
    this.netns = path.basename(dir);
    this.socket = path.join(dir, "sock");
    this.host = `unix://${this.socket}`;
    this.#options = options;
  }

  get pid(): number {
    return this.#dockerd?.pid ?? 0;
  }

  async begin(): Promise<void> {
    await markOwner(this.dir);
    await mkdir(path.join(this.dir, "home"));
    await this.powerOn();
  }

  async powerOn(): Promise<void> {
    await must("ip", ["netns", "add", this.netns]);
    await must("ip", ["-n", this.netns, "link", "set", "lo", "up"]);
    await this.#options.network?.(this.netns);
    await this.#start();
  }

  async powerOff(): Promise<void> {
    await this.#end("SIGKILL", 5_000);
    await sweepDirectory(this.dir);
    // What a machine keeps in /run does not outlive it.
    for (const name of ["exec", "pid", "sock"]) {
      await rm(path.join(this.dir, name), { recursive: true, force: true });
    }
  }

  async #start(): Promise<void> {
    const log = openSync(path.join(this.dir, "dockerd.log"), "a");
    // Each word execs the next, so that the pid is dockerd's own. Not `ip netns exec`: it remounts /sys and hides the cgroups.
    this.#dockerd = spawn(
      "nsenter",
      [
        `--net=/var/run/netns/${this.netns}`,
        ...["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec dockerd "$@"', this.name],
        ...["--data-root", path.join(this.dir, "data"), "--exec-root", path.join(this.dir, "exec")],
        ...["--pidfile", path.join(this.dir, "pid"), "--host", this.host],
        ...["--cgroup-parent", `/${this.netns}`, ...(this.#options.args ?? [])],
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    await this.#untilAnswering(this.#dockerd);
  }

  async #untilAnswering(dockerd: ChildProcess): Promise<void> {
    const end = performance.now() + 30_000;
    while (performance.now() < end && dockerd.exitCode === null) {
      if (existsSync(this.socket) && (await this.docker("version")).code === 0) return;
      await sleep(50);
    }
    const log = readFileSync(path.join(this.dir, "dockerd.log"), "utf8").split("\n").slice(-15);
    throw new Error(`dockerd did not answer on ${this.host}; its last words:\n${log.join("\n")}`);
  }

  docker(...args: readonly string[]): Promise<Ran> {
    // A home of its own, so that no context or credentials of the user's are taken.
    const env = {
      ...process.env,
      DOCKER_CONFIG: path.join(this.dir, "home"),
      DOCKER_BUILDKIT: "0",
    };
    return run("docker", ["-H", this.host, ...args], { env });
  }

  async restart(options: { readonly kill?: boolean } = {}): Promise<void> {
    if (options.kill === true) {
      await this.#end("SIGKILL", 5_000);
      await removeCgroup(this.netns);
      // Its containerd would live on and keep the new one out.
      await endEnginePrograms(this.dir);
      // After a loss of power no pid of before runs; here one may, as a zombie or as somebody else.
      await rm(path.join(this.dir, "exec/containerd/containerd.pid"), { force: true });
      await rm(path.join(this.dir, "pid"), { force: true });
    } else await this.#end("SIGTERM", 30_000);
    await this.#start();
  }

  pause(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.pid, "SIGCONT");
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopOnce();
    return this.#stopped;
  }

  async #stopOnce(): Promise<void> {
    if (this.#dockerd?.exitCode === null && this.#dockerd.signalCode === null) {
      this.resume();
      // The containers first, at once: dockerd would give each ten seconds.
      await removeCgroup(this.netns);
      await this.#end("SIGTERM", 15_000);
    }
    await sweepDirectory(this.dir);
    await rm(this.dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals, patience: number): Promise<void> {
    const dockerd = this.#dockerd;
    if (dockerd?.pid === undefined || dockerd.exitCode !== null || dockerd.signalCode !== null)
      return;
    dockerd.kill(signal);
    if (!(await untilGone(dockerd.pid, patience))) {
      dockerd.kill("SIGKILL");
      await untilGone(dockerd.pid, 5_000);
    }
  }
}

/** Runs a program to its end; throws with what it wrote unless it succeeds. */
export async function must(command: string, args: readonly string[]): Promise<void> {
  const ran = await run(command, args);
  if (ran.code !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stderr.trim()}`);
}
