// The leader's side of a change of the set of coordinators: one member at a time, by a quorum of the old set and of the new one.
//
// There is no replicated log that could order changes, so the sets order themselves: by the term of the leader that made them, then
// by version. A follower takes every newer set, makes it durable and then acknowledges it; nobody votes for a candidate with an older
// one. Before a leader makes the next set, a quorum of the present one must hold exactly that, confirmed in the leader's own term: then
// no older set can gather a quorum any more, and since two neighbouring sets differ by one coordinator, all quorums that
// still can be gathered meet. (Read: Schultz, Dardik, Tripakis, "Design and Analysis of a Logless Dynamic Reconfiguration
// Protocol", OPODIS 2021.) A lease counts the acknowledgements of the set that holds at the moment, so it never rests on fewer.

import type { Member } from "../../proto/messages.ts";
import { after, type Duration, type Instant, type Term } from "../../proto/units.ts";
import { changePatience, newcomerHeardFor, type ChangeEnded } from "./election-shape.ts";
import {
  changed,
  compareStamps,
  type MemberChange,
  type Members,
  type MemberSet,
} from "./member-set.ts";
import type { Peers } from "./peers.ts";
import { quorumOf } from "../../proto/quorum.ts";
import type { Strangers } from "./strangers.ts";
import type { Voter } from "./voter.ts";

export interface ReconfigurationParts {
  readonly members: Members;
  readonly peers: Peers;
  readonly voter: Voter;
  readonly strangers: Strangers;
  readonly leaderTimeout: Duration;
}

export type NextStep =
  { readonly kind: "install"; readonly set: MemberSet } | ChangeEnded | { readonly kind: "wait" };

const wait: NextStep = { kind: "wait" };

export class Reconfiguration {
  readonly #parts: ReconfigurationParts;
  #change: MemberChange | undefined;
  /** While a quorum of the old set is waited for; from then on one of the new set is. */
  #giveUpAt: Instant | undefined;

  constructor(parts: ReconfigurationParts) {
    this.#parts = parts;
  }

  /** What a person is told; empty when nothing is under way. */
  get text(): string {
    if (this.#change === undefined) return "";
    const what = describe(this.#change);
    return this.#giveUpAt === undefined
      ? `${what}: a quorum of the new set is to take it`
      : `${what}: a quorum of the coordinators so far is to confirm it`;
  }

  /** Of the leader while it holds a lease. A text says why not. */
  ask(change: MemberChange, now: Instant): string | undefined {
    const { members, peers } = this.#parts;
    if (this.#change !== undefined) return `another change is under way: ${this.text}`;
    const next = changed(members.set, change);
    if (typeof next === "string") return next;
    const old = peers.all().find(({ held }) => held !== undefined && held.stamp === undefined);
    if (old !== undefined) {
      return `${old.id} runs an older release, which knows no changes of the coordinators; upgrade it first`;
    }
    const obstacle =
      change.kind === "add"
        ? this.#whyNotReady(change.member, now)
        : this.#whyNeeded(change.id, next, now);
    if (obstacle !== undefined) return obstacle;
    this.#change = change;
    this.#giveUpAt = after(now, changePatience);
    return undefined;
  }

  /** It leads no more. What was not made by then may still be, or not: the next leader's set tells. */
  drop(): NextStep {
    if (this.#change === undefined) return wait;
    return this.#end("later", "the lead was lost meanwhile; see which set of coordinators counts");
  }

  /** To be called again until it waits. */
  next(term: Term, now: Instant): NextStep {
    const change = this.#change;
    if (change === undefined) return wait;
    const isHeld = this.#isHeldByQuorum(term);
    if (this.#giveUpAt === undefined) return isHeld ? this.#end("made", "done") : wait;
    const { set } = this.#parts.members;
    if (set.stamp.term !== term) return this.confirmed(term);
    if (!isHeld) {
      if (now < this.#giveUpAt) return wait;
      return this.#end("refused", "a quorum of the present coordinators did not confirm their set");
    }
    const next = changed(set, change);
    if (typeof next === "string") return this.#end("refused", next);
    this.#giveUpAt = undefined;
    const stamp = { term, version: set.stamp.version + 1 };
    return { kind: "install", set: { stamp, members: next } };
  }

  /** The same set, made this leader's own: newer than whatever an earlier leader made and did not spread. */
  confirmed(term: Term): Extract<NextStep, { kind: "install" }> {
    const { stamp, members } = this.#parts.members.set;
    return { kind: "install", set: { stamp: { term, version: stamp.version }, members } };
  }

  nextDeadline(): Instant | undefined {
    return this.#giveUpAt;
  }

  #whyNotReady({ id, host, port }: Member, now: Instant): string | undefined {
    const needed = newcomerHeardFor * this.#parts.leaderTimeout;
    const heardFor = this.#parts.strangers.heardFor(id, now);
    if (heardFor >= needed) return undefined;
    if (heardFor > 0) {
      return `${id} has been heard for ${Math.round(heardFor)} ms, and ${needed} ms are needed; ask again`;
    }
    return `${id} is not heard. Start it at ${host}:${port} first, with the same MESH_KEY and CLUSTER_ID, and with the present coordinators and itself in COORDINATORS`;
  }

  #whyNeeded(id: string, next: readonly Member[], now: Instant): string | undefined {
    const { members, peers } = this.#parts;
    const heard = next.filter(
      (member) => member.id === members.self || peers.get(member.id)?.isHeard(now) === true,
    );
    const needed = quorumOf(next.length);
    if (heard.length >= needed) return undefined;
    return `without ${id} only ${heard.length} of the ${needed} coordinators needed would be heard; bring another back first`;
  }

  /** Whether a quorum of the set that counts here holds it durably and knows no later term. */
  #isHeldByQuorum(term: Term): boolean {
    const { members, peers, voter } = this.#parts;
    const { stamp } = members.set;
    let count = voter.isSetSaved && members.hasSelf ? 1 : 0;
    for (const { held } of peers.all()) {
      if (held?.stamp === undefined || held.term !== term) continue;
      if (compareStamps(held.stamp, stamp) === 0) count++;
    }
    return count >= members.quorum;
  }

  #end(how: ChangeEnded["how"], text: string): NextStep {
    const change = this.#change;
    this.#change = undefined;
    this.#giveUpAt = undefined;
    const what = change === undefined ? "" : `${describe(change)}: `;
    return { kind: "change-ended", how, text: `${what}${text}` };
  }
}

const describe = (change: MemberChange): string =>
  change.kind === "add"
    ? `${change.member.id} (${change.member.host}:${change.member.port}) is added`
    : `${change.id} is removed`;
