// A network of their own for several lab engines: a bridge in a namespace, a cable from it to each host, and what can be wrong with a cable.

import { must, run } from "./engine.ts";
import { Namespace } from "./namespace.ts";

/**
 * `link`: the cable is out, which its host sees too · `both`: nothing arrives at the host and nothing from it
 * elsewhere, and nobody is told · `in`, `out`: the same in one direction.
 */
export type Cut = "link" | "both" | "in" | "out";

interface Fault {
  readonly cut: Cut;
  /** That a packet is lost; 1 unless given. */
  readonly probability?: number;
}

interface Port {
  /** The host's name and the cable's in the bridge's namespace. */
  readonly name: string;
  readonly netns: string;
  readonly address: string;
}

/** The cable's end in its host. */
const nic = "eth0";

export class Lan {
  readonly #space: Namespace;
  readonly #plugged = new Map<string, Port>();
  /** By the host's name; they outlast its cable. */
  readonly #faults = new Map<string, readonly Fault[]>();
  readonly #addresses: ReadonlyMap<string, string>;
  #applied: Promise<unknown> = Promise.resolve();

  private constructor(space: Namespace, hosts: readonly string[]) {
    this.#space = space;
    this.#addresses = new Map(hosts.map((host, at) => [host, `10.77.0.${at + 1}`]));
  }

  /** @param hosts their names, at most 15 characters each; the first gets the address 10.77.0.1 */
  static async create(hosts: readonly string[]): Promise<Lan> {
    const space = await Namespace.create("lan");
    try {
      await must("ip", ["-n", space.name, "link", "add", "bridge", "type", "bridge"]);
      await must("ip", ["-n", space.name, "link", "set", "bridge", "up"]);
    } catch (error) {
      await space.stop();
      throw error;
    }
    return new Lan(space, hosts);
  }

  address(host: string): string {
    const address = this.#addresses.get(host);
    if (address === undefined) throw new Error(`${host} has no place in this network`);
    return address;
  }

  /** Leads a cable into the host's namespace. Faults that its host already has are in force at once. */
  async plug(name: string, netns: string): Promise<void> {
    const port: Port = { name, netns, address: this.address(name) };
    const bridge = ["-n", this.#space.name, "link"];
    const peer = ["type", "veth", "peer", "name", nic, "netns", netns];
    await must("ip", [...bridge, "add", name, ...peer]);
    await must("ip", [...bridge, "set", name, "master", "bridge"]);
    await must("ip", ["-n", netns, "addr", "add", `${port.address}/24`, "dev", nic]);
    await must("nsenter", [
      ...[`--net=/var/run/netns/${netns}`, "sh", "-c"],
      `iptables -w -t raw -N FAULTS && iptables -w -t raw -A PREROUTING -i ${nic} -j FAULTS`,
    ]);
    this.#plugged.set(name, port);
    await this.#apply();
    await must("ip", ["-n", netns, "link", "set", nic, "up"]);
  }

  async unplug(name: string): Promise<void> {
    if (!this.#plugged.delete(name)) return;
    await this.#applied.catch(() => undefined);
    await must("ip", ["-n", this.#space.name, "link", "del", name]);
  }

  /** On top of the faults that the host already has; resolves when it is in force. */
  harm(name: string, fault: Fault): Promise<void> {
    this.#faults.set(name, [...this.#faultsOf(name), fault]);
    return this.#apply();
  }

  /** Takes all its faults away. */
  heal(name: string): Promise<void> {
    this.#faults.delete(name);
    return this.#apply();
  }

  isSound(name: string): boolean {
    return this.#plugged.has(name) && this.#faultsOf(name).length === 0;
  }

  async stop(): Promise<void> {
    await this.#applied.catch(() => undefined);
    await this.#space.stop();
  }

  #faultsOf(name: string): readonly Fault[] {
    return this.#faults.get(name) ?? [];
  }

  /** One change after the other, each of the whole state, so that the last one told is the one in force. */
  #apply(): Promise<void> {
    const applied = this.#applied
      .catch(() => undefined)
      .then(() => Promise.all([...this.#plugged.values()].map((port) => this.#applyTo(port))));
    this.#applied = applied;
    return applied.then(() => undefined);
  }

  async #applyTo(port: Port): Promise<void> {
    const isOut = this.#faultsOf(port.name).some(({ cut }) => cut === "link");
    const link = ["link", "set", port.name, isOut ? "down" : "up"];
    await must("ip", ["-n", this.#space.name, ...link]);
    const ran = await run("nsenter", [
      ...[`--net=/var/run/netns/${port.netns}`, "sh", "-c"],
      ...[`printf '%s\\n' "$@" | iptables-restore -w --noflush`, "sh"],
      // Named like this the chain is emptied first, in the same step.
      ...["*raw", ":FAULTS - [0:0]", ...this.#rulesAt(port), "COMMIT"],
    ]);
    if (ran.code !== 0) throw new Error(`no faults at ${port.name}: ${ran.stderr}`);
  }

  /** Packets are dropped where they arrive, also those that another host's fault loses: their sender's kernel would tell it. */
  #rulesAt(port: Port): readonly string[] {
    return [...this.#faults].flatMap(([name, faults]) =>
      faults.flatMap(({ cut, probability = 1 }) => {
        const isHere = name === port.name && (cut === "in" || cut === "both");
        const isThere = name !== port.name && (cut === "out" || cut === "both");
        if (!isHere && !isThere) return [];
        const from = isHere ? "" : `-s ${this.address(name)}`;
        const chance = `-m statistic --mode random --probability ${probability}`;
        return [`-A FAULTS ${from} ${probability < 1 ? chance : ""} -j DROP`];
      }),
    );
  }
}
