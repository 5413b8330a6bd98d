// Who the coordinators are: a set with a stamp, which the newer one of two has the higher of, and what may follow it.

import type { Member, SetStamp } from "../../proto/messages.ts";
import { limits } from "../../proto/limits.ts";
import { term, type CoordinatorId } from "../../proto/units.ts";
import { quorumOf } from "../../proto/quorum.ts";

export interface MemberSet {
  readonly stamp: SetStamp;
  /** Sorted by id; 1 to `limits.coordinators`. */
  readonly members: readonly Member[];
}

/** One at a time, so that any quorum of the old set and any of the new one share a coordinator. */
export type MemberChange =
  | { readonly kind: "add"; readonly member: Member }
  | { readonly kind: "remove"; readonly id: CoordinatorId };

/** What COORDINATORS gives: older than every set that a leader made. */
export const seedStamp: SetStamp = { term: term(0), version: 0 };

/** Above 0: `a` is newer. */
export const compareStamps = (a: SetStamp, b: SetStamp): number =>
  a.term - b.term || a.version - b.version;

export const byId = (members: readonly Member[]): readonly Member[] =>
  members.toSorted((a, b) => (a.id < b.id ? -1 : 1));

export const seedOf = (members: readonly Member[]): MemberSet => ({
  stamp: seedStamp,
  members: byId(members),
});

/** The set as it is now; everything in an election that depends on it reads it here, at the moment of use. */
export class Members {
  readonly self: CoordinatorId;
  #set: MemberSet;
  #ids: readonly CoordinatorId[];

  constructor(self: CoordinatorId, set: MemberSet) {
    this.self = self;
    this.#set = set;
    this.#ids = set.members.map(({ id }) => id);
  }

  get set(): MemberSet {
    return this.#set;
  }
  get ids(): readonly CoordinatorId[] {
    return this.#ids;
  }
  get quorum(): number {
    return quorumOf(this.#ids.length);
  }
  /** One that was removed, or not added yet, leads nothing and stands for nothing. */
  get hasSelf(): boolean {
    return this.has(this.self);
  }
  get isAlone(): boolean {
    return this.#ids.length === 1 && this.hasSelf;
  }

  has(id: CoordinatorId): boolean {
    return this.#ids.includes(id);
  }

  install(set: MemberSet): void {
    this.#set = set;
    this.#ids = set.members.map(({ id }) => id);
  }
}

/** A text says why the change makes no sense for this set. */
export function changed(set: MemberSet, change: MemberChange): readonly Member[] | string {
  const { members } = set;
  const id = change.kind === "add" ? change.member.id : change.id;
  const isMember = members.some((member) => member.id === id);
  const all = members.map((member) => member.id).join(", ");
  if (change.kind === "remove") {
    if (!isMember) return `${id} is no coordinator of this mesh; they are ${all}`;
    if (members.length === 1) return `${id} is the only coordinator`;
    return members.filter((member) => member.id !== id);
  }
  if (isMember) return `${id} is a coordinator already; they are ${all}`;
  if (members.length >= limits.coordinators) {
    return `there are ${members.length} coordinators already, and ${limits.coordinators} at most; remove one first`;
  }
  const next = byId([...members, change.member]);
  const bytes = next.reduce((sum, { id: name, host }) => sum + Buffer.byteLength(name + host), 0);
  if (bytes <= limits.memberSetBytes) return next;
  return `the names and addresses of all coordinators would take ${bytes} bytes, and ${limits.memberSetBytes} are the most; use shorter ones`;
}
