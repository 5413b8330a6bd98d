// Three Redis Sentinels that watch masters without replicas, each program with a loopback address of its own in one namespace.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Namespace } from "../lab/namespace.ts";
import { until } from "../waiting.ts";

const sentinels = ["sentinel1", "sentinel2", "sentinel3"];

export class SentinelTrio {
  readonly #place: Namespace;
  readonly #masters: number;

  private constructor(place: Namespace, masters: number) {
    this.#place = place;
    this.#masters = masters;
  }

  /** Resolves when each Sentinel knows the two others of every master. */
  static async start(masters: number): Promise<SentinelTrio> {
    const place = await Namespace.create("sentinel");
    const trio = new SentinelTrio(place, masters);
    try {
      for (let at = 1; at <= masters; at++) trio.#startMaster(at);
      for (const name of sentinels) await trio.#startSentinel(name);
      await until(
        "the Sentinels to know each other",
        () => sentinels.every((name) => trio.#known(name) >= 2 * masters) || undefined,
        30_000,
        200,
      );
      return trio;
    } catch (error) {
      await place.stop();
      throw error;
    }
  }

  get namespace(): string {
    return this.#place.path;
  }

  /** By each Sentinel: how often it held a master for down, alone or with the agreement of a quorum. */
  verdicts(): { readonly alone: readonly number[]; readonly byQuorum: readonly number[] } {
    const count = (text: string): readonly number[] =>
      sentinels.map((name) => this.#place.lines(name, text));
    return { alone: count("+sdown master"), byQuorum: count("+odown master") };
  }

  /** Waits until none is held for down. */
  async settled(): Promise<void> {
    const isUp = (name: string): boolean =>
      this.#place.lines(name, "+sdown master") === this.#place.lines(name, "-sdown master");
    await until("Redis's masters to be up", () => sentinels.every(isUp) || undefined, 60_000, 200);
  }

  #known(name: string): number {
    return this.#place.lines(name, "+sentinel ");
  }

  #startMaster(at: number): void {
    const words = ["--bind", addressOf(at), "--port", "6379", "--save", "", "--appendonly", "no"];
    this.#place.start(`master${String(at)}`, "redis-server", [...words, "--protected-mode", "no"]);
  }

  async #startSentinel(name: string): Promise<void> {
    const dir = path.join(this.#place.dir, `${name}.d`);
    await mkdir(dir);
    const address = `127.0.2.${name.slice(-1)}`;
    const lines = [`bind ${address}`, "port 26379", `dir ${dir}`];
    // Else it tells the others an address on which nobody listens, and no quorum is ever reached.
    lines.push(`sentinel announce-ip ${address}`);
    for (let at = 1; at <= this.#masters; at++) {
      const master = `m${String(at)}`;
      lines.push(`sentinel monitor ${master} ${addressOf(at)} 6379 2`);
      lines.push(`sentinel down-after-milliseconds ${master} 1000`);
    }
    const file = path.join(dir, "sentinel.conf");
    await writeFile(file, `${lines.join("\n")}\nprotected-mode no\n`);
    this.#place.start(name, "redis-server", [file, "--sentinel"]);
  }

  stop(): Promise<void> {
    return this.#place.stop();
  }
}

const addressOf = (master: number): string => `127.0.1.${String(master)}`;
