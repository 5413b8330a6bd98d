// What a run is like, all of it drawn from its seed: how many, how lossy, which faults.

import { Random } from "../../proto/random.ts";
import { faultKinds, type FaultKind } from "./fault-kinds.ts";
import { moodOf, type Mood } from "./moods.ts";

export type Arrangement = "inside" | "around" | "checked" | "engine-only";

export interface SimOptions {
  readonly seed: number;
  readonly mood: Mood;
  readonly coordinators: number;
  /** Beyond those, outside the set until somebody adds them. */
  readonly newcomers?: number;
  readonly workers: number;
  readonly hosts: number;
  /** Virtual seconds under faults; healing comes after that. */
  readonly seconds: number;
  readonly weather: {
    readonly loss: number;
    readonly repeated: number;
    readonly tail: number;
    readonly delay: number;
    readonly bursts: number;
  };
  /** Clocks are off by at most this share. */
  readonly drift: number;
  readonly faults: readonly FaultKind[];
  /** Mean time between two faults, ms. */
  readonly faultEvery: number;
  /** How each worker stands to its agent, in turn. */
  readonly arrangements: readonly Arrangement[];
  readonly restartPolicies: boolean;
  /** Agents watch the worker's process and tell its exit at once. */
  readonly obituaries?: boolean;
  /** Environment of the coordinators beside the addresses. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Bounds {
  readonly seconds: number;
  /** Of 200 that a seed may draw. */
  readonly mostWorkers: number;
}

/** Most runs are small, for they show as much and cost less; one in ten is larger, one in a hundred a swarm. */
const mostWorkersOf = (size: number): number => (size < 0.01 ? 200 : size < 0.1 ? 40 : 12);

const arrangements: readonly Arrangement[] = ["inside", "around", "checked", "engine-only"];

export function optionsOf(seed: number, bounds: Bounds): SimOptions {
  const random = new Random(seed);
  const flip = (share: number): boolean => random.float() < share;
  const coordinators = flip(0.7) ? 3 : 1 + random.below(7);
  const faults = faultKinds.filter(() => flip(0.35));
  const options: SimOptions = {
    seed,
    mood: "any",
    coordinators,
    workers: 1 + random.below(Math.min(bounds.mostWorkers, mostWorkersOf(random.float()))),
    hosts: 1 + random.below(2),
    seconds: bounds.seconds,
    weather: {
      loss: flip(0.5) ? 0 : random.between(0, 0.4),
      repeated: flip(0.7) ? 0 : random.between(0, 0.2),
      tail: flip(0.7) ? 0 : random.between(0, 0.05),
      delay: flip(0.8) ? 0.5 : random.between(0.5, 40),
      bursts: flip(0.8) ? 0 : random.between(0, 0.2),
    },
    drift: flip(0.5) ? 0 : 0.01,
    faults: faults.length > 0 ? faults : ["worker-crash"],
    faultEvery: random.between(800, 6_000),
    arrangements: flip(0.5) ? [arrangements[random.below(4)] ?? "inside"] : arrangements,
    restartPolicies: flip(0.3),
    env: {
      STOP_POLICY: flip(0.2) ? "respect" : "revive",
      STOP_HOLD: flip(0.5) ? "3" : "1",
      MAX_REVIVALS: ["2", "5", "12"][random.below(3)] ?? "5",
      BACKOFF_MAX: "8",
      BRAKE_MIN: flip(0.5) ? "5" : "1000",
    },
    // Drawn last, so that all else stays as it was for a seed.
    obituaries: flip(0.2),
  };
  return { ...options, ...moodOf(options, bounds.mostWorkers, random) };
}
