// What must never happen, looked at in every step of the product and in every call that changes a container.

import type { ControlPlane } from "../../coordinator/api/plane.ts";
import type { Coordinator } from "../../coordinator/core/coordinator.ts";
import type { MemberChange } from "../../coordinator/core/member-set.ts";
import type { CoreEvent } from "../../coordinator/core/event.ts";
import type { CoordinatorSummary } from "../../coordinator/core/summary.ts";
import type { Ballot } from "../../coordinator/core/vote-book.ts";
import type { ElectionMessage, Message } from "../../proto/messages.ts";
import type { CoordinatorId } from "../../proto/units.ts";
import { ActionLaws } from "./action-laws.ts";
import { Beliefs } from "./beliefs.ts";
import { BrakeLaw } from "./brake-law.ts";
import { addressOf, type SimCluster, type SimWorker } from "./cluster.ts";
import { ElectionWatch } from "./election-watch.ts";
import type { SimContainer } from "./engine.ts";
import type { Loop } from "./loop.ts";
import { Measures } from "./measures.ts";
import type { EngineWrite, Onlooker, Step } from "./onlooker.ts";
import type { SimProcess } from "./process.ts";
import { StoryLaws } from "./story-laws.ts";
import { VerdictLaws } from "./verdict-laws.ts";

/** A worker that has been well for so long is healthy; before that an action on it was decided while it was not. */
const wellFor = 6_000;
const soundMoods: ReadonlySet<string> = new Set(["mild", "stalls"]);
const electing: ReadonlySet<string> = new Set(["vote", "vote-answer", "pre-vote-answer"]);
/** One that has been well for so long was heard by everybody since. */
const soundFor = 3_000;
/** What was decided while something was wrong is carried out, or dropped, within this. */
const confusedFor = 20_000;
/** A suspended machine notices within this that it slept. */
const noticesSleep = 700;

export class Laws implements Onlooker {
  readonly #cluster: SimCluster;
  readonly violations: string[] = [];
  healthyTouched = 0;
  readonly measures = new Measures();
  readonly stories: StoryLaws;
  readonly #cores = new Map<SimProcess, Coordinator>();
  readonly #leaseEnds = new Map<SimProcess, number>();
  /** Called once, at the next call that changes a container. */
  onNextWrite: ((by: SimProcess) => void) | undefined;
  #lastHolder = "";
  /** Since when each worker is well, without a break. */
  readonly #wellSince = new Map<SimWorker, number>();

