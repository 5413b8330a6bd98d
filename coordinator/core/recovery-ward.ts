// What the recoveries of all workers share: who leads and until when, what is out of reach, the brake, and the cases.

import { limits } from "../../proto/limits.ts";
import type { Random } from "../../proto/random.ts";
import {
  after,
  instant,
  term,
  type Duration,
  type Instant,
  type Term,
  type WorkerId,
} from "../../proto/units.ts";
import type { GossipRecord } from "../../proto/messages.ts";
import { Brake } from "./brake.ts";
import type { VerdictKind } from "./decision.ts";
import { eventOf, type CoreEvent, type EventKind, type Said } from "./event.ts";
import type { Target } from "./job.ts";
import { newCase, type Case } from "./recovery-case.ts";
import { isInFlight, type Recovery, type RevivalOrder } from "./recovery.ts";
import { RecordPages } from "./record-pages.ts";
import type { WorkerSpec } from "./worker.ts";

export interface RecoveryConfig {
  /** Defaults for workers without a specification; a worker's own settings go first. */
  readonly maxRevivals: number;
  readonly revivalWindow: Duration;
  readonly verifyWindow: Duration;
  readonly maxTries: number;
  readonly backoff: Duration;
  readonly backoffMax: Duration;
  readonly quarantineRelease: Duration;
  readonly brakeFraction: number;
  readonly brakeMin: number;
  readonly brakeWindow: Duration;
  /** How long a new leader gathers news before it acts on more than a few workers. */
  readonly settle: Duration;
  /** The longest action lease of a runner: so long a job may still act after Redis was lost. */
  readonly actionLease: Duration;
}

export interface RecoveryWorld {
  spec(worker: WorkerId): WorkerSpec | undefined;
  /** Of a service of a Swarm, which is no container. */
  service?(worker: WorkerId): Target | undefined;
  verdict(worker: WorkerId): VerdictKind | undefined;
  /** When it was last heard to be well. */
  aliveAt?(worker: WorkerId, now: Instant): Instant | undefined;
  workerCount(): number;
  /** Whether the machine of this engine is dead. */
  isDead(host: string): boolean;
  /** The worker that `heartmesh.depends-on` names; without it, `<host>/<name>` or a full id. */
  workerNamed?(name: string, dependant: WorkerSpec): WorkerId | undefined;
}

export type RecoveryOutput =
  /** By the queue. The same order may be asked for again: it is deduplicated by worker, and its id is the recovery's. */
  | { readonly kind: "enqueue"; readonly order: RevivalOrder; readonly validUntil: Instant }
  /** One try, run here and now, because a quorum cannot reach Redis. The core counts tries and waits between them. */
  | {
      readonly kind: "act-directly";
      readonly order: RevivalOrder;
      readonly tryNumber: number;
      readonly validUntil: Instant;
    }
  | { readonly kind: "publish"; readonly event: CoreEvent }
  | { readonly kind: "save-record"; readonly record: GossipRecord };

/** Holds state and bookkeeping; decides nothing. */
export class Ward {
  readonly config: RecoveryConfig;
  readonly world: RecoveryWorld;
  readonly random: Random;
  readonly brake: Brake;
  /** Cases whose decision asks for an action that has not begun. */
  readonly wanting = new Set<Case>();
  /** Cases with a job on its way. */
  readonly flying = new Set<Case>();
  /** Of those, which wait for a dependency. */
  readonly depending = new Set<Case>();
  /** Quarantined or silenced. */
  readonly kept = new Set<Case>();
  /** There is something to remember of them. */
  readonly recorded = new Set<Case>();
  readonly lostEngines = new Set<string>();
  readonly pages: RecordPages;
  term: Term = term(0);
  isLeading = false;
  leaseUntil: Instant | undefined;
  settleUntil: Instant | undefined;
  /** When it last became the leader. */
  leadsSince: Instant | undefined;
  redisLostAt: Instant | undefined;
  /** When Redis was away last and is back. */
  redisOutage: { readonly from: Instant; readonly to: Instant } | undefined;
  /** Until what Redis remembers was read, or a leader has waited long enough for it. */
  memoryAwaitedUntil: Instant | undefined = instant(Number.POSITIVE_INFINITY);
  readonly #cases = new Map<WorkerId, Case>();
  /** To be saved once Redis is back, or the job is over whose token the saving would outdate. */
  readonly #unsaved = new Set<Case>();
  #outputs: RecoveryOutput[] = [];

  constructor(config: RecoveryConfig, world: RecoveryWorld, random: Random) {
    this.config = config;
    this.world = world;
    this.random = random;
    this.pages = new RecordPages(random);
    this.brake = new Brake({
      fraction: config.brakeFraction,
      minimum: config.brakeMin,
      window: config.brakeWindow,
    });
  }

  caseOf(worker: WorkerId): Case {
    let c = this.#cases.get(worker);
    if (c === undefined) {
      c = newCase(worker);
      this.#cases.set(worker, c);
    }
    return c;
  }

  /** Gossip of workers beyond the bound is not kept, whoever tells it. */
  mayKeep(worker: WorkerId): boolean {
    return this.#cases.has(worker) || this.#cases.size < limits.recordsKept;
  }

