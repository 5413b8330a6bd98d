// Every way in which a run may go wrong.

export const faultKinds = [
  "worker-crash",
  "worker-hang",
  "worker-stop",
  "worker-crash-loop",
  "worker-pause",
  "worker-hang-then-pause",
  "worker-silence",
  "agent-kill",
  "agent-freeze",
  "coordinator-kill",
  "coordinator-kill-between-effects",
  "coordinator-freeze",
  "coordinator-sleep",
  "coordinator-stall",
  "coordinator-term",
  "coordinators-freeze",
  "runner-freeze",
  "runner-kill",
  "runner-cut-redis",
  "leader-worn",
  "wall-jump",
  "redis-kill",
  "redis-roll-back",
  "redis-hang",
  "engine-restart",
  "engine-hang",
  "engine-slow",
  "engine-lost-answers",
  "engine-lost-events",
  "cut-coordinators",
  "cut-one-way",
  "cut-worker",
  "cut-redis",
  "cut-engine",
  "loss-burst",
  "disk-failing",
  "disk-slow",
] as const;

/** Of runs in one mood only. */
export const moodKinds = [
  "workers-crash",
  "coordinators-stall",
  "coordinators-change",
  "redis-far",
  "redis-late-job",
  "disk-lost",
] as const;

export type FaultKind = (typeof faultKinds)[number] | (typeof moodKinds)[number];
