// Loss of packets by chance, in network namespaces that a lab made: dropped where they arrive, so that the sender learns nothing.

import { run } from "./engine.ts";

/** Arriving packets of one namespace. */
export interface LossyPlace {
  /** For `nsenter --net=`. */
  readonly namespace: string;
  /** Which packets: words of iptables for its INPUT chain, once for each kind. */
  readonly packets: readonly string[];
}

export interface Lost {
  readonly seen: number;
  readonly dropped: number;
}

/** Several may be in force at once, each in a chain of its own. */
let count = 0;

/** From `begin` to `lift` each of these packets is dropped with this probability, the kernel counting. */
export class Loss {
  readonly #places: readonly LossyPlace[];
  readonly #chain = `LOSS${String(++count)}`;

  private constructor(places: readonly LossyPlace[]) {
    this.#places = places;
  }

  static async begin(places: readonly LossyPlace[], probability: number): Promise<Loss> {
    const loss = new Loss(places);
    const chain = loss.#chain;
    const chance = `-m statistic --mode random --probability ${String(probability)}`;
    for (const { namespace, packets } of places) {
      const ran = await script(namespace, [
        `iptables -w -N ${chain}`,
        `iptables -w -A ${chain} ${chance} -j DROP`,
        ...packets.map((words) => `iptables -w -I INPUT ${words} -j ${chain}`),
      ]);
      if (ran.code === 0) continue;
      await loss.lift();
      throw new Error(`no loss in ${namespace}: ${ran.stderr}`);
    }
    return loss;
  }

  /** Since its begin, all places together; of a namespace that has gone with its container nothing is known. */
  async lost(): Promise<Lost> {
    let seen = 0;
    let dropped = 0;
    for (const { namespace } of this.#places) {
      const { stdout } = await script(namespace, ["iptables -w -nvxL"]);
      for (const section of stdout.split("Chain ")) {
        const isOwn = section.startsWith(`${this.#chain} `);
        for (const line of section.split("\n")) {
          const [packets, , target] = line.trim().split(/\s+/);
          if (target === this.#chain) seen += Number(packets);
          if (target === "DROP" && isOwn) dropped += Number(packets);
        }
      }
    }
    return { seen, dropped };
  }

  async lift(): Promise<void> {
    const chain = this.#chain;
    for (const { namespace, packets } of this.#places) {
      const removals = packets.map((words) => `iptables -w -D INPUT ${words} -j ${chain}; true`);
      await script(namespace, [...removals, `iptables -w -F ${chain}; iptables -w -X ${chain}`]);
    }
  }
}

function script(namespace: string, commands: readonly string[]): ReturnType<typeof run> {
  return run("nsenter", [`--net=${namespace}`, "sh", "-c", commands.join(" && ")]);
}
