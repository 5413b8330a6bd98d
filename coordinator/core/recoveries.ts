// The recoveries of all workers: decisions, job news and operators' commands go in, what the leader must do comes out.
//
// Every coordinator follows everything; only a leader speaks, and only one with a lease asks for actions. Before
// `onTick`, the owner judges anew whatever a stop's hold is about (Intent), so that a renewed hold is known here.

import type { GossipRecord } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import {
  after,
  earliest,
  elapsed,
  instant,
  type Instant,
  type Term,
  type WorkerId,
} from "../../proto/units.ts";
import type { BrakeState } from "./brake.ts";
import type { Decision } from "./decision.ts";
import type { JobNews } from "./job.ts";
import { noteFailing, noteHealth, type Case } from "./recovery-case.ts";
import {
  cancel,
  considerCase,
  explainLeft,
  quarantine,
  retellLeft,
  tickBrake,
} from "./recovery-launch.ts";
import { onNews } from "./recovery-news.ts";
import { onOperatorCommand, type OperatorCommand } from "./recovery-operator.ts";
import { targetOf } from "./recovery-order.ts";
import { onOverdue, overdueAt } from "./recovery-overdue.ts";
import { Ward } from "./recovery-ward.ts";
import type { RecoveryConfig, RecoveryOutput, RecoveryWorld } from "./recovery-ward.ts";
import { summariseCase, type RecoverySummary } from "./recovery-summary.ts";
import { isInFlight, patience, triesOf } from "./recovery.ts";

export type { OperatorCommand } from "./recovery-operator.ts";
export type { RecoveryConfig, RecoveryOutput, RecoveryWorld } from "./recovery-ward.ts";
export type { RevivalOrder } from "./recovery.ts";

/** A new leader tells again how a recovery ended so shortly before, in case that no leader was there to tell. */
const outcomeMemory = 3_000;

export class Recoveries {
  readonly #ward: Ward;
  /** Something may be possible that was not: the next tick is due at once. */
  #isKicked = false;
  /** Of the last input. */
  #now = instant(0);
  #deadline: Instant | undefined;
  #isDeadlineKnown = true;

  constructor(config: RecoveryConfig, world: RecoveryWorld, random: Random) {
    this.#ward = new Ward(config, world, random);
  }

  /** To be called whenever a worker's decision changes. */
  onDecision(decision: Decision, now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    const c = ward.caseOf(decision.worker);
    const spec = ward.world.spec(decision.worker);
    const window = spec?.settings.verifyWindow ?? ward.config.verifyWindow;
    if (spec?.container !== undefined) c.target = targetOf(spec.container);
    noteHealth(c, decision.verdict.kind, window, now);
    c.decision = decision;
    if (decision.kind === "act") {
      noteFailing(c, ward.world.aliveAt?.(c.worker, now), now);
      if (c.recovery.kind === "idle") ward.setRecovery(c, { kind: "waiting", retryAt: now });
      considerCase(ward, c, now);
    } else this.#onLeave(c, decision, now);
    if (decision.verdict.kind === "healthy") ward.brake.onHealthy(c.worker, now);
    // A dependency that is well, or given up, lets others go.
    for (const other of [...ward.depending]) if (other !== c) considerCase(ward, other, now);
    return this.#finish(now);
  }

