// Partitions by iptables, in network namespaces that the lab made.

import { run } from "../../lab/engine.ts";

export interface Rule {
  /** For `nsenter --net=`. */
  readonly namespace: string;
  readonly chain: "INPUT" | "OUTPUT";
  /** Words of iptables: whose packets are dropped. */
  readonly packets: string;
}

/** Drops these packets until what it resolves to is called. A namespace that has gone with its container needs nothing more. */
export async function partition(rules: readonly Rule[]): Promise<() => Promise<void>> {
  const laid: Rule[] = [];
  const lift = async (): Promise<void> => {
    for (const rule of laid) await iptables("-D", rule);
  };
  for (const rule of rules) {
    const ran = await iptables("-I", rule);
    if (ran.code !== 0) {
      await lift();
      throw new Error(`no partition: ${ran.stderr.trim()}`);
    }
    laid.push(rule);
  }
  return lift;
}

function iptables(verb: "-I" | "-D", { namespace, chain, packets }: Rule): ReturnType<typeof run> {
  const words = ["iptables", "-w", verb, chain, ...packets.split(" "), "-j", "DROP"];
  return run("nsenter", [`--net=${namespace}`, ...words]);
}
