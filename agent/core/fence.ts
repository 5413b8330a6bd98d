// Whether a host may run its fenced containers: what the coordinators have granted, until when, and what holds once they are silent.
//
// A grant counts from the answer that it names, by this agent's own clock, which runs while the machine is suspended. A coordinator got
// that answer later than it left, so its own count from then on ends later, however long any datagram was under way. Answers have numbers
// of the agent's own: a PING that is sent once more, even to the next life of an agent, which has forgotten the first, gets another.

import { limits } from "../../proto/limits.ts";
import type { Machine } from "../../proto/machine.ts";
import type { FenceState, Grant } from "../../proto/messages.ts";
import { quorumOf } from "../../proto/quorum.ts";
import {
  after,
  clockDrift,
  instant,
  type CoordinatorId,
  type Duration,
  type Instant,
} from "../../proto/units.ts";

export type FenceInput =
  | { readonly kind: "started" }
  /** The answer leaves behind this step, or never. `within`: the stop timeout that it tells. */
  | {
      readonly kind: "ping-answered";
      readonly coordinator: CoordinatorId;
      readonly grant: Grant | undefined;
      readonly within: Duration;
    }
  | { readonly kind: "timer-fired" };

export type FenceOutput =
  /** Whatever is fenced ends, and so does what is fenced and begins, until the state is another. */
  | { readonly kind: "stop-fenced" }
  | { readonly kind: "fence-changed"; readonly state: FenceState; readonly text: string };

/** What has to outlast this process. Instants are those of the machine's clock, until its next boot. */
export interface FenceMemory {
  readonly state: FenceState;
  /** While held. */
  readonly until: number;
  /** Who has said goodbye, and for how long the shortest of them used to grant. */
  readonly goodbyes: readonly Goodbye[];
  readonly keptFor: Duration;
}

interface Goodbye {
  readonly coordinator: CoordinatorId;
  readonly of: number;
  readonly set: string;
}

interface Answer {
  readonly id: number;
  readonly at: Instant;
  readonly within: Duration;
}

/** What one coordinator granted as a member of one set of coordinators. */
interface Held {
  readonly answeredAt: Instant;
  readonly until: Instant;
  readonly of: number;
}

interface Granter {
  /** Oldest first; the oldest is the one that its last grant named. */
  answers: Answer[];
  readonly grants: Map<string, Held>;
}

export class Fence implements Machine<FenceInput, FenceOutput> {
  readonly #granters = new Map<CoordinatorId, Granter>();
  readonly #goodbyes = new Map<CoordinatorId, Goodbye>();
  #state: FenceState;
  /** Held until then at least, whatever is granted: of before a restart, or of before coordinators came back. */
  #atLeast: Instant;
  #until: Instant;
  #keptFor: Duration;
  #lastAnswer: number;
  #out: FenceOutput[] = [];

  /**
   * `lost`: there was a memory, and it is of an earlier boot of the machine or cannot be read; nobody knows what was granted since.
   * @param firstAnswer drawn anew for each life: what was granted to an earlier one, and is sent again, names no answer of this one
   */
  constructor(memory: FenceMemory | "none" | "lost", firstAnswer: number) {
    this.#lastAnswer = firstAnswer;
    const known = typeof memory === "string" ? undefined : memory;
    this.#state = known?.state ?? (memory === "none" ? "never" : "lapsed");
    this.#atLeast = instant(known?.until ?? 0);
    this.#until = this.#atLeast;
    this.#keptFor = known?.keptFor ?? limits.grant;
    for (const goodbye of known?.goodbyes ?? []) this.#goodbyes.set(goodbye.coordinator, goodbye);
  }

  get state(): FenceState {
    return this.#state;
  }

  /** To be said with the answer to the last ping. */
  get answer(): number {
    return this.#lastAnswer;
  }

