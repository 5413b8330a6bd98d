// The record in Redis: events, recoveries, workers; kept in order in memory while Redis is away, and written down when it is back.

import { isDeepStrictEqual } from "node:util";
import type { Redis } from "ioredis";
import { asksForChanges, isWanted, type MeshEvent } from "../core/event.ts";
import type { Heard } from "../core/hearing.ts";
import { mergeRecords, type RecoveryRecord } from "../core/recovery-record.ts";
import type { GossipRecord } from "../../proto/messages.ts";
import type { Clock } from "../../agent/io/clock.ts";
import type { Duration } from "../../proto/units.ts";
import { forgetOldest } from "../core/forget-oldest.ts";
import {
  idFrom,
  idUntil,
  isAskedFor,
  type EventAsk,
  type ListedEvent,
  type RecoveryAsk,
} from "./record-asks.ts";
import { saveRecoveryScript, saveWorkerScript } from "./record-scripts.ts";

/** Entries of each kind; older ones are forgotten, also those older than the retention. */
const kept = 100_000;
/** What waits for Redis; beyond it the oldest is dropped and counted. */
const buffered = 10_000;
const batch = 200;
/** Recoveries of which is remembered what is stored: those of a mass recovery. */
const storedKept = 1_000;
const retryAfter: Duration = 250;
const trimEvery: Duration = 60_000;
/** Entries read at a time to fill one page that is filtered. */
const scanChunk = 1_000;
/** The largest page. */
const pageBound = 1_000;

export interface SavedWorker {
  readonly record: GossipRecord;
  /** Wall-clock ms: the record's durations count from here. */
  readonly savedAt: number;
}

type Write =
  | { readonly kind: "event"; readonly event: MeshEvent; readonly name: string }
  | { readonly kind: "recovery"; readonly record: RecoveryRecord }
  | { readonly kind: "worker"; readonly saved: SavedWorker }
  | { readonly kind: "heard"; readonly heard: Heard };

interface Stored {
  readonly version: string;
  readonly record: RecoveryRecord;
}

export class RecordStore {
  readonly #redis: Redis;
  readonly #key: (part: string) => string;
  readonly #clock: Clock;
  readonly #retention: Duration;
  readonly #origin: string;
  readonly #onError: (error: Error) => void;
  /** Recoveries as last seen in Redis or written there. */
  readonly #stored = new Map<string, Stored>();
  #waiting: Write[] = [];
  /** Those that Redis was given and has not answered for. */
  #sent = 0;
  #count = 0;
  #dropped = 0;
  #trimmedAt = Number.NEGATIVE_INFINITY;
  #isFlushing = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /**
   * @param ask.redis a producer's connection; the caller's to close
   * @param ask.key names of the record's keys (`Keys.record`)
   * @param ask.origin unique to this process
   */
  constructor(ask: {
    readonly redis: Redis;
    readonly key: (part: string) => string;
    readonly clock: Clock;
    readonly retention: Duration;
    readonly origin: string;
    readonly onError: (error: Error) => void;
  }) {
    this.#redis = ask.redis;
    this.#key = ask.key;
    this.#clock = ask.clock;
    this.#retention = ask.retention;
    this.#origin = ask.origin;
    this.#onError = ask.onError;
  }