  readonly #election: ElectionWatch;
  readonly #actions: ActionLaws;
  readonly #beliefs = new Beliefs();
  readonly #verdicts: VerdictLaws;
  readonly #brake: BrakeLaw;
  /** Until when an action on a worker that is well again may be explained by something else than a mistake. */
  #explainedUntil = 0;
  readonly #planes = new Map<SimProcess, ControlPlane>();
  readonly #left = new Map<string, string>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    const must = this.must.bind(this);
    this.#election = new ElectionWatch(cluster, must, (id) => {
      const one = cluster.coordinators.find((other) => other.id === id);
      return this.membersOf(one?.process).length;
    });
    this.#actions = new ActionLaws(cluster, must, (worker, token) => {
      this.stories.onActed(worker, token);
    });
    this.#verdicts = new VerdictLaws(cluster, this.#beliefs, must, this.membersOf.bind(this));
    this.stories = new StoryLaws(cluster, this.#beliefs, must);
    this.#brake = new BrakeLaw(must);
  }

  /** Redis has lost what it was told lately. */
  onRedisForgot(): void {
    this.#actions.onRedisForgot();
  }

  onDisturbance(lasts: number): void {
    this.#actions.onDisturbance(this.#cluster.world.now + lasts);
  }

  /** A fault that may delay what was decided, or make somebody decide wrongly. */
  onConfusion(lasts: number): void {
    const until = this.#cluster.world.now + lasts + confusedFor;
    this.#explainedUntil = Math.max(this.#explainedUntil, until);
  }

  /** What is wrong with what they remember of all workers, by what they said since then; empty: nothing. */
  disagreement(since: number): string {
    return this.stories.disagreement(since);
  }

  onSummary(summary: CoordinatorSummary): void {
    this.#beliefs.add({ at: this.#cluster.world.now, summary });
    this.stories.onSummary(summary);
  }

  /** What it showed of itself last. */
  shownBy(id: CoordinatorId): CoordinatorSummary | undefined {
    return this.#beliefs.last(id)?.summary;
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
    const { process } = loop;
    this.#cores.set(process, core);
    process.onEnd.push(() => {
      if (this.#lastHolder === process.name) this.measures.onLeaderDied(this.#cluster.world.now);
    });
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
        case "role-changed":
          world.tell(`${process.name} is ${output.role} of term ${output.term}: ${output.reason}`);
          if (output.role === "leader") this.#election.onLeader(process.name, output.term);
          break;
        case "act-directly":
          this.#actions.onDirect(process, output.order, output.tryNumber);
          break;
        case "publish": {
          const { kind, worker, text } = output.event;
          world.tell(`${process.name} says ${kind} ${worker} ${text}`);
          this.stories.onEvent(process.name, output.event);
          if (kind === "recovered" || kind === "exhausted") this.#actions.onFailureOver(worker);
          if (kind === "left-alone") this.#left.set(worker, text);
          if (kind === "verdict-changed") {
            this.#onVerdict(process, output.event);
          }
          break;
        }
        default:
      }
    }
    this.#onLease(process, core.leaseUntil(now), now);
    this.#brake.onStep(process, core, { input, outputs, now });
  }

  #onVerdict(process: SimProcess, event: CoreEvent): void {
    const { world } = this.#cluster;
    const kind = event.text.split(":")[0] ?? "";
    this.measures.onVerdict(world.now, event.worker, kind);
    this.#verdicts.onVerdict(process, event);
    const worker = this.#cluster.workers.find(({ id }) => id === event.worker);
    const since = worker === undefined ? undefined : this.#wellSince.get(worker);
    const isOfSilence =
      kind === "silent" ||
      (kind === "unhealthy" && event.evidence.some((one) => one.kind === "check"));
    if (!isOfSilence || since === undefined || world.now - since <= soundFor) return;
    this.measures.falseVerdicts++;
    // Nothing but stalls of its own, and few lost datagrams, can have made it think so.
    const isBlameless = this.#isMild && soundMoods.has(this.#cluster.options.mood);
    this.must(!isBlameless, `${process.name} says ${kind} of ${event.worker}, which is well`);
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
      const what = `${worker.name}, well for ${Math.round(world.now - since)} ms`;
      world.tell(`TOUCHED ${what}`);
      const isMild = this.#isMild && world.now > this.#explainedUntil;
      this.must(!isMild, `${by.name} acts on ${what}: ${verb}`);
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

  /** A person asks the leader to remove this coordinator, or to add it where it is none. */
  changeCoordinators(id: CoordinatorId): void {
    const leader = this.#cluster.coordinators.find((one) => one.id === this.#lastHolder)?.process;
    const plane = leader === undefined ? undefined : this.#planes.get(leader);
    if (leader?.alive !== true || plane === undefined) return;
    const isMember = this.membersOf(leader).includes(id);
    const change: MemberChange = isMember
      ? { kind: "remove", id }
      : { kind: "add", member: { id, host: addressOf(id), port: 7700 } };
    leader.loops[0]?.enter(() => {
      void plane.changeCoordinators(change, "sim").then(({ how, text }) => {
        this.#cluster.world.tell(`${leader.name} answers ${how}: ${text}`);
      });
    });
  }

  /** The set as this one knows it; before it knows any, all there are. */
  membersOf(process: SimProcess | undefined): readonly CoordinatorId[] {
    const members = this.coreOf(process)?.members ?? this.#cluster.coordinators;
    return members.map(({ id }) => id);
  }

  onDatagram(process: SimProcess, payload: unknown, address: string): void {
    // Sealed bytes say nothing; nine runs in ten pass objects.
    if (payload instanceof Uint8Array) return;
    const { message } = payload as { readonly message: Message };
    if (message.kind === "heartbeat") this.stories.onRecords(process.name, message.records);
    if (!electing.has(message.kind)) return;
    const one = this.#cluster.coordinators.find(({ id }) => id === process.name);
    const durable = (one?.disk.ballot as Ballot | undefined) ?? "lost";
    const to = this.#cluster.network.names.get(address) ?? address;
    this.#election.onSent(process.name, to, message as ElectionMessage, durable);
  }

  onDiskLost(id: CoordinatorId): void {
    this.#election.onDiskLost(id);
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
    this.#verdicts.look();
  }

  /** Few enough datagrams are lost, each by itself. */
  get #isMild(): boolean {
    const { loss, tail, bursts } = this.#cluster.network.weather;
    return loss + tail <= 0.2 && bursts === 0;
  }

  // ---- the laws

  #onLease(process: SimProcess, until: number | undefined, now: number): void {
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
    this.measures.onLease(world.now);
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