  get memory(): FenceMemory {
    const goodbyes = [...this.#goodbyes.values()];
    return { state: this.#state, until: this.#until, goodbyes, keptFor: this.#keptFor };
  }

  step(input: FenceInput, now: Instant): readonly FenceOutput[] {
    // A restart changes nothing: what had lapsed before is still to be stopped.
    if (input.kind === "started" && this.#state === "lapsed") {
      this.#out.push({ kind: "stop-fenced" });
    }
    // Before anything that it is told counts: who slept beyond the end of its grants has lapsed.
    this.#lapseIfDue(now);
    if (input.kind === "ping-answered") this.#onPing(input, now);
    const out = this.#out;
    this.#out = [];
    return out;
  }

  nextDeadline(): Instant | undefined {
    return this.#state === "held" ? this.#until : undefined;
  }

  /** The stop timeout that every coordinator was told, or a longer one: what one that heard nothing newer counts with. */
  mayTake(wanted: Duration): Duration {
    let least = wanted;
    for (const { answers } of this.#granters.values()) {
      for (const { within } of answers) least = Math.min(least, within);
    }
    return least;
  }

  #onPing(ping: Extract<FenceInput, { kind: "ping-answered" }>, now: Instant): void {
    const { coordinator, grant, within } = ping;
    const granter = this.#granter(coordinator);
    if (grant?.goodbye === true) this.#onGoodbye(coordinator, granter, grant);
    else {
      if (grant !== undefined) onGrant(granter, grant);
      this.#goodbyes.delete(coordinator);
      remember(granter, { id: ++this.#lastAnswer, at: now, within });
    }
    this.#judge(now);
  }

  /**
   * It must name the very last answer: one of its former life, held up on its way, does so no more once the next life has asked.
   * Datagrams that were lost just before cost no more than that the grants run out.
   */
  #onGoodbye(coordinator: CoordinatorId, { answers }: Granter, grant: Grant): void {
    if (answers.at(-1)?.id !== grant.answer) return;
    this.#goodbyes.set(coordinator, { coordinator, of: grant.of, set: setOf(grant) });
    this.#keptFor = Math.min(this.#keptFor, grant.for);
  }

  #judge(now: Instant): void {
    const granted = this.#grantedUntil();
    switch (this.#state) {
      case "never":
      case "lapsed":
        if (granted > now) this.#hold(granted, "a quorum of coordinators grants");
        return;
      case "held":
        this.#until = instant(Math.max(this.#atLeast, granted));
        if (this.#isLeftAlone()) {
          const who = [...this.#goodbyes.keys()].join(", ");
          this.#become("kept", `${who} said goodbye, and the others can move nothing`);
        }
        return;
      case "kept":
        if (this.#isLeftAlone()) return;
        // Who came back counts from this answer on, or from a later one.
        this.#atLeast = ends(now, this.#keptFor);
        this.#hold(instant(Math.max(this.#atLeast, granted)), "coordinators have come back");
        this.#keptFor = limits.grant;
    }
  }

  #hold(until: Instant, text: string): void {
    this.#until = until;
    this.#become("held", text);
  }

  #lapseIfDue(now: Instant): void {
    if (this.#state !== "held" || now < this.#until) return;
    this.#become("lapsed", "no quorum of coordinators grants any more");
    this.#out.push({ kind: "stop-fenced" });
  }

  #become(state: FenceState, text: string): void {
    this.#state = state;
    this.#out.push({ kind: "fence-changed", state, text });
  }

  /** When the grants of a quorum of one set end; 0 where there is no such quorum. */
  #grantedUntil(): Instant {
    const sets = new Map<string, Held[]>();
    for (const { grants } of this.#granters.values()) {
      for (const [set, held] of grants) sets.set(set, [...(sets.get(set) ?? []), held]);
    }
    let until = 0;
    for (const all of sets.values()) {
      const quorum = quorumOf(Math.max(...all.map(({ of }) => of)));
      const last = all.map((held) => held.until).sort((a, b) => b - a)[quorum - 1];
      until = Math.max(until, last ?? 0);
    }
    return instant(until);
  }

  /** Too many of one set have said goodbye for a quorum of the others. */
  #isLeftAlone(): boolean {
    const sets = new Map<string, Goodbye[]>();
    for (const one of this.#goodbyes.values()) {
      sets.set(one.set, [...(sets.get(one.set) ?? []), one]);
    }
    return [...sets.values()].some((all) => {
      const of = Math.max(...all.map((one) => one.of));
      return all.length > of - quorumOf(of);
    });
  }

  #granter(id: CoordinatorId): Granter {
    const known = this.#granters.get(id) ?? { answers: [], grants: new Map<string, Held>() };
    // The one that asked last stands last.
    this.#granters.delete(id);
    this.#granters.set(id, known);
    const [first] = this.#granters.keys();
    if (this.#granters.size > limits.granters && first !== undefined) this.#granters.delete(first);
    return known;
  }
}

/** One that names no answer that is still known is of another host, of an earlier life of this agent, or long overtaken. */
function onGrant(granter: Granter, grant: Grant): void {
  const at = granter.answers.findIndex(({ id }) => id === grant.answer);
  const answer = granter.answers[at];
  if (answer === undefined) return;
  granter.answers.splice(0, at);
  const { grants } = granter;
  for (const [set, { until }] of grants) if (until < answer.at) grants.delete(set);
  const held = grants.get(setOf(grant));
  // The newest answer counts, also where it was granted for less.
  if (held !== undefined && held.answeredAt > answer.at) return;
  const until = ends(answer.at, grant.for);
  grants.set(setOf(grant), { answeredAt: answer.at, until, of: grant.of });
}

function remember(granter: Granter, answer: Answer): void {
  const { answers } = granter;
  answers.push(answer);
  const oldest = answers.length > limits.answersRemembered ? answers.shift() : undefined;
  const [next] = answers;
  if (oldest === undefined || next === undefined) return;
  // What was told with it may still be all that its coordinator knows.
  answers[0] = { ...next, within: Math.min(next.within, oldest.within) };
}

/** Shorter by what this clock may run slow: at its end no more than `length` of real time has passed. */
const ends = (from: Instant, length: Duration): Instant => after(from, length * (1 - clockDrift));

const setOf = ({ set }: Grant): string => `${set.term}.${set.version}`;
