// Coordinators on hosts, in virtual time: their whole core, machines that can be cut, frozen or dead, and a network that loses datagrams and TCP segments alike.

import assert from "node:assert/strict";
import { Coordinator, type CoordinatorConfig } from "../../../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../../../coordinator/core/exchange.ts";
import type { CoreEvent, EventKind } from "../../../../coordinator/core/event.ts";
import type { HostSummary, SwarmNode } from "../../../../coordinator/core/hosts/host.ts";
import type { KnockAnswer } from "../../../../coordinator/core/hosts/knocks.ts";
import type { CoordinatorSummary } from "../../../../coordinator/core/summary.ts";
import type { AgentHealth, Message } from "../../../../proto/messages.ts";
import { Random } from "../../../../proto/random.ts";
import { incarnation, instant, type Instant } from "../../../../proto/units.ts";
import { VirtualTime } from "../virtual-time.ts";
import { config as recovery, container, settings } from "../recovery-specs.ts";

export interface HostMeshOptions {
  readonly seed?: number;
  /** h1 …, at 10.0.0.1 …; 3 unless given. */
  readonly hosts?: number;
  /** Of these coordinators c1 … run on h1 …; 3 unless given. Others run beside, at 10.0.9.1 …. */
  readonly located?: number;
  readonly loss?: number;
  /** Hosts stand in HOSTS; else they come from a Swarm. True unless given. */
  readonly listed?: boolean;
}

export interface Machine {
  readonly name: string;
  readonly address: string;
  /** No power: nothing runs there. */
  isOff: boolean;
  hasAgent: boolean;
  /** Without its agent it says that the port is closed. */
  refuses: boolean;
  engine: AgentHealth["state"];
  tcp: "accepted" | "refused" | "none";
  incarnation: number;
}

interface Node {
  readonly id: string;
  readonly address: string;
  readonly home: Machine | undefined;
  readonly core: Coordinator;
  readonly offset: number;
  due: number;
  stalledUntil: number;
  backlog: CoordinatorInput[];
}

export class HostMesh extends VirtualTime {
  loss: number;
  readonly machines: readonly Machine[];
  readonly nodes: readonly Node[];
  /** `from>to` of addresses; `*` stands for all others. What stays on one machine is never lost. */
  readonly cuts = new Set<string>();
  readonly events: (CoreEvent & { readonly at: number; readonly by: string })[] = [];
  knocks = 0;
  /** Where workers answer, and on which machine; told to the coordinators by `run`. */
  readonly #workers = new Map<string, { readonly name: string; readonly on: Machine }>();
  readonly #random: Random;

