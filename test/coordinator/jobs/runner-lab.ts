// Queue, runners and feed on a real Redis, with the scripted world as hands and eyes.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { systemClock } from "../../../agent/io/clock.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import type { RedisAddress } from "../../../coordinator/io/redis-url.ts";
import { keysOf } from "../../../coordinator/jobs/keys.ts";
import { JobNewsFeed } from "../../../coordinator/jobs/news.ts";
import type { LifeWatch } from "../../../coordinator/jobs/ports.ts";
import { RevivalQueue } from "../../../coordinator/jobs/revival-queue.ts";
import { RevivalRunner } from "../../../coordinator/jobs/revival-runner.ts";
import { Random } from "../../../proto/random.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";
import { ScriptedWorld, type FreezePoint } from "./scripted-world.ts";
import { timeUntil, until } from "../../waiting.ts";

export const labKeys = keysOf("lab");

export function buildRunner(ask: {
  readonly address: RedisAddress;
  readonly world: ScriptedWorld;
  readonly name: string;
  readonly freeze?: FreezePoint;
  readonly canary?: { readonly every: number; readonly missed: number };
  /** Other eyes than the world's. */
  readonly lifeWatch?: LifeWatch;
}): {
  readonly runner: RevivalRunner;
  readonly connections: RedisConnections;
  readonly restarts: string[];
} {
  const connections = new RedisConnections({
    address: ask.address,
    owner: ask.name,
    onError: () => undefined,
  });
  const restarts: string[] = [];
  const runner = new RevivalRunner({
    connections,
    keys: labKeys,
    name: ask.name,
    actor: ask.world.actor(ask.name, ask.freeze),
    lifeWatch: ask.lifeWatch ?? ask.world.lifeWatch(ask.freeze),
    clock: systemClock,
    random: new Random(7),
    onError: (error) => {
      if (process.env.LAB_ERRORS === "1") console.error(ask.name, error.message);
    },
    onRestart: (reason) => restarts.push(reason),
    ...(ask.canary === undefined ? {} : { canary: ask.canary }),
  });
  return { runner, connections, restarts };
}

/** Everything that one test needs, and its end. */
export class JobsLab {
  readonly redis: LabRedis;
  readonly world: ScriptedWorld;
  readonly queue: RevivalQueue;
  readonly connections: RedisConnections;
  readonly producer: Redis;
  readonly news: JobNews[] = [];
  readonly newsAt: number[] = [];
  readonly feed: JobNewsFeed;
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor(redis: LabRedis, world: ScriptedWorld) {
    this.redis = redis;
    this.world = world;
    this.connections = new RedisConnections({
      address: redis.address,
      owner: "lab",
      onError: () => undefined,
    });
    this.producer = this.connections.open("producer");
    const shared = { keys: labKeys, clock: systemClock, onError: () => undefined };
    this.queue = new RevivalQueue({ redis: this.producer, ...shared });
    this.feed = new JobNewsFeed({
      redis: this.connections.open("follower"),
      queue: this.queue,
      onNews: (news) => {
        this.news.push(news);
        this.newsAt.push(performance.now());
      },
      ...shared,
    });
  }

  static async open(): Promise<JobsLab> {
    const directory = await mkdtemp(join(tmpdir(), "heartmesh-world-"));
    const lab = new JobsLab(await startRedis(), new ScriptedWorld(directory));
    await until("the producer connected", () => lab.producer.status === "ready");
    lab.feed.start();
    return lab;
  }

  runner(
    name: string,
    more: Partial<Pick<Parameters<typeof buildRunner>[0], "freeze" | "canary" | "lifeWatch">> = {},
  ): { readonly runner: RevivalRunner; readonly restarts: string[] } {
    const built = buildRunner({ address: this.redis.address, world: this.world, name, ...more });
    built.runner.start();
    this.#ends.push(async () => {
      await built.runner.stop();
      built.connections.stop();
    });
    return built;
  }

  /** A runner in a process of its own; returns it once it has started. */
  async child(freeze: FreezePoint): Promise<ChildProcess> {
    const file = join(import.meta.dirname, "runner-child.ts");
    const args = ["--import", "tsx", file, this.redis.url, this.world.directory, freeze];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    this.#ends.push(async () => {
      await killed(child);
    });
    return child;
  }

  kinds(): readonly string[] {
    return this.news.map(({ kind }) => kind);
  }

  async hears(kind: JobNews["kind"], within = 10_000): Promise<number> {
    return await timeUntil(`news of ${kind}`, () => this.kinds().includes(kind), within);
  }

  async close(): Promise<void> {
    await this.feed.stop();
    for (const end of this.#ends) await end();
    await this.queue.stop();
    this.connections.stop();
    await this.redis.stop();
    await rm(this.world.directory, { recursive: true });
  }
}

export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

export async function inLab(work: (lab: JobsLab) => Promise<void>): Promise<void> {
  const lab = await JobsLab.open();
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}
