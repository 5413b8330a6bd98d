// Which hosts there are to watch: those of HOSTS, and the nodes of the Swarms that an engine of ours manages.

import type { NamedAddress } from "../../../proto/config-parse.ts";
import { elapsed, type Duration, type Instant } from "../../../proto/units.ts";
import { isName } from "../../../proto/text.ts";
import type { HostId, HostSpec, SwarmNode, SwarmNodes } from "./host.ts";

/** A list that was not renewed for so long proves nothing any more: its manager may have lost the Swarm. */
const listTrusted: Duration = 10_000;

interface List {
  readonly host: string;
  readonly self: string;
  readonly nodes: readonly SwarmNode[];
  readonly at: Instant;
}

export class HostRoll {
  readonly #listed: readonly NamedAddress[];
  /** Of agents of Swarm nodes. */
  readonly #port: number;
  /** By the node that gave it: its engine's name may be learned later. */
  readonly #lists = new Map<string, List>();
  #hosts: ReadonlyMap<HostId, HostSpec> = new Map();

  constructor(listed: readonly NamedAddress[], port: number) {
    this.#listed = listed;
    this.#port = port;
    this.#rebuild();
  }

  get hosts(): ReadonlyMap<HostId, HostSpec> {
    return this.#hosts;
  }

  onNodes({ host, self, nodes }: SwarmNodes, now: Instant): void {
    // The newest stands last, and wins.
    this.#lists.delete(self);
    if (nodes.length > 0) {
      for (const [other, { at }] of this.#lists) {
        const isOld = elapsed(at, now) >= listTrusted;
        if (isOld && nodes.some(({ id }) => id === other)) this.#lists.delete(other);
      }
      this.#lists.set(self, { host, self, nodes, at: now });
    }
    this.#rebuild();
  }

  /** Whether a list that is still trusted says that the node is down. */
  isCalledDown({ node }: HostSpec, now: Instant): boolean {
    if (node?.state !== "down") return false;
    return [...this.#lists.values()].some(
      ({ nodes, at }) => elapsed(at, now) < listTrusted && nodes.some(({ id }) => id === node.id),
    );
  }

  #rebuild(): void {
    const hosts = new Map<HostId, HostSpec>();
    for (const { name, host, port } of this.#listed) {
      hosts.set(name, { id: name, address: host, port, node: undefined, engines: [name] });
    }
    for (const { host, self, nodes } of this.#lists.values()) {
      for (const node of latestOfName(nodes)) {
        this.#add(hosts, node, node.id === self ? [host] : []);
      }
    }
    for (const [id, spec] of hosts) {
      const known = this.#hosts.get(id);
      // The same object for the same host, so that nobody looks twice at what has not changed.
      if (known !== undefined && JSON.stringify(known) === JSON.stringify(spec))
        hosts.set(id, known);
    }
    this.#hosts = hosts;
  }

  #add(hosts: Map<HostId, HostSpec>, node: SwarmNode, alias: readonly string[]): void {
    const id = node.hostname;
    const known = hosts.get(id);
    // HOSTS is a person's word: its address goes before the Swarm's.
    const given = this.#listed.find(({ name }) => name === id);
    const address = given?.host ?? node.address;
    if (address === "" || !isName(id) || id.includes("/")) return;
    const engines = new Set([...(known?.engines ?? [id]), ...alias]);
    const port = given?.port ?? this.#port;
    hosts.set(id, { id, address, port, node, engines: [...engines] });
  }
}

/** A machine that left and joined again leaves a node of its name behind, which is down for ever: the one that is not down is meant. */
function latestOfName(nodes: readonly SwarmNode[]): readonly SwarmNode[] {
  const byName = new Map<string, SwarmNode>();
  for (const node of nodes) {
    const known = byName.get(node.hostname);
    if (known === undefined || known.state === "down") byName.set(node.hostname, node);
  }
  return [...byName.values()];
}
