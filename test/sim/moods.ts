// Some runs are of one kind of trouble, and of more of it than chance would bring together.

import type { Random } from "../../proto/random.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { SimOptions } from "./options.ts";

export type Mood =
  | "any"
  | "mild"
  | "elections"
  | "stalls"
  | "paths"
  | "masses"
  | "loops"
  | "queue"
  | "late-jobs"
  | "pauses"
  | "members"
  | "disks";

const calm = { loss: 0, repeated: 0, tail: 0, delay: 0.5, bursts: 0 } as const;

const queueFaults = [
  ...(["worker-crash", "worker-hang", "agent-kill", "coordinator-kill", "redis-kill"] as const),
  ...([
    "runner-freeze",
    "runner-kill",
    "runner-cut-redis",
    "redis-roll-back",
    "redis-far",
    "redis-far",
    "cut-redis",
  ] as const),
];

const memberFaults = [
  ...(["coordinators-change", "coordinators-change", "coordinators-change"] as const),
  ...(["coordinator-kill", "coordinator-freeze", "cut-coordinators", "cut-one-way"] as const),
  ...(["coordinator-kill-between-effects", "worker-crash"] as const),
];

type Made = (
  mood: Mood,
  faults: readonly FaultKind[],
  more?: Partial<SimOptions>,
) => Partial<SimOptions>;

/** What is different from the run that its seed drew otherwise. Draws last, so that all other runs stay as they are. */
export function moodOf(
  drawn: SimOptions,
  mostWorkers: number,
  random: Random,
): Partial<SimOptions> {
  const share = random.float();
  const often = random.between(700, 2_500);
  const { loss } = drawn.weather;
  const of: Made = (mood, faults, more = {}) => ({
    mood,
    faults,
    faultEvery: often,
    ...more,
  });
  if (share < 0.1)
    return of(
      "mild",
      ["worker-crash", "worker-hang", "worker-stop", "agent-kill", "agent-freeze"],
      {
        weather: { ...calm, loss: loss / 2 },
        faultEvery: 2 * often,
      },
    );
  if (share < 0.18)
    return of("elections", ["leader-worn", "coordinator-kill", "cut-coordinators", "cut-one-way"], {
      workers: 1,
      weather: calm,
      drift: 0.01,
    });
  if (share < 0.24)
    return of("stalls", ["coordinators-stall", "coordinators-freeze", "worker-crash"], {
      weather: { ...drawn.weather, bursts: 0 },
    });
  if (share < 0.31)
    return of("paths", ["cut-worker", "cut-worker", "agent-freeze", "cut-coordinators"], {
      workers: 1 + (drawn.workers % 3),
      weather: { ...calm, loss: loss < 0.2 ? 0 : loss },
    });
  if (share < 0.38)
    return of("masses", ["workers-crash", "worker-crash", "coordinator-kill"], {
      workers: Math.max(Math.min(8, mostWorkers), drawn.workers),
      faultEvery: 4 * often,
      env: { ...drawn.env, BRAKE_MIN: "5", MAX_REVIVALS: "12" },
    });
  if (share < 0.45)
    return of("loops", ["worker-crash-loop", "worker-crash", "coordinator-kill"], {
      workers: 1 + (drawn.workers % 3),
      env: { ...drawn.env, MAX_REVIVALS: "2" },
    });
  if (share < 0.52)
    return of("queue", queueFaults, {
      workers: 1 + (drawn.workers % 3),
      weather: calm,
      env: { ...drawn.env, MAX_REVIVALS: "12" },
    });
  return trioMood(share, of, drawn);
}

/** Moods of three coordinators and few workers. */
function trioMood(
  share: number,
  of: Made,
  { workers, weather, env }: SimOptions,
): Partial<SimOptions> {
  const trio = { coordinators: 3, workers: 1 + (workers % 3), weather: calm } as const;
  const { loss } = weather;
  if (share < 0.57)
    return of("members", memberFaults, {
      ...trio,
      newcomers: 2,
      weather: { ...calm, loss: loss < 0.2 ? 0 : loss / 2 },
      drift: 0.01,
    });
  if (share < 0.6)
    return of("disks", ["disk-lost", "disk-lost", "disk-lost", "coordinator-kill"], {
      ...trio,
      workers: 1,
      drift: 0.01,
    });
  if (share < 0.63)
    return of("late-jobs", ["redis-late-job", "worker-crash", "worker-crash"], {
      ...trio,
      env: { ...env, MAX_REVIVALS: "12" },
    });
  if (share < 0.66)
    return of("pauses", ["worker-hang-then-pause", "worker-hang-then-pause", "worker-pause"], {
      ...trio,
      env: { ...env, MAX_REVIVALS: "12" },
    });
  return {};
}
