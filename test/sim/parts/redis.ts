// Connections to the simulated Redis, with the patience that each role has.

import { currentLoop, type Loop } from "../loop.ts";
import { surroundingsOf } from "../host-of.ts";
import {
  addEntry,
  entriesAfter,
  hashOf,
  isAfter,
  sortedOf,
  type RedisData,
  type RedisServer,
} from "../redis-server.ts";
import { scriptOf } from "../redis-scripts.ts";
import type { ConnectionRole } from "../../../coordinator/io/redis.ts";

export type { ConnectionRole };

/** As the product's options say. */
const producerPatience = 1_000;
const reconnectMost = 250;
/** What a cut link holds back arrives when it is whole again, or the connection breaks after this. */
const brokenAfter = 10_000;

interface Call {
  readonly command: (data: RedisData, now: number) => unknown;
  /** A blocking command: tries again until this many ms have passed. */
  readonly blocks: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  isOver: boolean;
}

/** What a command answers that has nothing yet. */
export const nothingYet = Symbol("nothing yet");

export class SimRedis {
  status: "connecting" | "ready" | "end" = "connecting";
  readonly options: Record<string, unknown> = {};
  readonly #loop: Loop = currentLoop();
  readonly server: RedisServer = surroundingsOf(this.#loop.process).redis;
  readonly #role: ConnectionRole;
  #pending: Call[] = [];
  #queued: Call[] = [];
  #run = 0;
  /** Sent and not arrived, in order. */
  readonly #outgoing: { readonly call: Call; readonly run: number; readonly arrivesAt: number }[] =
    [];
  #answersAt = 0;

  constructor(role: ConnectionRole) {
    this.#role = role;
    this.server.onRun(() => {
      this.#onRun();
    });
    this.#reconnect(0.5);
  }

  on(): this {
    return this;
  }

  disconnect(): void {
    this.status = "end";
    for (const call of [...this.#pending, ...this.#queued])
      this.#fail(call, "Connection is closed.");
    this.#pending = [];
    this.#queued = [];
  }

  call<Value>(command: (data: RedisData, now: number) => Value, blocks = 0): Promise<Value> {
    return new Promise((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      const call: Call = { command, blocks, resolve: settle, reject, isOver: false };
      if (this.status === "end") reject(new Error("Connection is closed."));
      else if (this.status === "ready") this.#send(call);
      else if (this.#role === "producer") reject(new Error("Stream isn't writeable"));
      else this.#queued.push(call);
    });
  }

  // ---- the commands that the product uses

  ping(): Promise<unknown> {
    return this.call(() => "PONG");
  }

  set(key: string, value: string, _px: string, ttl: number): Promise<unknown> {
    return this.call((data, now) => {
      data.strings.set(key, { value, expiresAt: now + ttl });
      return "OK";
    });
  }

  eval(script: string, keys: number, ...rest: (string | number)[]): Promise<unknown> {
    return this.call(evalCommand(script, keys, rest));
  }

  xadd(key: string, ...rest: (string | number)[]): Promise<unknown> {
    return this.call(xaddCommand(key, rest));
  }

  xread(...rest: (string | number)[]): Promise<unknown> {
    const [, , , block, , key = "", id = ""] = rest;
    return this.call((data) => {
      const found = entriesAfter(data, String(key), String(id)).slice(0, 256);
      if (found.length === 0) return nothingYet;
      return [[key, found.map((entry) => [entry.id, entry.fields])]];
    }, Number(block));
  }

  xrevrange(
    key: string,
    end: string,
    _start: string,
    _count: string,
    count: number,
  ): Promise<unknown> {
    return this.call((data) => {
      const all = data.streams.get(key) ?? [];
      const before = end === "+" ? all : all.filter(({ id }) => isAfter(end.slice(1), id));
      return before
        .slice(-count)
        .reverse()
        .map(({ id, fields }) => [id, fields]);
    });
  }

  hget(key: string, field: string): Promise<string | null> {
    return this.call((data) => data.hashes.get(key)?.get(field) ?? null);
  }

  hvals(key: string): Promise<string[]> {
    return this.call((data) => [...hashOf(data, key).values()]);
  }

  zrange(key: string): Promise<string[]> {
    return this.call((data) => {
      const entries = [...sortedOf(data, key)].sort(([, a], [, b]) => a - b);
      return entries.map(([member]) => member);
    });
  }

  pipeline(): Pipeline {
    return new Pipeline(this);
  }

  // ---- the connection

  #onRun(): void {
    if (this.status === "end" || !this.#loop.process.alive) return;
    if (this.status === "ready" && this.#run !== this.server.run) this.#break();
  }

  #break(): void {
    this.status = "connecting";
    const pending = this.#pending;
    this.#pending = [];
    for (const call of pending) {
      if (call.isOver) continue;
      if (this.#role === "producer")
        this.#later(() => {
          this.#fail(call, "Connection is closed.");
        });
      // Sent again on the next connection, whether or not it was carried out.
      else this.#queued.push(call);
    }
    this.#reconnect(this.server.world.random.between(25, reconnectMost));
  }

  #reconnect(wait: number): void {
    this.server.world.after(wait, () => {
      if (this.status !== "connecting" || !this.#loop.process.alive) return;
      if (!this.server.isUp || this.#isCut() || this.server.hungUntil > this.server.world.now) {
        this.#reconnect(reconnectMost);
        return;
      }
      this.#later(() => {
        if (this.status !== "connecting") return;
        this.status = "ready";
        this.#run = this.server.run;
        const queued = this.#queued;
        this.#queued = [];
        for (const call of queued) this.#send(call);
      });
    });
  }

  #isCut(): boolean {
    const { network } = this.server;
    const { name } = this.#loop.process;
    return network.isCut(name, "redis") || network.isCut("redis", name);
  }

