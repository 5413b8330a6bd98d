// What must never happen, looked at in every step of the product and in every call that changes a container.

import type { ControlPlane } from "../../coordinator/api/plane.ts";
import type { Coordinator } from "../../coordinator/core/coordinator.ts";
import type { Ballot } from "../../coordinator/core/vote-book.ts";
import type { Message } from "../../proto/messages.ts";
import type { CoordinatorId, Term } from "../../proto/units.ts";
import { ActionLaws } from "./action-laws.ts";
import type { SimCluster, SimWorker } from "./cluster.ts";
import type { SimContainer } from "./engine.ts";
import type { Loop } from "./loop.ts";
import type { EngineWrite, Onlooker, Step } from "./onlooker.ts";
import type { SimProcess } from "./process.ts";

/** A worker that has been well for so long is healthy; before that an action on it was decided while it was not. */
const wellFor = 6_000;
/** A suspended machine notices within this that it slept. */
const noticesSleep = 700;

export class Laws implements Onlooker {
  readonly #cluster: SimCluster;
  readonly violations: string[] = [];
  healthyTouched = 0;
  /** Instants of verdicts, for the figures: worker id, who, when. */
  readonly verdicts: {
    readonly at: number;
    readonly by: string;
    readonly worker: string;
    readonly kind: string;
  }[] = [];
  readonly leases: { readonly at: number; readonly by: string; readonly term: number }[] = [];
  readonly #cores = new Map<SimProcess, Coordinator>();
  readonly #votes = new Map<string, CoordinatorId>();
  readonly #leaders = new Map<Term, CoordinatorId>();
  readonly #leaseEnds = new Map<SimProcess, number>();
  /** Called once, at the next call that changes a container. */
  onNextWrite: ((by: SimProcess) => void) | undefined;
  #lastHolder = "";
  /** Since when each worker is well, without a break. */
  readonly #wellSince = new Map<SimWorker, number>();

