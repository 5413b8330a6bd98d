// Some elections on a network in virtual time: delay, loss, repetition, reordering, cut links, drifting clocks, crashes, pauses, failing
// disks, all from one seed. After every step it checks what must never happen, and throws with the seed when it does.

import assert from "node:assert/strict";
import {
  Election,
  type Ballot,
  type ElectionConfig,
  type ElectionOutput,
} from "../../../coordinator/core/election.ts";
import type { ElectionMessage } from "../../../proto/messages.ts";
import { Random } from "../../../proto/random.ts";
import { instant, term, type CoordinatorId, type Instant } from "../../../proto/units.ts";
import { Laws } from "./election-laws.ts";
import { pop, push, type Happening } from "./happenings.ts";
import { membersNamed, withoutSet } from "./members-named.ts";

export interface ClusterOptions {
  readonly seed: number;
  readonly members?: number;
  /** Coordinators beyond those, which begin outside the set and may be added. */
  readonly newcomers?: number;
  readonly heartbeatInterval?: number;
  readonly leaderTimeout?: number;
  /** In turn, where the members' configurations differ. */
  readonly leaderTimeouts?: readonly number[];
  /** One way, ms. */
  readonly delay?: { readonly low: number; readonly high: number };
  /** Shares of all datagrams. */
  readonly loss?: number;
  readonly repetition?: number;
  /** Each clock's rate is off by at most this share. */
  readonly drift?: number;
  /** What is on each disk at the start; default: lost, as on a first start. */
  readonly durable?: Ballot;
}

export interface Member {
  readonly id: CoordinatorId;
  /** What its COORDINATORS names. */
  readonly seed: readonly CoordinatorId[];
  readonly rate: number;
  /** Clock time at real time 0. */
  offset: number;
  election: Election | undefined;
  durable: Ballot | "lost";
  disk: "fine" | "failing" | "crash-before-write" | "crash-after-write";
  /** Real time until which it is stopped (SIGSTOP) or suspended. */
  stoppedUntil: number;
  isSuspended: boolean;
  wakeAt: number;
  life: number;
}

export interface Change {
  readonly at: number;
  readonly id: CoordinatorId;
  readonly output: Exclude<ElectionOutput, { kind: "send" | "persist" }>;
}