  #later(run: () => void): void {
    this.#loop.deliver(run);
  }

  #send(call: Call): void {
    const { world } = this.server;
    if (!this.#loop.process.effect()) return;
    this.#pending.push(call);
    if (this.#role === "producer") {
      this.#loop.setTimer(
        () => {
          this.#fail(call, "Command timed out");
        },
        producerPatience,
        false,
      );
    }
    const last = this.#outgoing.at(-1)?.arrivesAt ?? 0;
    const arrivesAt = Math.max(last, world.now + this.#latency());
    this.#outgoing.push({ call, run: this.#run, arrivesAt });
    if (this.#outgoing.length === 1) this.#pump();
  }

  /** Its commands in order, as soon as the link and the server take them. */
  #pump(): void {
    const { server } = this;
    const { world } = server;
    const [head] = this.#outgoing;
    if (head === undefined) return;
    const again = (at: number): void => {
      world.at(at, () => {
        this.#pump();
      });
    };
    if (head.run !== server.run || this.status === "end") this.#outgoing.shift();
    else if (head.arrivesAt > world.now) {
      again(head.arrivesAt);
      return;
    } else if (this.#isCut() || server.hungUntil > world.now) {
      if (world.now - head.arrivesAt > brokenAfter) {
        this.#outgoing.shift();
        this.#later(() => {
          this.#break();
        });
      }
      again(world.now + 50);
      return;
    } else {
      this.#outgoing.shift();
      this.#execute(head.call, head.run);
    }
    if (this.#outgoing.length > 0) again(world.now);
  }

  #execute(call: Call, run: number): void {
    const { server } = this;
    const { world } = server;
    const answer = (value: unknown): void => {
      this.#answersAt = Math.max(this.#answersAt, world.now + this.#latency());
      world.at(this.#answersAt, () => {
        if (run !== server.run) return;
        this.#later(() => {
          this.#finish(call, value);
        });
      });
    };
    const attempt = (): boolean => {
      // A blocked reader that is gone takes nothing.
      if (call.blocks > 0 && !this.#loop.process.alive) return true;
      const value = call.command(server.data, world.now);
      if (value === nothingYet) return false;
      answer(value);
      return true;
    };
    if (server.execute(() => attempt())) return;
    const cancel = server.wait(attempt);
    world.after(call.blocks, () => {
      if (cancel()) answer(null);
    });
  }

  #latency(): number {
    const { world, latency } = this.server;
    return world.random.between(latency.low, latency.high);
  }

  #finish(call: Call, value: unknown): void {
    if (call.isOver) return;
    call.isOver = true;
    this.#pending = this.#pending.filter((one) => one !== call);
    call.resolve(value);
  }

  #fail(call: Call, reason: string): void {
    if (call.isOver) return;
    call.isOver = true;
    this.#pending = this.#pending.filter((one) => one !== call);
    call.reject(new Error(reason));
  }
}

type Command = (data: RedisData, now: number) => unknown;

const evalCommand =
  (script: string, keys: number, rest: readonly (string | number)[]): Command =>
  (data, now) =>
    scriptOf(script)(data, rest.slice(0, keys).map(String), rest.slice(keys), now);

/** `MAXLEN ~ n * field value …` */
const xaddCommand =
  (key: string, rest: readonly (string | number)[]): Command =>
  (data, now) =>
    addEntry(data, key, now, rest.slice(rest.indexOf("*") + 1).map(String));

class Pipeline {
  readonly #redis: SimRedis;
  readonly #commands: Command[] = [];

  constructor(redis: SimRedis) {
    this.#redis = redis;
  }

  get length(): number {
    return this.#commands.length;
  }

  eval(script: string, keys: number, ...rest: (string | number)[]): this {
    return this.#push(evalCommand(script, keys, rest));
  }

  xadd(key: string, ...rest: (string | number)[]): this {
    return this.#push(xaddCommand(key, rest));
  }

  zadd(key: string, score: number, member: string): this {
    return this.#push((data) => sortedOf(data, key).set(member, score).size);
  }

  zremrangebyrank(): this {
    return this;
  }

  xtrim(): this {
    return this;
  }

  exec(): Promise<[null, unknown][]> {
    return this.#redis.call((data, now) =>
      this.#commands.map((command): [null, unknown] => [null, command(data, now)]),
    );
  }

  #push(command: Command): this {
    this.#commands.push(command);
    return this;
  }
}

export class RedisConnections {
  readonly #open = new Set<SimRedis>();

  open(role: ConnectionRole): SimRedis {
    const connection = new SimRedis(role);
    this.#open.add(connection);
    return connection;
  }

  close(connection: SimRedis): void {
    this.#open.delete(connection);
    connection.disconnect();
  }

  changePassword(): void {
    // None here.
  }

  stop(): void {
    for (const connection of this.#open) connection.disconnect();
    this.#open.clear();
  }
}