  readonly #actions: ActionLaws;
  readonly #planes = new Map<SimProcess, ControlPlane>();
  readonly #left = new Map<string, string>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#actions = new ActionLaws(cluster, (holds, what) => {
      this.must(holds, what);
    });
  }

  /** Redis has lost what it was told lately. */
  onRedisForgot(): void {
    this.#actions.onRedisForgot();
  }

  onDisturbance(lasts: number): void {
    this.#actions.onDisturbance(this.#cluster.world.now + lasts);
  }

  onRead(by: SimProcess, container: SimContainer): void {
    this.#actions.onRead(by, container);
  }

  /** The core of a coordinator that lives. */
  coreOf(process: SimProcess | undefined): Coordinator | undefined {
    return process?.alive === true ? this.#cores.get(process) : undefined;
  }

  must(holds: boolean, what: string): void {
    if (holds || this.#cluster.world.isStopped) return;
    this.#cluster.world.tell(`VIOLATION ${what}`);
    this.violations.push(what);
    this.#cluster.world.isStopped = true;
  }

  // ---- what is seen

  onCore(loop: Loop, core: Coordinator): void {
    this.#cores.set(loop.process, core);
  }

  onStep(loop: Loop, core: Coordinator, { input, outputs, now }: Step): void {
    const { process } = loop;
    if (!process.alive) return;
    if (input.kind === "job-news" && input.news.kind === "job-enqueued") {
      this.#actions.onEnqueued(process, input.news.recovery);
    }
    const { world } = this.#cluster;
    for (const output of outputs) {
      switch (output.kind) {
        case "send-peer":
          this.#onSent(process, output.to, output.message);
          break;
        case "role-changed":
          world.tell(`${process.name} is ${output.role} of term ${output.term}: ${output.reason}`);
          if (output.role === "leader") this.#onLeader(process.name, output.term);
          break;
        case "act-directly":
          this.#actions.onDirect(process, output.order, output.tryNumber);
          break;
        case "publish": {
          const { kind, worker, text } = output.event;
          world.tell(`${process.name} says ${kind} ${worker} ${text}`);
          if (kind === "recovered" || kind === "exhausted") this.#actions.onFailureOver(worker);
          if (kind === "left-alone") this.#left.set(worker, text);
          if (kind === "verdict-changed") {
            this.verdicts.push({
              at: world.now,
              by: process.name,
              worker,
              kind: text.split(":")[0] ?? "",
            });
          }
          break;
        }
        default:
      }
    }
    this.#onLease(process, core.leaseUntil(now), now, outputs);
  }

  onWrite({ by, engine, request, container }: EngineWrite): () => void {
    const { world } = this.#cluster;
    const verb = `${request.method} ${request.path.split("/").slice(3).join("/")}`;
    world.tell(`${by.name} → ${engine.host}: ${verb} ${container?.name ?? "?"}`);
    if (container === undefined || verb === "POST wait") return () => undefined;
    const worker = this.#cluster.workerOf(container);
    if (worker === undefined) {
      this.must(false, `${by.name} acts on ${container.name}, which is no worker and no dependant`);
      return () => undefined;
    }
    this.look();
    this.#actions.onWrite({ by, worker, container, verb, leaseEnd: this.#leaseEnds.get(by) ?? 0 });
    const since = this.#wellSince.get(worker) ?? Infinity;
    if (world.now - since > wellFor) {
      this.healthyTouched++;
      world.tell(`TOUCHED ${worker.name}, well for ${Math.round(world.now - since)} ms`);
    }
    const { onNextWrite } = this;
    this.onNextWrite = undefined;
    onNextWrite?.(by);
    return this.#actions.begin(worker, by, `${verb} ${container.name}`);
  }

  /** Why it is left alone: the last word on that; empty where there was none. */
  leftBecause(worker: SimWorker): string {
    return this.#left.get(worker.id) ?? "";
  }

  /** Whoever holds a lease now, by its own clock. */
  get leaseHolder(): string {
    return this.#lastHolder;
  }

  onPlane(process: SimProcess, plane: ControlPlane): void {
    this.#planes.set(process, plane);
  }

  /** A person asks the leader to leave a worker alone. */
  silence(worker: SimWorker, duration: number): void {
    const leader = this.#cluster.coordinators.find(({ id }) => id === this.#lastHolder)?.process;
    const plane = leader === undefined ? undefined : this.#planes.get(leader);
    if (leader?.alive !== true || plane === undefined) return;
    const command = {
      kind: "silence",
      worker: worker.id,
      by: "sim",
      reason: "sim",
      duration,
    } as const;
    leader.loops[0]?.enter(() => {
      void plane.command(command, "sim").then((result) => {
        if (result.kind === "done") this.#actions.onSilenced(worker, duration);
      });
    });
  }

  onDatagram(process: SimProcess, payload: unknown): void {
    // Sealed bytes say nothing; nine runs in ten pass objects.
    if (payload instanceof Uint8Array) return;
    const { message } = payload as { readonly message: Message };
    if (message.kind === "vote") this.#mustBeDurable(process, process.name, message.term);
  }

  /** To be called often: from it comes how long each worker has been well. */
  look(): void {
    const { workers, world } = this.#cluster;
    for (const worker of workers) {
      if (!this.#cluster.isWell(worker) || !this.#canBeHeard(worker))
        this.#wellSince.delete(worker);
      else if (!this.#wellSince.has(worker)) this.#wellSince.set(worker, world.now);
    }
    this.#actions.look();
  }

  wellSince(worker: SimWorker): number | undefined {
    return this.#wellSince.get(worker);
  }

  // ---- the laws

  #onSent(process: SimProcess, to: CoordinatorId, message: { readonly kind: string }): void {
    if (message.kind === "vote") {
      this.#onVote(process.name, process.name, (message as { readonly term?: Term }).term);
    } else if (message.kind === "vote-answer") {
      const answer = message as { readonly term?: Term; readonly granted?: boolean };
      if (answer.granted === true) this.#onVote(process.name, to, answer.term);
    }
  }

  #onVote(voter: CoordinatorId, candidate: CoordinatorId, term: Term | undefined): void {
    if (term === undefined) return;
    const key = `${voter} ${term}`;
    const known = this.#votes.get(key) ?? candidate;
    this.must(known === candidate, `${voter} votes for ${known} and ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }

  #mustBeDurable(process: SimProcess, candidate: CoordinatorId, term: Term): void {
    const one = this.#cluster.coordinators.find(({ id }) => id === process.name);
    const ballot = one?.disk.ballot as Ballot | undefined;
    const isDurable =
      ballot !== undefined &&
      (ballot.term > term || (ballot.term === term && ballot.votedFor === candidate));
    this.must(isDurable, `${process.name} tells its vote of term ${term} before it is durable`);
  }

  #onLeader(id: CoordinatorId, term: Term): void {
    const known = this.#leaders.get(term) ?? id;
    this.must(known === id, `term ${term} is led by ${known} and ${id}`);
    this.#leaders.set(term, id);
  }

  #onLease(
    process: SimProcess,
    until: number | undefined,
    now: number,
    outputs: Step["outputs"],
  ): void {
    const { world } = this.#cluster;
    if (until === undefined) {
      if (this.#leaseEnds.delete(process) && this.#lastHolder === process.name)
        this.#lastHolder = "";
      return;
    }
    const end = world.now + (until - now) / process.clock.rate;
    this.#leaseEnds.set(process, end);
    for (const [other, otherEnd] of this.#leaseEnds) {
      if (other === process || !other.alive || otherEnd <= world.now) continue;
      // A clock that stood still: it will find out before it acts, or its token is refused.
      if (this.#isDazed(process) || this.#isDazed(other)) continue;
      this.must(false, `${process.name} and ${other.name} hold a lease at once`);
    }
    if (this.#lastHolder === process.name) return;
    this.#lastHolder = process.name;
    const role = outputs.find((output) => output.kind === "role-changed");
    const term = role?.kind === "role-changed" ? role.term : 0;
    this.leases.push({ at: world.now, by: process.name, term });
    world.tell(`${process.name} holds a lease`);
  }

  /** Its machine sleeps, or has just woken up. */
  #isDazed(process: SimProcess): boolean {
    const { now } = this.#cluster.world;
    return (
      process.slept > 0 &&
      process.loops.some(({ blockedUntil }) => now < blockedUntil + noticesSleep)
    );
  }

  /** A quorum's way to it is whole. */
  #canBeHeard(worker: SimWorker): boolean {
    const { network, coordinators } = this.#cluster;
    return coordinators.every(
      ({ id }) => !network.isCut(id, worker.name) && !network.isCut(worker.name, id),
    );
  }
}
