// Every order of events that an election of three can meet, up to a depth: deliveries, letters that never come, time, crashes before and
// behind a durable write.
// Without a copy of the machine there is no going back, so each order is run from its beginning.

import {
  Election,
  type Ballot,
  type ElectionConfig,
  type ElectionOutput,
} from "../../coordinator/core/election.ts";
import type { ElectionMessage } from "../../proto/messages.ts";
import { Random } from "../../proto/random.ts";
import { instant, term, type CoordinatorId, type Instant } from "../../proto/units.ts";
import { Laws } from "../coordinator/core/election-laws.ts";
import { membersNamed } from "../coordinator/core/members-named.ts";

export interface Explored {
  /** Different orders of events, by their choices. */
  readonly states: number;
  readonly orders: number;
  readonly deepest: number;
  /** Whether every order up to the depth was run. */
  readonly isWhole: boolean;
  readonly violation: string | undefined;
  readonly leaders: number;
}

interface Letter {
  readonly from: CoordinatorId;
  readonly to: CoordinatorId;
  readonly message: ElectionMessage;
}

interface Member {
  readonly id: CoordinatorId;
  election: Election | undefined;
  durable: Ballot | "lost";
}

/** What an election comes to is decided by votes; heartbeats are few here, so that the orders are of votes. */
/** Says nothing that moves an election: its sender follows, or refuses. */
function isIdle(message: ElectionMessage): boolean {
  if (message.kind === "heartbeat") return !message.leading;
  return message.kind === "heartbeat-ack" && !message.accepted;
}

const timing = { heartbeatInterval: 250, leaderTimeout: 750, tick: 5 } as const;
const ids = ["c1", "c2", "c3"] as const;
const mostTerms = 3;
/** Crashes in one order. */
const mostCrashes = 2;
/** Letters that may be next; one that is passed over for good was dropped. */
const choosable = 6;

/** Chooses as told, and the first of what is left from there on. */
class Choices {
  /** Of each choice: which was taken, of how many. */
  readonly taken: { pick: number; readonly count: number }[];
  at = 0;

  constructor(told: { pick: number; readonly count: number }[]) {
    this.taken = told;
  }

  choose(count: number): number {
    const known = this.taken[this.at++];
    if (known !== undefined) return known.pick;
    this.taken.push({ pick: 0, count });
    return 0;
  }
}

class Order {
  readonly #members: readonly Member[];
  readonly #letters: Letter[] = [];
  readonly #choices: Choices;
  readonly #laws = new Laws(() => `${this.#now.toFixed(0)} ms`);
  #now = 1_000;
  #crashes = 0;
  leaders = 0;

  constructor(choices: Choices) {
    this.#choices = choices;
    // Everybody has voted before, long ago: a first start would only wait.
    const durable: Ballot = { term: term(1), votedFor: "", longestPromise: 0 };
    this.#members = ids.map((id) => ({ id, election: undefined, durable }));
    for (const member of this.#members) this.#start(member);
  }

  /** @returns false where nothing more can happen that matters */
  step(): boolean {
    const acts = this.#acts();
    const act = acts[this.#choices.choose(acts.length)];
    if (act === undefined) return false;
    act();
    const highest = Math.max(...this.#members.map(({ election }) => election?.term ?? 0));
    return highest <= mostTerms + 1;
  }

  #acts(): (() => void)[] {
    const acts: (() => void)[] = [];
    const letters = this.#letters.slice(-choosable);
    for (const letter of letters) {
      acts.push(() => {
        this.#take(letter);
        this.#deliver(letter);
      });
    }
    const next = this.#nextDeadline();
    if (next !== undefined) {
      acts.push(() => {
        this.#now = Math.max(this.#now, next.at);
        this.#act(next.member, (election, now) => election.onTick(now));
      });
    }
    for (const member of this.#members) {
      if (member.election === undefined)
        acts.push(() => {
          this.#start(member);
        });
    }
    return acts;
  }

  #take(letter: Letter): void {
    this.#letters.splice(this.#letters.indexOf(letter), 1);
  }

  #deliver({ from, to, message }: Letter): void {
    const member = this.#member(to);
    this.#act(member, (election, now) => election.onMessage(from, message, now));
  }

