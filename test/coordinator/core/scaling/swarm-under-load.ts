// A service of a Swarm under a load, in virtual time: whatever scales it is asked every second, and what it says is taken on the version that it saw.

import { Scaler, type ScalingOutput } from "../../../../coordinator/core/scaling/scaler.ts";
import type { ScaledService } from "../../../../coordinator/core/scaling/picture.ts";
import type {
  ScalingDocument,
  ScalingJournal,
} from "../../../../coordinator/core/scaling/policy.ts";
import { instant } from "../../../../proto/units.ts";

const begin = 1_800_000_000_000;

export interface Change {
  /** Since the begin, ms. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** One that leads, with clocks of its own. */
interface Leader {
  readonly scaler: Scaler;
  /** Its wall clock is so far ahead of the Swarm's. */
  readonly ahead: number;
}

export class SwarmUnderLoad {
  policy: ScalingDocument;
  replicas: number | undefined;
  /** What all tasks together have to do, in processors; each does at most one. Undefined: nobody tells. */
  demand: number | undefined = 0;
  /** So many of the tasks tell nothing. */
  silent = 0;
  trouble = "";
  isUpdating = false;
  readonly changes: Change[] = [];
  leaders: Leader[] = [{ scaler: new Scaler(), ahead: 0 }];
  #now = 0;
  #writtenAt = -3_600_000;
  #version = 1;
  #journal: ScalingJournal | undefined;

  constructor(replicas: number, policy: Partial<ScalingDocument> = {}) {
    this.replicas = replicas;
    const usual = { min: 1, max: 10, target: 0.5, cooldown: 30, putAt: begin - 7_200_000, by: "a" };
    this.policy = { ...usual, ...policy };
  }

  get now(): number {
    return this.#now;
  }

  get state() {
    return this.leaders.at(-1)?.scaler.state("web");
  }

  /** Another one leads from now on, and remembers nothing. */
  changeLeader(ahead = 0): void {
    this.leaders = [{ scaler: new Scaler(), ahead }];
  }

  /** A person's, or Swarm's own. */
  write(replicas = this.replicas): void {
    this.replicas = replicas;
    this.#version++;
    this.#writtenAt = this.#now;
  }

  putPolicy(policy: Partial<ScalingDocument> = {}): void {
    this.policy = { ...this.policy, ...policy, putAt: begin + this.#now };
  }

  pass(seconds: number, each?: (second: number) => void): void {
    for (let second = 0; second < seconds; second++) {
      this.#now += 1000;
      each?.(this.#now / 1000);
      // All look before any of them writes.
      const said = this.leaders.map((leader) => this.#look(leader));
      for (const outputs of said) for (const one of outputs) this.#take(one);
    }
  }

  #look({ scaler, ahead }: Leader): readonly ScalingOutput[] {
    const look = {
      kind: "looked" as const,
      wall: begin + this.#now + ahead,
      policies: new Map([["web", this.policy]]),
      services: [this.#service()],
    };
    return scaler.step(look, instant(this.#now + 1_000_000));
  }

  #service(): ScaledService {
    const { replicas = 1, demand } = this;
    const each = Math.min(1, (demand ?? 0) / Math.max(1, replicas));
    const told = demand === undefined ? 0 : Math.max(0, replicas - this.silent);
    return {
      name: "web",
      replicas: this.replicas,
      updatedAt: `version ${this.#version}`,
      writtenAt: begin + this.#writtenAt,
      isUpdating: this.isUpdating,
      journal: this.#journal,
      loads: Array.from({ length: told }, () => each),
      loadOf: told === 0 ? undefined : "tasks",
      trouble: this.trouble,
    };
  }

  #take({ updatedAt, journal, why }: ScalingOutput): void {
    if (updatedAt !== `version ${this.#version}`) return;
    this.changes.push({ at: this.#now, from: journal.from, to: journal.to, why });
    this.#journal = journal;
    this.write(journal.to);
  }
}

/** The shortest time between two changes, ms. */
export function closest(changes: readonly Change[]): number {
  const apart = changes.slice(1).map((one, place) => one.at - (changes[place]?.at ?? 0));
  return Math.min(Number.POSITIVE_INFINITY, ...apart);
}
