// serf's agents, LAN profile, each with a loopback address of its own in one namespace.

import { Namespace } from "../lab/namespace.ts";
import { until } from "../waiting.ts";

export class SerfCluster {
  readonly #place: Namespace;
  readonly #names: readonly string[];

  private constructor(place: Namespace, names: readonly string[]) {
    this.#place = place;
    this.#names = names;
  }

  /** Resolves when each has met all others. */
  static async start(size: number): Promise<SerfCluster> {
    const place = await Namespace.create("serf");
    const names = Array.from({ length: size }, (_, at) => `s${String(at + 1)}`);
    const cluster = new SerfCluster(place, names);
    try {
      for (const [at, name] of names.entries()) {
        const address = `127.0.0.${String(at + 11)}`;
        const words = ["-node", name, "-bind", address, "-rpc-addr", `${address}:7373`];
        const join = at === 0 ? [] : ["-retry-join", "127.0.0.11", "-retry-interval", "1s"];
        place.start(name, "serf", ["agent", ...words, "-profile", "lan", ...join]);
      }
      await cluster.settled();
      return cluster;
    } catch (error) {
      await place.stop();
      throw error;
    }
  }

  get namespace(): string {
    return this.#place.path;
  }

  /** By each agent: how often it was told that a member had failed. */
  failures(): readonly number[] {
    return this.#names.map((name) => this.#place.lines(name, "EventMemberFailed"));
  }

  /** Waits until everybody holds everybody for alive. */
  async settled(): Promise<void> {
    await until(
      "serf's members to be alive",
      () => this.#names.every((name) => this.#alive(name) === this.#names.length) || undefined,
      60_000,
      200,
    );
  }

  #alive(name: string): number {
    const joined = this.#place.lines(name, "EventMemberJoin");
    return joined - this.#place.lines(name, "EventMemberFailed");
  }

  stop(): Promise<void> {
    return this.#place.stop();
  }
}
