// Redis as far as heartmesh uses it: one thread that takes commands in order, may be away, hang, or come back with what it had a second ago.

import type { Network } from "./network.ts";
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";
import { newBullQueue, type BullQueue } from "./bull-data.ts";

export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

export interface RedisData {
  readonly strings: Map<string, { value: string; expiresAt: number }>;
  readonly hashes: Map<string, Map<string, string>>;
  readonly streams: Map<string, StreamEntry[]>;
  readonly sorted: Map<string, Map<string, number>>;
  readonly queues: Map<string, BullQueue>;
}

export const emptyData = (): RedisData => ({
  strings: new Map(),
  hashes: new Map(),
  streams: new Map(),
  sorted: new Map(),
  queues: new Map(),
});

/** Strings, fields and entries are never changed in place; jobs are. */
const copyOf = (data: RedisData): RedisData => ({
  strings: new Map(data.strings),
  hashes: new Map([...data.hashes].map(([key, hash]) => [key, new Map(hash)])),
  streams: new Map([...data.streams].map(([key, stream]) => [key, [...stream]])),
  sorted: new Map([...data.sorted].map(([key, sorted]) => [key, new Map(sorted)])),
  queues: structuredClone(data.queues),
});

/** How often its state is remembered, so that it can lose what came after. */
const snapshotEvery = 500;
/** Streams are trimmed to this: what the product reads back is far less. */
const streamKept = 3_000;

/** One way, ms. */
export const near = { low: 0.05, high: 0.6 };
export const away = { low: 20, high: 60 };
export const far = { low: 100, high: 450 };

export class RedisServer {
  readonly world: World;
  readonly network: Network;
  data = emptyData();
  isUp = true;
  /** Real time until which it takes nothing. */
  hungUntil = 0;
  /** Counts its starts and fail-overs: connections of an older one are broken. */
  run = 1;
  latency = near;
  /** A job is about to be sent to a queue; somebody has looked for the job of a worker. */
  onAdd: ((by: SimProcess) => void) | undefined;
  onLookup: ((by: SimProcess) => void) | undefined;
  /** Blocked readers, asked again after each change. */
  readonly #waiters = new Set<() => boolean>();
  readonly #onRun = new Set<() => void>();
  #snapshots: { readonly at: number; readonly data: RedisData }[] = [];
  readonly #keepsSnapshots: boolean;
  #wakesAt = Infinity;

  constructor(world: World, network: Network, keepsSnapshots: boolean) {
    this.world = world;
    this.network = network;
    this.#keepsSnapshots = keepsSnapshots;
    if (keepsSnapshots) this.#remember();
  }

  /** Tells connections that they are broken, and clients that a server is there again. */
  onRun(listener: () => void): void {
    this.#onRun.add(listener);
  }

  kill(): void {
    this.isUp = false;
    this.#waiters.clear();
    this.#changeRun();
  }

  /** `lost`: what was written in the last so many ms is gone. */
  start(lost: number): void {
    this.isUp = true;
    this.hungUntil = 0;
    if (lost > 0) this.#rollBack(lost);
    this.#changeRun();
  }

  hang(ms: number): void {
    this.hungUntil = this.world.now + ms;
  }

  /** A command that has arrived. */
  execute<Value>(command: (data: RedisData, now: number) => Value): Value {
    const value = command(this.data, this.world.now);
    this.#wakeWaiters();
    return value;
  }

  /** `tryNow` is asked after each change until it says true. What is returned ends that; false where it had ended already. */
  wait(tryNow: () => boolean): () => boolean {
    this.#waiters.add(tryNow);
    return () => this.#waiters.delete(tryNow);
  }

  /** Something becomes due then. */
  wakeAt(time: number): void {
    if (time >= this.#wakesAt || time === Infinity) return;
    this.#wakesAt = time;
    this.world.at(time, () => {
      if (this.#wakesAt !== time) return;
      this.#wakesAt = Infinity;
      this.#wakeWaiters();
    });
  }

  #wakeWaiters(): void {
    for (const tryNow of this.#waiters) if (tryNow()) this.#waiters.delete(tryNow);
  }

  #changeRun(): void {
    this.run++;
    for (const listener of this.#onRun) listener();
  }

  #remember(): void {
    if (this.isUp) {
      this.#snapshots.push({ at: this.world.now, data: copyOf(this.data) });
      this.#snapshots = this.#snapshots.slice(-8);
    }
    this.world.after(snapshotEvery, () => {
      this.#remember();
    });
  }

  #rollBack(lost: number): void {
    if (!this.#keepsSnapshots) throw new Error("no snapshots are kept in this run");
    const target = this.world.now - lost;
    const found = this.#snapshots.findLast(({ at }) => at <= target) ?? this.#snapshots[0];
    if (found !== undefined) this.data = copyOf(found.data);
  }
}

// ---- single commands

export function addEntry(
  data: RedisData,
  key: string,
  now: number,
  fields: readonly string[],
): string {
  const stream = data.streams.get(key) ?? [];
  data.streams.set(key, stream);
  // Also after a roll-back ids go on: by the clock, as Redis makes them.
  const last = stream.at(-1)?.id.split("-").map(Number) ?? [0, 0];
  const ms = Math.max(Math.floor(now), last[0] ?? 0);
  const id = `${ms}-${ms === last[0] ? (last[1] ?? 0) + 1 : 0}`;
  stream.push({ id, fields });
  if (stream.length > streamKept) stream.splice(0, stream.length - streamKept);
  return id;
}

/** Of two ids of stream entries. */
export const isAfter = (a: string, b: string): boolean => {
  const [aMs = 0, aSeq = 0] = a.split("-").map(Number);
  const [bMs = 0, bSeq = 0] = b.split("-").map(Number);
  return aMs > bMs || (aMs === bMs && aSeq > bSeq);
};

export function entriesAfter(data: RedisData, key: string, id: string): readonly StreamEntry[] {
  const stream = data.streams.get(key) ?? [];
  let from = stream.length;
  while (from > 0 && isAfter(stream[from - 1]?.id ?? "0-0", id)) from--;
  return stream.slice(from);
}

export function hashOf(data: RedisData, key: string): Map<string, string> {
  const hash = data.hashes.get(key) ?? new Map<string, string>();
  data.hashes.set(key, hash);
  return hash;
}

export function sortedOf(data: RedisData, key: string): Map<string, number> {
  const sorted = data.sorted.get(key) ?? new Map<string, number>();
  data.sorted.set(key, sorted);
  return sorted;
}

/** Undefined once it has expired. */
export function stringOf(
  data: RedisData,
  key: string,
  now: number,
): { readonly value: string; readonly expiresAt: number } | undefined {
  const found = data.strings.get(key);
  return found === undefined || found.expiresAt <= now ? undefined : found;
}

export function queueOf(data: RedisData, name: string): BullQueue {
  const queue = data.queues.get(name) ?? newBullQueue();
  data.queues.set(name, queue);
  return queue;
}