  find(worker: WorkerId): Case | undefined {
    return this.#cases.get(worker);
  }

  cases(): Iterable<Case> {
    return this.#cases.values();
  }

  /** The record changed without need to save it now. */
  onRecordChanged(c: Case): void {
    this.pages.onChanged(c.worker);
    this.refile(c);
    if (this.redisLostAt !== undefined) this.#unsaved.add(c);
  }

  /** The end of the lease, where this coordinator may act now. */
  lease(now: Instant): Instant | undefined {
    return this.isLeading && this.leaseUntil !== undefined && now < this.leaseUntil
      ? this.leaseUntil
      : undefined;
  }

  lead(term: Term, now: Instant): void {
    this.isLeading = true;
    this.term = term;
    this.leadsSince = now;
    this.settleUntil = after(now, this.config.settle);
  }

  /** Neither a runner of the queue, nor a leader before this one, can be in the middle of an action from then on. */
  directFrom(): Instant | undefined {
    if (this.redisLostAt === undefined) return undefined;
    const since = Math.max(this.redisLostAt, this.leadsSince ?? this.redisLostAt);
    return after(instant(since), this.config.actionLease);
  }

  /** Redis is back; a leader before this one may have acted directly until its lease ended, and nothing of that lasts from then on. */
  queueFrom(): Instant | undefined {
    const { redisOutage, leadsSince } = this;
    if (this.redisLostAt !== undefined || redisOutage === undefined || leadsSince === undefined) {
      return undefined;
    }
    const { actionLease } = this.config;
    // Whoever led all the time knows what it did itself.
    const ledBefore = leadsSince <= redisOutage.from;
    return ledBefore || after(redisOutage.to, actionLease) < leadsSince
      ? undefined
      : after(leadsSince, actionLease);
  }

  setRecovery(c: Case, recovery: Recovery): void {
    c.recovery = recovery;
    c.wakeAt = undefined;
    c.patientUntil = undefined;
    put(this.wanting, c, recovery.kind === "waiting");
    put(this.flying, c, isInFlight(recovery));
    if (recovery.kind !== "waiting") this.depending.delete(c);
    if (recovery.kind === "idle") {
      c.since = undefined;
      c.aliveAt = undefined;
      c.dependencySince = undefined;
    }
  }

  /** A recovery gets on: under the brake the next one waits for it. One that its engine prevents does not. */
  isTurnTaken(): boolean {
    for (const { recovery } of this.flying) {
      if (isInFlight(recovery) && recovery.flight.preventedSince === undefined) return true;
    }
    return false;
  }

  /** To be called where quarantine or silence may have changed. */
  refile(c: Case): void {
    if (c.record.token.epoch > 0 || c.record.hasRevivals) this.recorded.add(c);
    put(this.kept, c, c.record.quarantinedAt !== undefined || c.record.silencedUntil !== undefined);
  }

  /** Only a leader speaks: the others came to the same conclusion. */
  publish(worker: WorkerId, kind: EventKind, text: string, said: Said = {}): void {
    if (this.isLeading) this.publishAnyway(eventOf(worker, kind, text, said));
  }

  publishAnyway(event: CoreEvent): void {
    this.#outputs.push({ kind: "publish", event });
  }

  /** A decision not to act, or not yet: told once per change; numbers in the text are no change. */
  explain(c: Case, kind: "held" | "left-alone", text: string, said: Said = {}): void {
    const key = `${kind} ${text.replaceAll(/\d+(\.\d+)?/g, "#")}`;
    if (c.explained === key) return;
    c.explained = key;
    c.said = text;
    this.publish(c.worker, kind, text, said);
  }

  emit(output: RecoveryOutput): void {
    this.#outputs.push(output);
  }

  /** The record changed: it travels in the next heartbeats, and the leader saves it. */
  save(c: Case, now: Instant): void {
    this.onRecordChanged(c);
    const flight = isInFlight(c.recovery) ? c.recovery.flight : undefined;
    // A saved record with a newer token would turn away the runner of an older job that was adopted.
    const wouldOutdate = flight?.by === "queue" && flight.token.epoch !== c.record.token.epoch;
    if (this.redisLostAt !== undefined || wouldOutdate) {
      this.#unsaved.add(c);
      return;
    }
    this.saveNow(c, now);
  }

  saveNow(c: Case, now: Instant): void {
    this.#unsaved.delete(c);
    this.onRecordChanged(c);
    if (this.isLeading) this.emit({ kind: "save-record", record: c.record.toGossip(now) });
  }

  isUnsaved(c: Case): boolean {
    return this.#unsaved.has(c);
  }

  /** Without Redis, followers remember as well what must be written once it is back. */
  noteUnsaved(c: Case): void {
    if (this.redisLostAt !== undefined) this.#unsaved.add(c);
  }

  saveAll(now: Instant): void {
    for (const c of [...this.#unsaved]) this.save(c, now);
  }

  takeOutputs(): readonly RecoveryOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

function put<T>(set: Set<T>, item: T, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}