  constructor(options: HostMeshOptions = {}) {
    super();
    this.#random = new Random(options.seed ?? 1);
    this.loss = options.loss ?? 0;
    this.machines = Array.from({ length: options.hosts ?? 3 }, (_, i) => ({
      name: `h${i + 1}`,
      address: `10.0.0.${i + 1}`,
      isOff: false,
      hasAgent: true,
      refuses: false,
      engine: "healthy",
      tcp: "accepted",
      incarnation: 1,
    }));
    const ids = ["c1", "c2", "c3"];
    const located = options.located ?? 3;
    const addresses = ids.map((_, i) => (i < located ? `10.0.0.${i + 1}` : `10.0.9.${i + 1}`));
    this.nodes = ids.map((id, i) => {
      const offset = 1_000 + this.#random.below(1e6);
      const now = instant(offset);
      const listed = options.listed === false ? [] : this.machines;
      const config = configOf(id, ids, addresses, offset, listed);
      const core = new Coordinator(config, "lost", this.#random.fork(), now);
      const home = i < located ? this.machines[i] : undefined;
      const rest = { due: 0, stalledUntil: 0, backlog: [] };
      return { id, address: addresses[i]!, home, core, offset, ...rest };
    });
    for (const node of this.nodes) this.input(node, { kind: "redis-changed", state: "reachable" });
  }

  machine(name: string): Machine {
    const machine = this.machines.find((one) => one.name === name);
    assert(machine !== undefined, name);
    return machine;
  }

  node(id: string): Node {
    const node = this.nodes.find((one) => one.id === id);
    assert(node !== undefined, id);
    return node;
  }

  summary(id: string): CoordinatorSummary {
    const node = this.node(id);
    return node.core.summary(this.#clock(node));
  }

  host(name: string, by = "c1"): HostSummary {
    const host = this.summary(by).hosts.find(({ id }) => id === name);
    assert(host !== undefined, `${name} is not watched by ${by}`);
    return host;
  }

  /** By each coordinator whose machine has power. */
  verdicts(name: string): readonly string[] {
    return this.nodes.filter(isOn).map(({ id }) => this.host(name, id).verdict);
  }

  /** What it counted of hosts since its start. */
  verdictsOf(id: string): number {
    return this.summary(id).counters["host-verdicts"] ?? 0;
  }

  told(...kinds: readonly EventKind[]): readonly string[] {
    return this.events
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ kind, text }) => `${kind}: ${text.split(":")[0]!}`);
  }

  leader(): string {
    return this.nodes.find((node) => isOn(node) && this.summary(node.id).leaseFor > 0)?.id ?? "";
  }

  /** Every manager says the same, at once. */
  swarm(nodes: readonly Partial<SwarmNode>[], ...to: readonly string[]): void {
    for (const node of this.nodes) {
      if (to.length > 0 && !to.includes(node.id)) continue;
      const all = nodes.map((one, i) => ({ ...swarmNode(`h${i + 1}`), ...one }));
      const self = all.find(({ hostname }) => hostname === node.home?.name)?.id ?? "";
      this.input(node, { kind: "swarm-nodes", host: `engine-of-${node.id}`, self, nodes: all });
    }
  }

  input(node: Node, input: CoordinatorInput): void {
    if (!isOn(node)) return;
    if (this.now < node.stalledUntil) node.backlog.push(input);
    else this.#step(node, input);
  }

  /** A worker on that machine, of which every coordinator knows by its engine. */
  run(name: string, on: string, address: string): void {
    this.#workers.set(address, { name, on: this.machine(on) });
    const labels = { role: "node" };
    const view = container(name, { host: on, addresses: [address], state: "running", labels });
    for (const node of this.nodes) {
      this.input(node, { kind: "engine-snapshot", host: on, containers: [view] });
    }
  }

  stall(id: string, ms: number): void {
    this.node(id).stalledUntil = this.now + ms;
  }

  /** Neither in nor out, in both directions or one. */
  cut(name: string, way: "both" | "in" | "out" = "both"): void {
    const { address } = this.machine(name);
    if (way !== "in") this.cuts.add(`${address}>*`);
    if (way !== "out") this.cuts.add(`*>${address}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  protected dueTimes(): readonly number[] {
    return this.nodes.filter(isOn).map(dueOf);
  }

  protected tick(): void {
    for (const node of this.nodes) this.#tick(node);
  }

  #tick(node: Node): void {
    if (!isOn(node) || this.now < node.stalledUntil) return;
    for (const input of node.backlog.splice(0)) this.#step(node, input);
    for (let round = 0; isOn(node) && node.due <= this.now; round++) {
      assert(round < 1_000, `${node.id} never comes to rest`);
      const lateness = Math.max(0, this.now - node.due);
      this.#step(node, { kind: "timer-fired", lateness });
    }
  }

  #step(node: Node, input: CoordinatorInput): void {
    const outputs = node.core.step(input, this.#clock(node));
    for (const output of outputs) this.#perform(node, output);
    const due = node.core.nextDeadline();
    node.due = due === undefined ? Infinity : due - node.offset;
  }

  #perform(node: Node, output: CoordinatorOutput): void {
    switch (output.kind) {
      case "persist":
        this.at(0, () => {
          this.input(node, { kind: "persisted" });
        });
        break;
      case "send-peer":
        this.#send(node.address, this.node(output.to), node.id, output.message);
        break;
      case "ping-worker":
        this.#ping(node, output.address, output.nonce);
        break;
      case "knock-host":
        this.#knock(node, output);
        break;
      case "publish":
        this.events.push({ ...output.event, at: this.now, by: node.id });
        break;
      default:
    }
  }

  #ping(node: Node, address: string, nonce: number): void {
    const worker = this.#workers.get(address);
    if (worker !== undefined) this.#pingWorker(node, worker, nonce);
    this.#carry(node.address, address, () => {
      const machine = this.#running(address);
      if (machine?.hasAgent === false && machine.refuses) {
        this.#carry(address, node.address, () => {
          this.input(node, { kind: "worker-refused", worker: machine.name });
        });
      }
      if (machine?.hasAgent !== true) return;
      const { name, engine: state } = machine;
      const reason = state === "unhealthy" ? "no answer within 500 ms" : "";
      const health = { state, checkedAgo: 5, reason };
      const capacity = { processors: 2, memory: 8e9, available: 4e9 };
      const about = { nonce, name, incarnation: incarnation(machine.incarnation), health };
      const pong: Message = { kind: "pong", ...about, lag: 0, load: 0.5, capacity };
      this.#send(address, node, name, pong);
    });
  }

  #pingWorker(node: Node, worker: { name: string; on: Machine }, nonce: number): void {
    const { name, on } = worker;
    this.#carry(node.address, on.address, () => {
      if (on.isOff) return;
      const health = { state: "healthy", checkedAgo: 5, reason: "" } as const;
      const about = { nonce, name, incarnation: incarnation(1), health };
      // By an overlay network: from an address that is not the machine's.
      const overlay = `10.1.${on.address.slice(-1)}.9`;
      this.#carry(on.address, node.address, () => {
        const message: Message = { kind: "pong", ...about, lag: 0, load: 0 };
        const from = { sender: name, address: overlay, port: 8888 };
        this.input(node, { kind: "datagram-received", ...from, message });
      });
    });
  }

  /** The first segment and its answer, each lost as a datagram is; what TCP would send again comes too late. */
  #knock(node: Node, knock: Extract<CoordinatorOutput, { kind: "knock-host" }>): void {
    this.knocks++;
    const { host, nonce, address, timeout } = knock;
    let answer: KnockAnswer = "none";
    this.#carry(node.address, address, () => {
      const said = this.#running(address)?.tcp ?? "none";
      if (said === "none") return;
      this.#carry(address, node.address, () => {
        answer = said;
      });
    });
    this.at(timeout, () => {
      this.input(node, { kind: "host-knocked", host, nonce, answer });
    });
  }

  #running(address: string): Machine | undefined {
    return this.machines.find((one) => one.address === address && !one.isOff);
  }

  #send(from: string, to: Node, sender: string, message: Message): void {
    this.#carry(from, to.address, () => {
      this.input(to, { kind: "datagram-received", sender, address: from, port: 8888, message });
    });
  }

  #carry(from: string, to: string, arrive: () => void): void {
    if (from !== to) {
      if (this.#random.float() < this.loss) return;
      if ([`${from}>${to}`, `${from}>*`, `*>${to}`].some((way) => this.cuts.has(way))) return;
    }
    this.at(this.#random.jitter(0.5, 0.3), arrive);
  }

  #clock(node: Node): Instant {
    return instant(this.now + node.offset);
  }
}

const isOn = ({ home }: Node): boolean => home?.isOff !== true;
const dueOf = ({ due, stalledUntil }: Node): number => Math.max(due, stalledUntil);

export const swarmNode = (hostname: string): SwarmNode => ({
  id: `id-${hostname}`,
  hostname,
  address: `10.0.0.${hostname.slice(1)}`,
  role: "manager",
  state: "ready",
  availability: "active",
});

function configOf(
  id: string,
  coordinators: readonly string[],
  addresses: readonly string[],
  offset: number,
  machines: readonly Machine[],
): CoordinatorConfig {
  const members = coordinators.map((name, i) => ({ id: name, host: addresses[i]!, port: 7700 }));
  const coordinatorIndex = coordinators.indexOf(id);
  const census = {
    workerLabels: ["role=node"],
    statics: [],
    defaults: settings,
    meshPort: 7700,
    hostname: id,
  };
  return {
    election: { id, members, heartbeatInterval: 100, leaderTimeout: 750, tick: 5 },
    wards: {
      ...{ self: id, coordinators, heartbeatInterval: 100, census },
      pinger: { coordinatorIndex, coordinatorCount: 3, phaseOrigin: instant(offset) },
      ...{ stopHold: 3_000, backoff: 1_000 },
    },
    hosts: {
      listed: machines.map(({ name, address }) => ({ name, host: address, port: 8888 })),
      port: 8888,
    },
    recovery,
    incarnation: incarnation(1),
    hostname: id,
  };
}
