// Tells the core which hosts its Swarm has: a manager's own list of nodes, every few seconds and at once after each event of a node.

import { isCodedError } from "../../proto/coded-error.ts";
import type { Duration } from "../../proto/units.ts";
import type { SwarmNode, SwarmNodes } from "../core/hosts/host.ts";
import type { SwarmHost } from "../core/migration/swarm-view.ts";
import type { EngineClient } from "./engines.ts";
import { Break, isOpen, LongRun } from "./long-run.ts";
import { hasQuorum, quorumOf, swarmViewOf, type RawNode } from "./swarm-views.ts";

/** What is read of an engine. */
export type NodeSource = Pick<EngineClient, "host" | "info" | "swarmList" | "nodeEvents">;

/** Of a manager; three lists in a row must fail before the core trusts the last one no more. */
const refreshEvery: Duration = 2_500;
/** Of an engine that is none, or does not answer: whether it has become one. */
const lookAgain: Duration = 10_000;
/** Several events of one change are answered by one list. */
const gatherFor: Duration = 30;

export class SwarmNodesReader {
  readonly #source: NodeSource;
  readonly #emit: (news: SwarmNodes) => void;
  /** Its node, while it is or was a manager; empty otherwise. */
  #self = "";
  /** What it is has to be asked: it never said, or does not list its nodes. An engine works for that as for twenty lists (measured). */
  #isDoubtful = true;
  #isListening = false;
  readonly #work = new LongRun((stopping) => this.#run(stopping));
  readonly #break = new Break();

  constructor(source: NodeSource, emit: (news: SwarmNodes) => void) {
    this.#source = source;
    this.#emit = emit;
  }

  start(): void {
    this.#work.start();
  }

  stop(): Promise<void> {
    return this.#work.stop();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (isOpen(signal)) {
      const wait = await this.#readOnce(signal);
      await this.#break.wait(wait, gatherFor, signal);
    }
  }

  /** @returns how long until the next reading. */
  async #readOnce(signal: AbortSignal): Promise<Duration> {
    try {
      if (this.#isDoubtful && !(await this.#isManager())) return lookAgain;
      if (!this.#isListening) void this.#listen(signal);
      const nodes = (await this.#source.swarmList("nodes")) as readonly RawNode[];
      // Without its quorum a manager knows nothing of the others any more, and may not say so at once.
      if (hasQuorum(quorumOf(nodes)) && isOpen(signal)) this.#tell(nodes);
      return refreshEvery;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#isDoubtful = true;
      // The list that the core has grows old by itself.
      return this.#self === "" ? lookAgain : refreshEvery;
    }
  }

  async #isManager(): Promise<boolean> {
    const { swarm } = await this.#source.info();
    if (!swarm.isManager && this.#self !== "") this.#tell([]);
    this.#self = swarm.isManager ? swarm.nodeId : "";
    this.#isDoubtful = !swarm.isManager;
    return swarm.isManager;
  }

  #tell(nodes: readonly RawNode[]): void {
    const { hosts } = swarmViewOf({ nodes, services: [], tasks: [] });
    const { host } = this.#source;
    this.#emit({ kind: "swarm-nodes", host, self: this.#self, nodes: hosts.map(nodeOf) });
  }

  /** Until the stream ends; the next reading begins another. */
  async #listen(signal: AbortSignal): Promise<void> {
    this.#isListening = true;
    try {
      const stream = await this.#source.nodeEvents(signal);
      stream.on("data", () => {
        this.#break.wake();
      });
      await new Promise<void>((resolve) => {
        for (const ending of ["end", "error", "close", "aborted"]) stream.on(ending, resolve);
      });
    } catch (error) {
      if (!isCodedError(error)) throw error;
    } finally {
      this.#isListening = false;
    }
  }
}

const states: ReadonlySet<string> = new Set<SwarmNode["state"]>(["ready", "down", "disconnected"]);

function nodeOf({ id, name, address, role, availability, state }: SwarmHost): SwarmNode {
  const known = states.has(state) ? (state as SwarmNode["state"]) : "unknown";
  return { id, hostname: name, address, role, availability, state: known };
}