  onJobNews(news: JobNews, now: Instant): readonly RecoveryOutput[] {
    const wasTaken = this.#ward.isTurnTaken();
    onNews(this.#ward, news, now);
    // Under the brake, the end of one recovery is the beginning of the next.
    if (wasTaken && !this.#ward.isTurnTaken()) this.#considerAll(now);
    return this.#finish(now);
  }

  /** Of a leader only; followers forward. */
  onOperator(command: OperatorCommand, now: Instant): readonly RecoveryOutput[] {
    onOperatorCommand(this.#ward, command, now);
    return this.#finish(now);
  }

  /** From heartbeats. When a recovery is over its leader knows best. */
  onRecords(records: readonly GossipRecord[], now: Instant): readonly RecoveryOutput[] {
    const { isLeading } = this.#ward;
    this.#merge(isLeading ? records.map(({ over: _, ...record }) => record) : records, now);
    return this.#finish(now);
  }

  /** From Redis, at start. */
  onRecordsLoaded(records: readonly GossipRecord[], now: Instant): readonly RecoveryOutput[] {
    this.#ward.memoryAwaitedUntil = undefined;
    this.#merge(records, now);
    this.#considerAll(now);
    return this.#finish(now);
  }

  /** The engine restarted a container of the worker by its own policy: that counts toward quarantine. Told by Intent. */
  onEngineRestart(worker: WorkerId, now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    // The leader alone counts, and gossip tells: else one restart would be counted once by each.
    if (!ward.isLeading) return [];
    const c = ward.caseOf(worker);
    const settings = ward.world.spec(worker)?.settings ?? ward.config;
    const isSpent = c.record.isSpent(settings, now);
    c.record.noteRevival(now);
    ward.save(c, now);
    if (isSpent && c.record.quarantinedAt === undefined && !isInFlight(c.recovery)) {
      const seconds = Math.round(settings.revivalWindow / 1000);
      const text = `restarted more than ${settings.maxRevivals} times within ${seconds} s, the engine's own restarts included: heartmesh gives up on it`;
      quarantine(ward, c, text, now, true);
    }
    return this.#finish(now);
  }

  /** It is not watched any more. Its record is kept, so that no epoch is given out twice. */
  onForgotten(worker: WorkerId, now: Instant): readonly RecoveryOutput[] {
    const c = this.#ward.find(worker);
    if (c === undefined) return [];
    c.decision = undefined;
    c.forced = undefined;
    c.healthySince = undefined;
    if (c.recovery.kind === "waiting") cancel(this.#ward, c, now);
    return this.#finish(now);
  }

  becomeLeader(term: Term, now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    ward.lead(term, now);
    if (ward.memoryAwaitedUntil !== undefined)
      ward.memoryAwaitedUntil = after(now, patience.memory);
    for (const c of ward.wanting) c.explained = "";
    for (const c of ward.cases()) {
      if (c.outcome !== undefined && elapsed(c.outcome.at, now) < outcomeMemory)
        ward.publishAnyway(c.outcome.event);
      c.outcome = undefined;
      retellLeft(ward, c);
    }
    this.#considerAll(now);
    return this.#finish(now);
  }

  becomeFollower(now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    ward.isLeading = false;
    ward.leaseUntil = undefined;
    ward.settleUntil = undefined;
    for (const c of [...ward.flying]) {
      if (!isInFlight(c.recovery)) continue;
      const { flight, kind } = c.recovery;
      // What the queue has not confirmed may never have been enqueued, and nobody else runs a direct try.
      if (kind !== "enqueueing" && flight.by === "queue") continue;
      c.record.noteTries(triesOf(flight));
      c.forced = undefined;
      if (flight.by === "queue" && flight.triesBefore === 0) c.isPaid = true;
      const isWanted = c.decision?.kind === "act";
      ward.setRecovery(c, isWanted ? { kind: "waiting", retryAt: now } : { kind: "idle" });
    }
    return this.#finish(now);
  }

  /** The lease now ends then; undefined: there is none. Followed by a tick where it makes something possible. */
  onLease(until: Instant | undefined): void {
    const ward = this.#ward;
    const isNew = ward.leaseUntil === undefined || ward.leaseUntil <= this.#now;
    ward.leaseUntil = until;
    // A lease that is merely renewed, many times a second, changes no deadline.
    if (!isNew && until !== undefined) return;
    this.#isKicked = until !== undefined;
    this.#isDeadlineKnown = false;
  }

  /** As a quorum says. */
  onRedis(state: "reachable" | "unreachable", now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    if ((state === "unreachable") === (ward.redisLostAt !== undefined)) return [];
    if (state === "unreachable") {
      ward.redisLostAt = now;
      ward.publish("", "redis-lost", "a quorum cannot reach Redis: recoveries are done directly", {
        notify: true,
      });
    } else {
      ward.redisOutage = { from: ward.redisLostAt ?? now, to: now };
      ward.redisLostAt = undefined;
      ward.publish("", "redis-back", "Redis is reachable again: records are written down now", {
        notify: true,
      });
      ward.saveAll(now);
    }
    this.#considerAll(now);
    return this.#finish(now);
  }

  onEngine(host: string, reachable: boolean, now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    if (reachable !== ward.lostEngines.has(host)) return [];
    if (reachable) {
      ward.lostEngines.delete(host);
      ward.publish("", "engine-back", `the engine of ${host} answers again`, { notify: true });
    } else {
      ward.lostEngines.add(host);
      ward.publish(
        "",
        "engine-lost",
        `the engine of ${host} does not answer: recoveries wait for it`,
        {
          notify: true,
        },
      );
    }
    this.#considerAll(now);
    return this.#finish(now);
  }

  onTick(now: Instant): readonly RecoveryOutput[] {
    const ward = this.#ward;
    this.#isKicked = false;
    for (const c of [...ward.kept]) this.#onKept(c, now);
    const lease = ward.lease(now);
    if (lease !== undefined) {
      for (const c of [...ward.flying]) {
        if (isInFlight(c.recovery) && now >= overdueAt(ward, c, c.recovery))
          onOverdue(ward, c, lease, now);
      }
    }
    this.#considerAll(now);
    return this.#finish(now);
  }

  nextDeadline(): Instant | undefined {
    if (!this.#isDeadlineKnown) {
      this.#deadline = this.#findDeadline();
      this.#isDeadlineKnown = true;
    }
    return this.#deadline;
  }

  /** For the next heartbeat: at most `limit` records, changed ones first, then unfinished and quarantined ones, then all in turn. */
  recordsPage(limit: number, now: Instant): readonly GossipRecord[] {
    const ward = this.#ward;
    const workers = ward.pages.next(limit, () => {
      const all = [...ward.recorded];
      const first = all.filter((c) => ward.kept.has(c) || c.record.tries > 0);
      const rest = all.filter((c) => !ward.kept.has(c) && c.record.tries === 0);
      return [first, rest].map((part) => part.map((c) => c.worker));
    });
    return workers.map((worker) => ward.caseOf(worker).record.toGossip(now));
  }

  summaryOf(worker: WorkerId, now: Instant): RecoverySummary {
    return summariseCase(this.#ward, worker, now);
  }

  brake(now: Instant): BrakeState & { readonly total: number } {
    const total = this.#ward.world.workerCount();
    return { ...this.#ward.brake.state(total, now), total };
  }

  #finish(now: Instant): readonly RecoveryOutput[] {
    this.#now = now;
    this.#isDeadlineKnown = false;
    tickBrake(this.#ward, now);
    return this.#ward.takeOutputs();
  }

  #merge(records: readonly GossipRecord[], now: Instant): void {
    for (const record of records) {
      if (!this.#ward.mayKeep(record.worker)) continue;
      const c = this.#ward.caseOf(record.worker);
      if (!c.record.merge(record, now)) continue;
      this.#ward.refile(c);
      this.#ward.noteUnsaved(c);
      considerCase(this.#ward, c, now);
    }
  }

  #onLeave(c: Case, decision: Extract<Decision, { kind: "leave" }>, now: Instant): void {
    const ward = this.#ward;
    if (isInFlight(c.recovery)) return;
    if (c.forced !== undefined) {
      considerCase(ward, c, now);
      return;
    }
    const wasHeld = c.recovery.kind === "waiting" && c.explained.startsWith("held");
    if (c.recovery.kind === "waiting") cancel(ward, c, now);
    const { verdict, reason } = decision;
    const text = `no action is needed any more: ${verdict.reason}`;
    if (!explainLeft(ward, c) && wasHeld)
      ward.explain(c, "left-alone", text, { evidence: verdict.evidence });
    if (verdict.kind === "healthy" && reason === "") c.explained = "";
  }

  /** A silence ends by its time, a quarantine by long health. */
  #onKept(c: Case, now: Instant): void {
    const ward = this.#ward;
    const { record } = c;
    if (record.silencedUntil !== undefined && now >= record.silencedUntil) {
      record.expireSilence();
      c.explained = "";
      ward.publish(c.worker, "silence-ended", "its time has passed");
    }
    const releaseAt = this.#releaseAt(c);
    if (ward.isLeading && releaseAt !== undefined && now >= releaseAt) {
      record.leaveQuarantine(ward.term);
      c.explained = "";
      const seconds = Math.round(ward.config.quarantineRelease / 1000);
      const text = `it was healthy for ${seconds} s: heartmesh looks after it again`;
      ward.publish(c.worker, "quarantine-ended", text, { notify: true });
      ward.save(c, now);
    }
    ward.refile(c);
  }

  #releaseAt(c: Case): Instant | undefined {
    return c.record.quarantinedAt === undefined || c.healthySince === undefined
      ? undefined
      : after(c.healthySince, this.#ward.config.quarantineRelease);
  }

  /** The healer's own parts first, then whoever has waited for longest. */
  #considerAll(now: Instant): void {
    const ward = this.#ward;
    const rank = (c: Case): number => {
      const role = ward.world.spec(c.worker)?.role ?? "worker";
      return role === "worker" ? 1 : 0;
    };
    const waiting = [...ward.wanting].map((c) => ({ c, rank: rank(c), since: c.since ?? now }));
    waiting.sort((a, b) => a.rank - b.rank || a.since - b.since);
    for (const { c } of waiting) considerCase(ward, c, now);
  }

  #findDeadline(): Instant | undefined {
    if (this.#isKicked) return this.#now;
    const ward = this.#ward;
    let first = ward.brake.nextDeadline();
    for (const c of ward.wanting) first = earliest(first, c.wakeAt);
    if (ward.lease(this.#now) !== undefined) {
      for (const c of ward.flying) {
        if (isInFlight(c.recovery)) first = earliest(first, overdueAt(ward, c, c.recovery));
      }
    }
    for (const c of ward.kept)
      first = earliest(
        first,
        c.record.silencedUntil,
        ward.isLeading ? this.#releaseAt(c) : undefined,
      );
    return first;
  }
}
