// What a person wants of a service's replicas, and what is remembered on the service of the last change made for it.

import type { Duration } from "../../../proto/units.ts";

/** As it is kept. */
export interface ScalingDocument {
  readonly min: number;
  readonly max: number;
  /** The load of a task that is aimed at. */
  readonly target: number;
  /** Seconds. */
  readonly cooldown: number;
  /** When it was put last, wall-clock ms: a person's scale before that holds it no longer. */
  readonly putAt: number;
  /** Who put it. */
  readonly by: string;
}

export const scalingBounds = {
  replicas: { least: 1, most: 10_000 },
  target: { least: 0.01, most: 100 },
  /** Seconds. Shorter than the load is smoothed over, a change would not be seen before the next. */
  cooldown: { least: 5, most: 86_400 },
} as const;

/** @returns what is wrong, what is expected and what to do; none where it can be used */
export function scalingFaults(policy: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = [];
  const { replicas, target, cooldown } = scalingBounds;
  const within = (
    name: string,
    { least, most }: { readonly least: number; readonly most: number },
    isWhole: boolean,
  ): void => {
    const value = policy[name];
    const isNumber = typeof value === "number" && (isWhole ? Number.isInteger(value) : true);
    if (isNumber && value >= least && value <= most) return;
    const kind = isWhole ? "a whole number" : "a number";
    faults.push(`${name} is ${JSON.stringify(value)}; expected ${kind} from ${least} to ${most}`);
  };
  within("min", replicas, true);
  within("max", replicas, true);
  within("target", target, false);
  within("cooldown", cooldown, true);
  const { min, max } = policy;
  if (typeof min === "number" && typeof max === "number" && min > max) {
    faults.push(`min is ${min} and max is ${max}; expected min to be no more than max`);
  }
  return faults;
}

/** Of `heartmesh.scaled`, a label of the service that is written in the same update as the replicas. */
export interface ScalingJournal {
  /** Wall-clock ms. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

export const scalingLabel = "heartmesh.scaled";

/** The field `v` is the version of this shape. */
export const scalingJournalText = ({ at, from, to }: ScalingJournal): string =>
  JSON.stringify({ v: 1, at, from, to });

/** Undefined where there is none, or none that is understood. */
export function scalingJournalOf(
  labels: Readonly<Record<string, string>>,
): ScalingJournal | undefined {
  try {
    const told = JSON.parse(labels[scalingLabel] ?? "") as Partial<Record<string, unknown>>;
    const { v, at, from, to } = told;
    const isKnown = v === 1 && typeof at === "number";
    return isKnown && typeof from === "number" && typeof to === "number"
      ? { at, from, to }
      : undefined;
  } catch {
    return undefined;
  }
}

export const msOf = (cooldown: number): Duration => cooldown * 1000;
