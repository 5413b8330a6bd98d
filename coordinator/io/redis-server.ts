// The private redis-server of a coordinator that was given no REDIS_URL: every write on disk before it is answered, restarted when it dies.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { join, resolve } from "node:path";
import { coded } from "../errors.ts";
import type { Duration } from "../../proto/units.ts";
import type { RedisAddress } from "./redis-url.ts";

/** A server that does not answer this long after its start has failed to start; loading a large file is an answer. */
const startWithin: Duration = 15_000;
/** It saves on SIGTERM; then it is killed. */
const stopWithin: Duration = 5_000;
/** A server that dies again and again is restarted with these waits at most. */
const restartWait = { first: 50, longest: 5_000 } as const;
/** A server that ran for this long starts with the first wait again. */
const steadyAfter: Duration = 10_000;
/** The longest path that a unix socket may have. */
const socketPathBytes = 107;

export interface PrivateRedisAsk {
  /** Its files go to `<dataDir>/redis`. */
  readonly dataDir: string;
  /** Default: found on PATH. */
  readonly binary?: string;
  /** `unexpected`: it died and is started again. */
  readonly onExit: (reason: string, restarts: number) => void;
  readonly onLog: (line: string) => void;
}

/** Reached only by a unix socket, by the user who runs the coordinator. */
export class PrivateRedis {
  readonly #ask: PrivateRedisAsk;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #restarts = 0;
  #startedAt = 0;
  #wait: Duration = restartWait.first;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(ask: PrivateRedisAsk) {
    this.#ask = ask;
    this.#directory = resolve(ask.dataDir, "redis");
  }

  get address(): RedisAddress {
    return {
      kind: "unix",
      path: join(this.#directory, "redis.sock"),
      username: undefined,
      password: undefined,
      db: 0,
    };
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves once it answers. Rejects with HM_REDIS_MISSING where there is no such program, HM_REDIS_START where it does not come up. */
  async start(): Promise<void> {
    const socket = join(this.#directory, "redis.sock");
    if (Buffer.byteLength(socket) > socketPathBytes) {
      throw coded(
        "HM_REDIS_START",
        `${socket} is longer than a unix socket's path may be (${socketPathBytes} bytes); choose a shorter DATA_DIR`,
      );
    }
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw coded("HM_REDIS_START", `${this.#directory} cannot be made`, error);
    }
    await this.#endOrphan(socket);
    await this.#spawn();
    await this.#answers(socket);
  }

  /** SIGTERM, and SIGKILL after 5 s. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), stopWithin);
    await exited;
    clearTimeout(killer);
  }

  /** A coordinator that was killed leaves its server behind, which holds the files. */
  async #endOrphan(socket: string): Promise<void> {
    if (!(await isAnswering(socket, "SHUTDOWN NOSAVE FORCE"))) return;
    this.#ask.onLog("a redis-server that an earlier coordinator left behind is shut down");
    const deadline = performance.now() + stopWithin;
    while (performance.now() < deadline) {
      if (!(await isAnswering(socket))) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw coded("HM_REDIS_START", `another redis-server answers at ${socket} and does not stop`);
  }

  async #spawn(): Promise<void> {
    const binary = this.#ask.binary ?? "redis-server";
    const child = spawn(binary, serverOptions(this.#directory), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    await new Promise<void>((done, fail) => {
      child.once("spawn", done);
      child.once("error", (error) => {
        fail(
          coded(
            "HM_REDIS_MISSING",
            `"${binary}" could not be started (${error.message}); install the package redis-server, or set REDIS_URL`,
            error,
          ),
        );
      });
    });
    this.#child = child;
    this.#startedAt = performance.now();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        for (const line of text.split("\n")) if (line.trim() !== "") this.#ask.onLog(line);
      });
    }
    child.once("exit", (code, signal) => {
      this.#onExit(signal ?? `exit code ${code ?? "?"}`);
    });
  }

  #onExit(reason: string): void {
    if (this.#isStopping) return;
    if (performance.now() - this.#startedAt > steadyAfter) this.#wait = restartWait.first;
    this.#restarts++;
    this.#ask.onExit(reason, this.#restarts);
    this.#timer = setTimeout(() => {
      this.#spawn().catch((error: unknown) => {
        this.#onExit(error instanceof Error ? error.message : String(error));
      });
    }, this.#wait);
    this.#wait = Math.min(2 * this.#wait, restartWait.longest);
  }

  async #answers(socket: string): Promise<void> {
    const deadline = performance.now() + startWithin;
    while (performance.now() < deadline) {
      if (await isAnswering(socket)) return;
      // One that exits at once (a damaged file, a full disk) will not come up by waiting.
      if (this.#restarts >= 3) break;
      await new Promise((done) => setTimeout(done, 20));
    }
    const detail = `redis-server in ${this.#directory} did not answer; its own lines in the log say why`;
    await this.stop();
    throw coded("HM_REDIS_START", detail);
  }
}

function serverOptions(directory: string): string[] {
  const options: Readonly<Record<string, string>> = {
    port: "0",
    unixsocket: join(directory, "redis.sock"),
    unixsocketperm: "700",
    dir: directory,
    appendonly: "yes",
    // A job that was answered for is on disk.
    appendfsync: "always",
    "aof-load-truncated": "yes",
    // The AOF is the truth; snapshots would only add forks.
    save: "",
    maxmemory: "0",
    "maxmemory-policy": "noeviction",
    // Redis ends a blocking read at its next tick: that is how exactly a delayed try begins.
    hz: "50",
    daemonize: "no",
    // Not inherited from the coordinator's own standard input or a system's configuration.
    supervised: "no",
    "stop-writes-on-bgsave-error": "yes",
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Any line is an answer, -LOADING too; and so is the end of a connection that was made. */
function isAnswering(path: string, command = "PING"): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ path });
    const end = (answer: boolean): void => {
      socket.destroy();
      done(answer);
    };
    socket.setTimeout(500, () => {
      end(false);
    });
    socket.once("connect", () => socket.write(`${command}\r\n`));
    for (const answer of ["data", "end"]) {
      socket.once(answer, () => {
        end(true);
      });
    }
    socket.once("error", () => {
      end(false);
    });
  });
}
