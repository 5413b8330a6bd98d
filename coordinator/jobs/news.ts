// News of revival jobs: runners write them to one stream in Redis, every coordinator follows it.

import type { Redis } from "ioredis";
import { exhausted, type JobNews } from "../core/job.ts";
import type { Clock } from "../../agent/io/clock.ts";
import type { Duration } from "../../proto/units.ts";
import { forgetOldest } from "../core/forget-oldest.ts";
import { endsWithin } from "./ends-within.ts";
import type { Keys } from "./keys.ts";
import type { JobFate, Unfinished } from "./revival-queue.ts";

/** Entries kept: hours of mass revival. Older ones are trimmed; who missed them reads the queue instead. */
const streamKept = 10_000;
/** How far back a new follower looks for the stages of unfinished jobs. */
const lookBack = 2_000;
const blockFor: Duration = 1_000;
/** How often what is known to run is compared with the queue: finds the ends whose news was lost. */
const reconcileEvery: Duration = 2_000;
/** News younger than this may still be on its way; only then does the queue have the last word. */
const settled: Duration = 1_500;
/** Ended recoveries remembered, so that late or repeated news of them is dropped. */
const endedKept = 5_000;

/** What is read of the queues. */
interface KnownJobs {
  unfinished(): Promise<readonly Unfinished[]>;
  fateOf(recovery: string): Promise<JobFate>;
}

/** Writes news in the order of the calls. While Redis is away they wait in the connection, in order. */
export class NewsWriter {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #origin: string;
  #written = 0;

  /** @param redis a runner's connection */
  constructor(redis: Redis, keys: Keys, origin: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#origin = origin;
  }

  /** Resolves once Redis has it. */
  async write(news: JobNews): Promise<void> {
    // A connection may send again what was lost with its answer: the name of the entry tells a repetition.
    const name = `${this.#origin}.${++this.#written}`;
    const text = JSON.stringify(news);
    await this.#redis.xadd(
      this.#keys.news,
      "MAXLEN",
      "~",
      streamKept,
      "*",
      "name",
      name,
      "news",
      text,
    );
  }
}

type KeyedNews = Extract<JobNews, { readonly recovery: string }>;
interface Entry {
  readonly id: string;
  readonly name: string;
  readonly news: JobNews;
}

interface Running {
  readonly token: KeyedNews["token"];
  stage: number;
  heardAt: number;
}

/**
 * Tells every coordinator of every job: first those that are unfinished (as `job-adopted`, then the news of their last try),
 * then what comes. In order for each recovery; each end once. After an interruption, ends whose news was lost are read from the queue.
 */
export class JobNewsFeed {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #queue: KnownJobs;
  readonly #clock: Clock;
  readonly #onNews: (news: JobNews) => void;
  readonly #onError: (error: Error) => void;
  readonly #running = new Map<string, Running>();
  readonly #ended = new Map<string, number>();
  readonly #names = new Set<string>();
  #cursor = "0-0";
  #isStopped = false;
  #loop: Promise<void> | undefined;
  #lastReconcile = 0;

  /** @param ask.redis a follower's connection of its own: it blocks */
  constructor(ask: {
    readonly redis: Redis;
    readonly keys: Keys;
    readonly queue: KnownJobs;
    readonly clock: Clock;
    readonly onNews: (news: JobNews) => void;
    readonly onError: (error: Error) => void;
  }) {
    this.#redis = ask.redis;
    this.#keys = ask.keys;
    this.#queue = ask.queue;
    this.#clock = ask.clock;
    this.#onNews = ask.onNews;
    this.#onError = ask.onError;
  }

  /** Begins to follow; goes on trying while Redis is away. */
  start(): void {
    this.#loop ??= this.#follow();
  }

  /** News that this process has at first hand: the answer to its own `enqueue`. Dropped where the stream was faster. */
  inject(news: JobNews): void {
    if (news.kind === "job-adopted") {
      // An older job that lives again after Redis lost its end.
      this.#ended.delete(news.found.recovery);
      this.#note(news.found.recovery, news.found.token);
      this.#onNews(news);
    } else this.#tell(news);
  }