  /** Entries that wait for Redis, and those that the bound cost. */
  get backlog(): { readonly waiting: number; readonly dropped: number } {
    return { waiting: this.#waiting.length + this.#sent, dropped: this.#dropped };
  }

  appendEvent(event: MeshEvent): void {
    this.#put({ kind: "event", event, name: this.#name() });
  }

  /** Every coordinator may save every recovery: what is stored is what they know together. */
  saveRecovery(record: RecoveryRecord): void {
    this.#put({ kind: "recovery", record });
  }

  /** An older (term, epoch), or an earlier save of the same, never overwrites a newer one. */
  saveWorkerRecord(saved: SavedWorker): void {
    this.#put({ kind: "worker", saved });
  }

  /** Saved again, it is the newest. */
  saveHeard({ worker, voice }: Heard): void {
    this.#put({ kind: "heard", heard: { worker, voice } });
  }

  /** Newest first. Rejects while Redis is away. */
  async listEvents(ask: EventAsk): Promise<readonly ListedEvent[]> {
    // A page goes on where the one before ended: of the same filter, so in the same list.
    const part = asksForChanges(ask) ? "changes" : "events";
    const entries = await this.#page<MeshEvent>(part, ask, (event) => isWanted(event, ask));
    return entries.map(({ id, value }) => ({ id, event: value }));
  }

  async newestEvent(): Promise<string> {
    const [entry] = await this.#redis.xrevrange(this.#key("events"), "+", "-", "COUNT", 1);
    return entry?.[0] ?? "0-0";
  }

  async eventsAfter(id: string): Promise<readonly ListedEvent[]> {
    const key = this.#key("events");
    const entries = await this.#redis.xrange(key, `(${id}`, "+", "COUNT", scanChunk);
    return entries.map(([entry, [, , , text = "null"]]) => ({
      id: entry,
      event: JSON.parse(text) as MeshEvent,
    }));
  }

  async getRecovery(id: string): Promise<RecoveryRecord | undefined> {
    const text = await this.#redis.hget(this.#key("recoveries"), id);
    return text === null ? undefined : parseRecovery(text);
  }

  /** Newest first; `before` is the id of a recovery. */
  async listRecoveries(ask: RecoveryAsk): Promise<readonly RecoveryRecord[]> {
    const times = this.#key("recoveries:time");
    const limit = pageLimit(ask.limit);
    const found: RecoveryRecord[] = [];
    const end = await this.#redis.zcount(times, ask.from ?? "-inf", "+inf");
    let at = await this.#firstRank(times, ask);
    while (found.length < limit && at < end) {
      const ids = await this.#redis.zrevrange(times, at, Math.min(at + scanChunk, end) - 1);
      if (ids.length === 0) break;
      at += ids.length;
      for (const text of await this.#redis.hmget(this.#key("recoveries"), ...ids)) {
        if (text === null || found.length >= limit) continue;
        const record = parseRecovery(text);
        if (isAskedFor(record, ask)) found.push(record);
      }
    }
    return found;
  }

  /** Of the newest that is asked for, the newest of all being 0. */
  async #firstRank(times: string, { before, until }: RecoveryAsk): Promise<number> {
    const rank = before === undefined ? null : await this.#redis.zrevrank(times, before);
    const isLater = until === undefined ? 0 : await this.#redis.zcount(times, until, "+inf");
    return Math.max(isLater, rank === null ? 0 : rank + 1);
  }

  async loadWorkerRecords(): Promise<readonly SavedWorker[]> {
    const all = await this.#redis.hvals(this.#key("workers"));
    return all.map((text) => JSON.parse(text) as SavedWorker);
  }

  /** Those heard last; the bound forgets whom nobody has heard for longest. */
  async loadHeard(): Promise<readonly Heard[]> {
    const all = await this.#redis.zrange(this.#key("heard"), 0, "-1");
    return all.map((text) => JSON.parse(text) as Heard);
  }

  /** Writes down what waits, as far as Redis takes it within `within` ms. */
  async stop(within: Duration = 1_000): Promise<void> {
    const deadline = this.#clock.now() + within;
    while (this.backlog.waiting > 0 && this.#clock.now() < deadline) {
      this.#flushSoon(0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #name(): string {
    return `${this.#origin}.${++this.#count}`;
  }

  #put(write: Write): void {
    this.#waiting.push(write);
    if (this.#waiting.length > buffered) {
      this.#waiting.shift();
      this.#dropped++;
    }
    this.#flushSoon(0);
  }

  #flushSoon(wait: Duration): void {
    if (this.#isStopped || this.#isFlushing || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, wait);
  }

