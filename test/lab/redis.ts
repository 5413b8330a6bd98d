// A real redis-server (or Sentinel) of a test's own: a free loopback port, a directory of its own, killed and restarted at will.

import { spawn, type ChildProcess } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { parseRedisUrl, type RedisAddress } from "../../coordinator/io/redis-url.ts";

export interface LabRedis {
  readonly port: number;
  readonly url: string;
  readonly address: RedisAddress;
  readonly directory: string;
  /** Starts it (again, on the same files) and waits until it answers. */
  start(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Copies its files as they are; `restore` puts them back while it is down. */
  snapshot(): Promise<string>;
  restore(snapshot: string): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** @param lines configuration beyond the default: AOF with `appendfsync always` */
export async function startRedis(
  lines: readonly string[] = [],
  kind: "server" | "sentinel" = "server",
): Promise<LabRedis> {
  const directory = await mkdtemp(join(tmpdir(), "heartmesh-redis-"));
  const port = await freePort();
  const durable = kind === "server" ? ["appendonly yes", "appendfsync always", 'save ""'] : [];
  const config = ["bind 127.0.0.1", `port ${port}`, `dir ${directory}`, ...durable, ...lines];
  await writeFile(join(directory, "redis.conf"), config.join("\n") + "\n");
  const url = `redis://127.0.0.1:${port}`;
  const parsed = parseRedisUrl(url);
  if (!parsed.ok) throw new Error(url);
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise((done) => ending.once("exit", done));
    ending.kill("SIGCONT");
    ending.kill("SIGKILL");
    await exited;
  };
  const lab: LabRedis = {
    port,
    url,
    address: parsed.value,
    directory,
    start: async () => {
      const mode = kind === "sentinel" ? ["--sentinel"] : [];
      child = spawn("redis-server", [join(directory, "redis.conf"), ...mode], { stdio: "ignore" });
      const started = child;
      const end = (): boolean => started.kill("SIGKILL");
      process.once("exit", end);
      child.once("exit", () => process.off("exit", end));
      await waitForAnswer(port);
    },
    signal: (signal) => child?.kill(signal),
    kill,
    snapshot: async () => {
      const copy = await mkdtemp(join(tmpdir(), "heartmesh-redis-copy-"));
      await cp(join(directory, "appendonlydir"), copy, { recursive: true });
      return copy;
    },
    restore: async (snapshot) => {
      await rm(join(directory, "appendonlydir"), { recursive: true });
      await cp(snapshot, join(directory, "appendonlydir"), { recursive: true });
      await rm(snapshot, { recursive: true });
    },
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await lab.start();
  return lab;
}

async function waitForAnswer(port: number): Promise<void> {
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    retryStrategy: () => 20,
    // A server that wants a password answers too.
    reconnectOnError: (error) => !error.message.startsWith("NOAUTH"),
    protocol: 2,
  });
  redis.on("error", () => undefined);
  try {
    await redis.ping().catch((error: unknown) => {
      if (!String(error).includes("NOAUTH")) throw error;
    });
  } finally {
    redis.disconnect();
  }
}
