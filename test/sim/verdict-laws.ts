// What must hold for every verdict of silence: those whom it names believe it, they are a quorum, and no sound coordinator hears the worker.

import type { CoreEvent } from "../../coordinator/core/event.ts";
import { workerIn, type Beliefs } from "./beliefs.ts";
import type { SimCluster, SimCoordinator } from "./cluster.ts";
import type { SimProcess } from "./process.ts";

/** A report counts for 300 ms, the way of a datagram comes to that, and a picture is shown every 100 ms. */
const reportHolds = 700;
/** Whoever hears a worker all that time without a break has told the others. */
const hearsFor = 2_000;

export class VerdictLaws {
  readonly #cluster: SimCluster;
  readonly #must: (holds: boolean, what: string) => void;
  readonly #beliefs: Beliefs;
  readonly #membersOf: (process: SimProcess) => readonly string[];
  /** Since when each link between two coordinators was not cut. */
  readonly #wholeSince = new Map<string, number>();

  constructor(
    cluster: SimCluster,
    beliefs: Beliefs,
    must: (holds: boolean, what: string) => void,
    membersOf: (process: SimProcess) => readonly string[],
  ) {
    this.#cluster = cluster;
    this.#beliefs = beliefs;
    this.#must = must;
    this.#membersOf = membersOf;
  }

  /** To be called often. */
  look(): void {
    const { network, coordinators, world } = this.#cluster;
    for (const a of coordinators) {
      for (const b of coordinators) {
        const link = `${a.id}>${b.id}`;
        if (network.isCut(a.id, b.id)) this.#wholeSince.delete(link);
        else if (!this.#wholeSince.has(link)) this.#wholeSince.set(link, world.now);
      }
    }
  }

  onVerdict(by: SimProcess, { worker, evidence, text }: CoreEvent): void {
    const kind = text.split(":")[0] ?? "";
    const named = evidence
      .filter((one) => one.kind === "silence" || one.kind === "check")
      .map((one) => one.by);
    if (kind === "partial" || named.length === 0) return;
    const members = this.#membersOf(by);
    const coordinators = this.#cluster.coordinators.filter(({ id }) => members.includes(id));
    const quorum = Math.floor(members.length / 2) + 1;
    const what = `${by.name} says ${kind} of ${worker}`;
    this.#must(named.length >= quorum, `${what} by ${named.join(" and ")} alone`);
    for (const id of named) {
      const isBelieved = id === by.name || this.#believedLately(id, worker);
      this.#must(isBelieved, `${what} by ${id}, which does not think so`);
    }
    for (const other of coordinators) {
      if (other.id === by.name || named.includes(other.id)) continue;
      this.#must(!this.#hears(other, by, worker), `${what}, though ${other.id} hears it`);
    }
  }

  #believedLately(id: string, worker: string): boolean {
    const { world, network } = this.#cluster;
    const { tail, delay } = network.weather;
    const window = reportHolds + 2 * delay.high * (tail > 0 ? 100 : 1);
    return this.#beliefs.since(id, world.now - window).some((belief) => {
      const { standing = "abstain" } = workerIn(belief, worker) ?? {};
      return standing === "down" || standing === "doubt";
    });
  }

  /** In calm weather only: then what it tells arrives. */
  #hears(other: SimCoordinator, by: SimProcess, worker: string): boolean {
    const { world, network } = this.#cluster;
    const { loss, tail, bursts } = network.weather;
    if (loss > 0 || tail > 0 || bursts > 0) return false;
    const from = world.now - hearsFor;
    const isWhole = [`${other.id}>${by.name}`, `${by.name}>${other.id}`].every(
      (link) => (this.#wholeSince.get(link) ?? Infinity) <= from,
    );
    const beliefs = this.#beliefs.since(other.id, from);
    if (!isWhole || other.process?.alive !== true || beliefs.length < 18) return false;
    return beliefs.every((belief) => {
      const shown = workerIn(belief, worker);
      return belief.summary.fit && shown?.standing === "up" && shown.heardAgo < 1_200;
    });
  }
}