  #start(member: Member): void {
    const { id, durable } = member;
    const config: ElectionConfig = { id, members: membersNamed(...ids), ...timing };
    member.election = new Election(
      config,
      durable,
      new Random(ids.indexOf(member.id as "c1") + 1),
      instant(this.#now),
    );
  }

  #act(
    member: Member,
    call: (election: Election, now: Instant) => readonly ElectionOutput[],
  ): void {
    if (member.election === undefined) return;
    this.#perform(member, call(member.election, instant(this.#now)));
    const holders = this.#members.filter(
      ({ election }) => election?.leaseUntil(instant(this.#now)) !== undefined,
    );
    this.#laws.onLeases(
      holders.map(({ id, election }) => ({ id, term: election?.term ?? term(0) })),
    );
  }

  #perform(member: Member, outputs: readonly ElectionOutput[]): void {
    for (const output of outputs) {
      if (member.election === undefined) return;
      if (output.kind === "persist") this.#persist(member, output.ballot);
      else if (output.kind === "send") {
        this.#laws.onSent(member.id, output.to, output.message, member.durable);
        if (isIdle(output.message)) continue;
        this.#letters.push({ from: member.id, to: output.to, message: output.message });
      } else if (output.kind === "role-changed" && output.role === "leader") {
        this.leaders++;
        this.#laws.onLeader(member.id, output.term);
      }
    }
  }

  /** Written; or it dies before the write; or behind it, before anything else is done. */
  #persist(member: Member, ballot: Ballot): void {
    const fate = this.#crashes < mostCrashes ? this.#choices.choose(3) : 0;
    if (fate !== 1) member.durable = ballot;
    if (fate === 0) {
      if (member.election !== undefined) {
        this.#perform(member, member.election.setDiskOk(instant(this.#now)));
      }
      return;
    }
    this.#crashes++;
    member.election = undefined;
  }

  #nextDeadline(): { readonly member: Member; readonly at: number } | undefined {
    let first: { readonly member: Member; readonly at: number } | undefined;
    for (const member of this.#members) {
      const at = member.election?.nextDeadline();
      if (at !== undefined && (first === undefined || at < first.at)) first = { member, at };
    }
    return first;
  }

  #member(id: CoordinatorId): Member {
    const found = this.#members.find((member) => member.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  }
}

/** @param within real ms */
export function explore(depth: number, within: number): Explored {
  const begun = performance.now();
  let taken: { pick: number; readonly count: number }[] = [];
  const sums = { states: 0, orders: 0, deepest: 0, leaders: 0 };
  for (;;) {
    const choices = new Choices(taken);
    const replayed = taken.length;
    try {
      const order = new Order(choices);
      let steps = 0;
      while (steps < depth && order.step()) steps++;
      sums.deepest = Math.max(sums.deepest, steps);
      sums.leaders += order.leaders;
    } catch (error) {
      const path = choices.taken.map(({ pick }) => pick).join(" ");
      return { ...sums, isWhole: false, violation: `${(error as Error).message}; choices ${path}` };
    }
    sums.orders++;
    // What is before the last change of choice was counted with an earlier order.
    sums.states += 1 + Math.max(0, choices.taken.length - replayed);
    taken = choices.taken;
    for (
      let last = taken.at(-1);
      last !== undefined && last.pick + 1 >= last.count;
      last = taken.at(-1)
    )
      taken.pop();
    const last = taken.at(-1);
    if (last === undefined) return { ...sums, isWhole: true, violation: undefined };
    last.pick++;
    if (performance.now() - begun > within)
      return { ...sums, isWhole: false, violation: undefined };
  }
}