export class Cluster {
  readonly random: Random;
  readonly members: readonly Member[];
  readonly changes: Change[] = [];
  readonly writes = new Map<CoordinatorId, number>();
  readonly sent = new Map<string, number>();
  /** They run the release before sets could change: what they send and get lacks what came since. */
  readonly older = new Set<CoordinatorId>();
  now = 0;
  loss: number;
  readonly #options: ClusterOptions;
  readonly #cut = new Set<string>();
  #queue: Happening[] = [];
  #order = 0;
  readonly #laws: Laws;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.#laws = new Laws(() => `seed ${options.seed}, ${this.now.toFixed(3)} ms`);
    this.loss = options.loss ?? 0;
    const drift = options.drift ?? 0;
    const { members = 3, newcomers = 0 } = options;
    const ids = Array.from({ length: members + newcomers }, (_, i) => `c${i + 1}`);
    const first = ids.slice(0, members);
    this.members = ids.map((id) => ({
      id,
      seed: first.includes(id) ? first : [...first, id],
      // The extremes are what the bound is for.
      rate: 1 + (this.random.below(2) === 0 ? drift : -drift) * this.random.between(0.9, 1),
      offset: this.random.between(0, 1e6),
      election: undefined,
      durable: options.durable ?? "lost",
      disk: "fine",
      stoppedUntil: 0,
      isSuspended: false,
      wakeAt: Infinity,
      life: 0,
    }));
    for (const member of this.members) this.start(member.id);
  }

  /** Whether there is anybody to add. */
  get mayChange(): boolean {
    return (this.#options.newcomers ?? 0) > 0;
  }

  config(id: CoordinatorId): ElectionConfig {
    const { leaderTimeouts, leaderTimeout = 750 } = this.#options;
    const index = this.members.findIndex((member) => member.id === id);
    return {
      id,
      members: membersNamed(...(this.members.find((member) => member.id === id)?.seed ?? [])),
      heartbeatInterval: this.#options.heartbeatInterval ?? 100,
      leaderTimeout: leaderTimeouts?.[index % leaderTimeouts.length] ?? leaderTimeout,
      tick: 5,
    };
  }

  member(id: CoordinatorId): Member {
    const found = this.members.find((member) => member.id === id);
    assert(found !== undefined);
    return found;
  }

  election(id: CoordinatorId): Election {
    const { election } = this.member(id);
    assert(election !== undefined, `${id} is down`);
    return election;
  }

  clock(member: Member): Instant {
    return instant(member.offset + this.now * member.rate);
  }

  // ---- faults

  start(id: CoordinatorId): void {
    const member = this.member(id);
    if (member.election !== undefined) return;
    member.life++;
    member.stoppedUntil = 0;
    member.isSuspended = false;
    member.election = new Election(
      this.config(id),
      member.durable,
      this.random.fork(),
      this.clock(member),
    );
    member.wakeAt = Infinity;
    this.#schedule(member);
  }

  crash(id: CoordinatorId): void {
    this.member(id).election = undefined;
  }

  /** A crash that takes the disk along. */
  loseDisk(id: CoordinatorId): void {
    this.crash(id);
    this.member(id).durable = "lost";
    this.#laws.onDiskLost(id);
  }

  /** SIGSTOP: its clock runs on, what arrives waits. */
  stop(id: CoordinatorId, ms: number): void {
    this.member(id).stoppedUntil = this.now + ms;
  }

  /** Its clock stands still as well, and it notices when it wakes. */
  suspend(id: CoordinatorId, ms: number): void {
    const member = this.member(id);
    if (member.isSuspended || member.election === undefined) return;
    member.stoppedUntil = this.now + ms;
    member.isSuspended = true;
    const { life } = member;
    this.at(ms, () => {
      if (member.life !== life || member.election === undefined) return;
      member.isSuspended = false;
      member.offset -= ms * member.rate;
      this.step(id, (election, now) => election.onJump(now));
    });
  }

  cut(from: CoordinatorId, to: CoordinatorId): void {
    this.#cut.add(`${from}>${to}`);
  }

  isolate(id: CoordinatorId): void {
    for (const other of this.members) {
      this.cut(id, other.id);
      this.cut(other.id, id);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  // ---- time

  at(inMs: number, run: () => void): void {
    push(this.#queue, { at: this.now + inMs, order: this.#order++, run });
  }

  run(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /** @returns after how many ms of real time `reached` held; undefined when it did not within `limit`. */
  runUntil(reached: () => boolean, limit: number): number | undefined {
    const start = this.now;
    const end = start + limit;
    while (!reached()) {
      const next = this.#queue[0];
      if (next === undefined || next.at > end) {
        this.now = end;
        return reached() ? limit : undefined;
      }
      pop(this.#queue);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    return this.now - start;
  }

  // ---- what is seen

  /** Whoever holds a lease now. */
  acting(): CoordinatorId | undefined {
    return this.members.find((member) => this.#holdsLease(member))?.id;
  }

  /** Runs until somebody holds a lease. */
  settle(limit = 5000): CoordinatorId {
    this.runUntil(() => this.acting() !== undefined, limit);
    const id = this.acting();
    assert(id !== undefined, `seed ${this.#options.seed}: nobody leads after ${limit} ms`);
    return id;
  }

  /** Runs until somebody leads with a lease and all others that run follow it. */
  settleAll(limit = 5000): CoordinatorId {
    this.runUntil(() => {
      const id = this.acting();
      return this.members.every(
        ({ election }) =>
          id !== undefined &&
          (election?.members.hasSelf === false || (election?.leader ?? id) === id),
      );
    }, limit);
    return this.settle(0);
  }

  others(id: CoordinatorId): [CoordinatorId, CoordinatorId] {
    const [a, b] = this.members.map((member) => member.id).filter((other) => other !== id);
    assert(a !== undefined && b !== undefined);
    return [a, b];
  }

  changesOf(id: CoordinatorId, since = 0): readonly Change["output"][] {
    return this.changes
      .filter((change) => change.id === id && change.at >= since)
      .map((change) => change.output);
  }

  // ---- stepping

  step(
    id: CoordinatorId,
    call: (election: Election, now: Instant) => readonly ElectionOutput[],
  ): void {
    const member = this.member(id);
    if (member.election === undefined) return;
    this.#perform(member, call(member.election, this.clock(member)));
    this.#checkLeases(member);
    this.#schedule(member);
  }

  #perform(member: Member, outputs: readonly ElectionOutput[]): void {
    for (const output of outputs) {
      if (member.election === undefined) return;
      switch (output.kind) {
        case "persist":
          if (!this.#persist(member, output.ballot)) return;
          break;
        case "send":
          this.#laws.onSent(member.id, output.to, output.message, member.durable);
          this.#deliver(member.id, output.to, output.message);
          break;
        case "role-changed":
          this.changes.push({ at: this.now, id: member.id, output });
          if (output.role === "leader") this.#laws.onLeader(member.id, output.term);
          break;
        case "members-changed":
        case "change-ended":
        case "lease-ended":
          this.changes.push({ at: this.now, id: member.id, output });
          break;
      }
    }
  }

  /** @returns whether what is behind it may be performed. */
  #persist(member: Member, ballot: Ballot): boolean {
    const { election, disk } = member;
    this.writes.set(member.id, (this.writes.get(member.id) ?? 0) + 1);
    if (election === undefined) return false;
    if (disk === "failing") {
      this.#perform(member, election.onPersistFailed("No space left", this.clock(member)));
      return false;
    }
    if (disk !== "crash-before-write") member.durable = ballot;
    if (disk !== "fine") {
      member.disk = "fine";
      this.crash(member.id);
      return false;
    }
    this.#perform(member, election.setDiskOk(this.clock(member)));
    return true;
  }

  #deliver(from: CoordinatorId, to: CoordinatorId, message: ElectionMessage): void {
    this.sent.set(message.kind, (this.sent.get(message.kind) ?? 0) + 1);
    const { delay = { low: 0.2, high: 1 }, repetition = 0 } = this.#options;
    const copies = this.random.float() < repetition ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#cut.has(`${from}>${to}`) || this.random.float() < this.loss) continue;
      // A repeated datagram may be very late.
      const late = copy === 0 ? 0 : this.random.between(0, 2000);
      const isOld = this.older.has(from) || this.older.has(to);
      const carried = isOld ? withoutSet(message) : message;
      this.at(this.random.between(delay.low, delay.high) + late, () => {
        this.#arrive(from, to, carried);
      });
    }
  }

  #arrive(from: CoordinatorId, to: CoordinatorId, message: ElectionMessage): void {
    const member = this.member(to);
    if (member.election === undefined) return;
    if (member.stoppedUntil > this.now) {
      // After a stop the timers go first.
      this.at(member.stoppedUntil - this.now + 0.001, () => {
        this.#arrive(from, to, message);
      });
      return;
    }
    // What the shell fills in.
    const filled =
      message.kind === "heartbeat" ? { ...message, redis: "reachable" as const } : message;
    this.step(to, (election, now) => election.onMessage(from, filled, now));
  }

  #schedule(member: Member): void {
    const deadline = member.election?.nextDeadline();
    if (deadline === undefined) return;
    const at = Math.max(this.now, (deadline - member.offset) / member.rate + 1e-6);
    if (at >= member.wakeAt) return;
    member.wakeAt = at;
    const { life } = member;
    // A timer is late by a little.
    this.at(at - this.now + this.random.between(0, 1), () => {
      if (member.wakeAt === at && member.life === life) this.#wake(member);
    });
  }

  #wake(member: Member): void {
    member.wakeAt = Infinity;
    if (member.election === undefined) return;
    if (member.stoppedUntil > this.now) {
      const { life } = member;
      member.wakeAt = member.stoppedUntil;
      this.at(member.stoppedUntil - this.now, () => {
        if (member.life === life) this.#wake(member);
      });
      return;
    }
    this.step(member.id, (election, now) => {
      const outputs = election.onTick(now);
      const next = election.nextDeadline();
      this.#laws.must(next === undefined || next > now, `${member.id} spins at its deadline`);
      return outputs;
    });
  }

  /** A lease begins in a step of its holder. */
  #checkLeases(member: Member): void {
    if (!this.#holdsLease(member)) return;
    const holders = this.members.filter((other) => this.#holdsLease(other));
    this.#laws.onLeases(
      holders.map(({ id, election }) => ({ id, term: election?.term ?? term(0) })),
    );
  }

  #holdsLease(member: Member): boolean {
    if (member.election === undefined || member.isSuspended) return false;
    return member.election.leaseUntil(this.clock(member)) !== undefined;
  }
}