  /** Ends the connection too, which ends a blocking read; one that is just reconnecting would never answer, so it is not waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#redis.disconnect();
    await endsWithin(this.#loop, 500);
  }

  async #follow(): Promise<void> {
    let isCaughtUp = false;
    while (!this.#isStopped) {
      try {
        if (!isCaughtUp) {
          await this.#catchUp();
          isCaughtUp = true;
        }
        await this.#readOnce();
        if (this.#clock.now() - this.#lastReconcile >= reconcileEvery) {
          this.#lastReconcile = this.#clock.now();
          await this.#reconcile();
        }
      } catch (error) {
        if (this.#hasStopped()) return;
        this.#onError(error instanceof Error ? error : new Error(String(error)));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #hasStopped(): boolean {
    return this.#isStopped;
  }

  async #catchUp(): Promise<void> {
    const past = parseEntries(
      await this.#redis.xrevrange(this.#keys.news, "+", "-", "COUNT", lookBack),
    ).reverse();
    this.#cursor = past.at(-1)?.id ?? "0-0";
    for (const entry of past) this.#names.add(entry.name);
    for (const unfinished of await this.#queue.unfinished()) this.#adopt(unfinished, past);
  }

  #adopt({ job, triesUsed, enqueuedAt }: Unfinished, past: readonly Entry[]): void {
    const { recovery, token } = job;
    this.#note(recovery, token);
    this.#onNews({ kind: "job-adopted", token, found: job, triesUsed });
    this.#onNews({ kind: "job-enqueued", token, recovery, at: enqueuedAt });
    const own = past.filter(({ news }) => "recovery" in news && news.recovery === recovery);
    const from = own.findLastIndex(({ news }) => news.kind === "try-started");
    for (const { news } of own.slice(Math.max(0, from))) this.#tell(news);
  }

  async #readOnce(): Promise<void> {
    const reply = await this.#redis.xread(
      "COUNT",
      256,
      "BLOCK",
      blockFor,
      "STREAMS",
      this.#keys.news,
      this.#cursor,
    );
    for (const entry of parseEntries(reply?.[0]?.[1] ?? [])) {
      this.#cursor = entry.id;
      if (this.#names.has(entry.name)) continue;
      this.#names.add(entry.name);
      forgetOldest(this.#names, streamKept);
      this.#tell(entry.news);
    }
  }

  /** Compares what runs as far as we heard with the queue. */
  async #reconcile(): Promise<void> {
    const unfinished = new Map((await this.#queue.unfinished()).map((u) => [u.job.recovery, u]));
    const now = this.#clock.now();
    for (const [recovery, known] of this.#running) {
      if (unfinished.has(recovery) || now - known.heardAt < settled) continue;
      const fate = await this.#queue.fateOf(recovery);
      if (this.#running.has(recovery)) this.#tellFate(recovery, known, fate);
    }
    for (const [recovery, one] of unfinished) {
      const endedAt = this.#ended.get(recovery);
      if (this.#running.has(recovery)) continue;
      if (endedAt !== undefined && now - endedAt < 2 * settled) continue;
      this.#ended.delete(recovery);
      this.#adopt(one, []);
    }
  }

  #tellFate(recovery: string, { token }: Running, fate: JobFate): void {
    const at = this.#clock.wall();
    switch (fate.kind) {
      case "alive":
        return;
      case "completed": {
        const { result } = fate;
        if (result.outcome === "recovered") {
          this.#tell({ kind: "recovered", token, recovery, at: fate.at });
        } else {
          this.#tell({ kind: "superseded", token, recovery, reason: result.reason, at: fate.at });
        }
        return;
      }
      case "failed": {
        this.#tell(exhausted(fate.job, fate.triesUsed, fate.reason, fate.at));
        return;
      }
      case "missing":
        this.#tell({
          kind: "superseded",
          token,
          recovery,
          reason: "its job is gone from the queue",
          at,
        });
    }
  }

  #tell(news: JobNews): void {
    if (!("recovery" in news)) {
      this.#onNews(news);
      return;
    }
    const { recovery } = news;
    if (this.#ended.has(recovery)) return;
    const isEnd =
      news.kind === "recovered" || news.kind === "exhausted" || news.kind === "superseded";
    const running = this.#note(recovery, news.token);
    // The answer to an enqueue may come after the first news of a fast runner.
    if (news.kind === "job-enqueued" && running.stage > 0) return;
    running.stage++;
    if (isEnd) {
      this.#running.delete(recovery);
      this.#ended.set(recovery, this.#clock.now());
      forgetOldest(this.#ended, endedKept);
    }
    this.#onNews(news);
  }

  #note(recovery: string, token: KeyedNews["token"]): Running {
    const running = this.#running.get(recovery) ?? { token, stage: 0, heardAt: 0 };
    running.heardAt = this.#clock.now();
    this.#running.set(recovery, running);
    return running;
  }
}

/** Entries that are not ours to read (another version's) are left out. */
function parseEntries(raw: readonly (readonly [string, readonly string[]])[]): Entry[] {
  const entries: Entry[] = [];
  for (const [id, fields] of raw) {
    const name = fields[fields.indexOf("name") + 1];
    const text = fields[fields.indexOf("news") + 1];
    if (name === undefined || text === undefined) continue;
    try {
      entries.push({ id, name, news: JSON.parse(text) as JobNews });
    } catch {
      continue;
    }
  }
  return entries;
}