  /** In order; a batch whose answer was lost is written again, which names and comparisons make harmless. */
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    let isDown = false;
    while (this.#waiting.length > 0 && !isDown) {
      const taken = this.#waiting.splice(0, batch);
      this.#sent = taken.length;
      try {
        if (this.#redis.status !== "ready") throw new Error("Redis is not connected");
        await this.#write(taken);
      } catch (error) {
        isDown = true;
        this.#waiting = [...taken, ...this.#waiting];
        const excess = Math.max(0, this.#waiting.length - buffered);
        this.#waiting.splice(0, excess);
        this.#dropped += excess;
        this.#onError(error instanceof Error ? error : new Error(String(error)));
      }
      this.#sent = 0;
    }
    this.#isFlushing = false;
    if (this.#waiting.length > 0) this.#flushSoon(retryAfter);
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const oldest = this.#clock.wall() - this.#retention;
    const pipeline = this.#redis.pipeline();
    const saves = new Map<number, RecoveryRecord>();
    for (const write of writes) {
      switch (write.kind) {
        case "event":
          this.#append(pipeline, "events", write.name, write.event);
          // Once more where what the mesh tells of itself cannot crowd them out.
          if (write.event.change !== undefined) {
            this.#append(pipeline, "changes", write.name, write.event);
          }
          break;
        case "recovery": {
          saves.set(pipeline.length, write.record);
          this.#saveRecovery(pipeline, write.record, oldest);
          break;
        }
        case "worker": {
          const { worker } = write.saved.record;
          pipeline.eval(
            saveWorkerScript,
            1,
            this.#key("workers"),
            worker,
            JSON.stringify(write.saved),
          );
          break;
        }
        case "heard": {
          const key = this.#key("heard");
          pipeline.zadd(key, this.#clock.wall(), JSON.stringify(write.heard));
          pipeline.zremrangebyrank(key, 0, -1 - kept);
        }
      }
    }
    if (this.#clock.now() - this.#trimmedAt > trimEvery) {
      this.#trimmedAt = this.#clock.now();
      pipeline.xtrim(this.#key("events"), "MINID", "~", Math.max(0, oldest));
      pipeline.xtrim(this.#key("changes"), "MINID", "~", Math.max(0, oldest));
    }
    const answers = (await pipeline.exec()) ?? [];
    for (const [error] of answers) if (error !== null) throw error;
    for (const [at, record] of saves) {
      const stored = answers[at]?.[1];
      if (typeof stored === "string") this.#merge(record, stored);
    }
  }

  #saveRecovery(
    pipeline: ReturnType<Redis["pipeline"]>,
    record: RecoveryRecord,
    oldest: number,
  ): void {
    const replaced = this.#stored.get(record.id);
    const next: Stored = {
      // A name, not a number: two who count from the same one would take each other's record for their own.
      version: this.#name(),
      record: replaced === undefined ? record : mergeRecords(replaced.record, record),
    };
    this.#note(next);
    pipeline.eval(
      saveRecoveryScript,
      2,
      this.#key("recoveries"),
      this.#key("recoveries:time"),
      record.id,
      replaced?.version ?? "",
      JSON.stringify({ ...next.record, version: next.version }),
      record.detectedAt,
      kept,
      oldest,
    );
  }

  /** Somebody else wrote it meanwhile. Nothing is lost by a second writing where it knew less than we. */
  #merge(record: RecoveryRecord, text: string): void {
    const stored = parseStored(text);
    this.#note(stored);
    const merged = mergeRecords(stored.record, record);
    if (isDeepStrictEqual(merged, stored.record)) return;
    this.#waiting.unshift({ kind: "recovery", record: merged });
  }

  #note(stored: Stored): void {
    const { id } = stored.record;
    this.#stored.delete(id);
    this.#stored.set(id, stored);
    forgetOldest(this.#stored, storedKept);
  }

  #append(
    pipeline: ReturnType<Redis["pipeline"]>,
    part: "events" | "changes",
    name: string,
    value: unknown,
  ): void {
    const text = JSON.stringify(value);
    pipeline.xadd(this.#key(part), "MAXLEN", "~", kept, "*", "name", name, "value", text);
  }

  async #page<Value>(
    part: "events" | "changes",
    ask: EventAsk,
    matches: (value: Value) => boolean,
  ): Promise<readonly { readonly id: string; readonly value: Value }[]> {
    const limit = pageLimit(ask.limit);
    const found: { id: string; value: Value }[] = [];
    const names = new Set<string>();
    const { before, from, until } = ask;
    const begin = idFrom(from);
    let end = before === undefined ? idUntil(until) : `(${before}`;
    for (let read = 0; read < 2 * kept && found.length < limit; read += scanChunk) {
      const chunk = await this.#redis.xrevrange(this.#key(part), end, begin, "COUNT", scanChunk);
      const last = chunk.at(-1);
      if (last === undefined) break;
      end = `(${last[0]}`;
      for (const [id, [, name = "", , text = "null"]] of chunk) {
        if (names.has(name) || found.length >= limit) continue;
        names.add(name);
        const value = JSON.parse(text) as Value;
        if (matches(value)) found.push({ id, value });
      }
    }
    return found;
  }
}

const pageLimit = (limit: number): number => Math.min(pageBound, Math.max(1, Math.floor(limit)));

const parseRecovery = (text: string): RecoveryRecord => parseStored(text).record;

function parseStored(text: string): Stored {
  const { version = "", ...record } = JSON.parse(text) as RecoveryRecord & { version?: string };
  return { version, record };
}
