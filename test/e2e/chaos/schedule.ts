// Which fault, on whom, when and for how long: from a seed alone, so that the same seed gives the same schedule. Pure.

import { Random } from "../../../proto/random.ts";
import { endsAll, faultKinds, faultTable, type FaultKind, type Victim } from "./faults.ts";

export interface ScheduledFault {
  /** From 1, in order. */
  readonly number: number;
  /** From the begin, ms. */
  readonly atMs: number;
  /** 0 where it is over at once. */
  readonly forMs: number;
  readonly kind: FaultKind;
  /** A worker, coordinators joined by `+`, `leader` (whoever leads then), `network`, `redis` or `engine`. */
  readonly target: string;
  /** A coordinator where one is needed beside a worker. */
  readonly by: string;
}

export interface ScheduleWish {
  readonly seed: number;
  readonly seconds: number;
  readonly workers: readonly string[];
  /** Those of the workers that have an agent. */
  readonly withAgent: readonly string[];
  readonly coordinators: readonly string[];
}

/** From one fault to the next, ms. */
const gap = [2_600, 4_000] as const;
/** So often a second one begins at the same instant, elsewhere. */
const twoAtOnce = 1 / 5;
const firstAt = 1_000;

/** How long after a fault's end its victims are left in peace, ms: what follows from it is part of it. */
export const peace = {
  /** A worker is healed, and its recovery over, within this where nothing else happens. */
  worker: 12_000,
  /** One that is back has a leader again, and is fit to judge. */
  coordinator: 4_000,
  redis: 5_000,
  network: 8_000,
  engine: 12_000,
  /** Every container starts again. */
  allContainers: 25_000,
} as const;

export function buildSchedule(wish: ScheduleWish): readonly ScheduledFault[] {
  const random = new Random(wish.seed);
  const end = wish.seconds * 1_000;
  const planned = new Plan(wish, random, end);
  const deck: FaultKind[] = [];
  let at: number = firstAt;
  while (at < end) {
    if (deck.length < faultKinds.length) deck.push(...shuffledDeck(random));
    const first = planned.placeOneOf(deck, at, undefined);
    if (first === undefined) {
      at += 250;
      continue;
    }
    if (random.float() < twoAtOnce) planned.placeOneOf(deck, at, first);
    at += random.between(...gap);
  }
  return planned.faults;
}

class Plan {
  readonly faults: ScheduledFault[] = [];
  readonly #wish: ScheduleWish;
  readonly #random: Random;
  readonly #end: number;
  /** When each victim may be struck again; `trio` stands for all coordinators, since one at a time is away. */
  readonly #freeAt = new Map<string, number>();

  constructor(wish: ScheduleWish, random: Random, end: number) {
    this.#wish = wish;
    this.#random = random;
    this.#end = end;
  }

  /** The first card that can be dealt now, and takes it out. @param beside a fault of the same instant, which strikes another kind of victim */
  placeOneOf(deck: FaultKind[], at: number, beside: FaultKind | undefined): FaultKind | undefined {
    for (const [index, kind] of deck.entries()) {
      if (beside !== undefined && faultTable[kind].strikes === faultTable[beside].strikes) continue;
      if (!this.#place(kind, at)) continue;
      deck.splice(index, 1);
      return kind;
    }
    return undefined;
  }

  #place(kind: FaultKind, at: number): boolean {
    const { strikes, lasts } = faultTable[kind];
    const forMs = Math.round(this.#random.between(...lasts));
    const target = this.#target(strikes, at);
    if (target === undefined || at + forMs > this.#end) return false;
    const { coordinators, workers } = this.#wish;
    const by = coordinators[this.#random.below(coordinators.length)] ?? "";
    const number = this.faults.length + 1;
    this.faults.push({ number, atMs: Math.round(at), forMs, kind, target, by });
    this.#occupy(strikes, target, at + forMs);
    if (endsAll(kind)) {
      this.#freeAt.set("engine", at + 2 * peace.allContainers);
      for (const worker of workers) this.#freeAt.set(worker, at + peace.allContainers);
    }
    return true;
  }

  #occupy(strikes: Victim, target: string, endsAt: number): void {
    switch (strikes) {
      case "worker":
      case "worker-with-agent":
        this.#freeAt.set(target, endsAt + peace.worker);
        break;
      case "coordinator":
      case "link":
      case "pair":
        this.#freeAt.set("trio", endsAt + peace.coordinator);
        break;
      case "network":
      case "redis":
      case "engine":
        this.#freeAt.set(target, endsAt + peace[strikes]);
        break;
    }
  }

  /** Undefined where nobody of that sort may be struck now. */
  #target(strikes: Victim, at: number): string | undefined {
    const isFree = (name: string): boolean => (this.#freeAt.get(name) ?? 0) <= at;
    const { workers, withAgent, coordinators } = this.#wish;
    switch (strikes) {
      case "worker":
        return this.#oneOf(workers.filter(isFree));
      case "worker-with-agent":
        return this.#oneOf(withAgent.filter(isFree));
      case "coordinator":
        // The leader every other time: its loss is what costs most.
        return isFree("trio")
          ? this.#oneOf([...coordinators, ...Array<string>(coordinators.length).fill("leader")])
          : undefined;
      case "link":
      case "pair": {
        const spared = this.#oneOf(coordinators);
        return isFree("trio") ? coordinators.filter((id) => id !== spared).join("+") : undefined;
      }
      case "network":
      case "redis":
      case "engine":
        return isFree(strikes) ? strikes : undefined;
    }
  }

  #oneOf(names: readonly string[]): string | undefined {
    return names[this.#random.below(names.length)];
  }
}

function shuffledDeck(random: Random): readonly FaultKind[] {
  return faultKinds
    .flatMap((kind) => Array<FaultKind>(faultTable[kind].cards).fill(kind))
    .map((kind) => ({ kind, order: random.float() }))
    .sort((a, b) => a.order - b.order)
    .map(({ kind }) => kind);
}
