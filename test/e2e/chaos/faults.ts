// The faults that the chaos lab knows: whom each strikes, how long it lasts, and how often it comes.

export type FaultKind = keyof typeof faultTable;

/** Whom a kind strikes. A worker's agent is struck under its worker's name. */
export type Victim =
  "worker" | "worker-with-agent" | "coordinator" | "link" | "pair" | "network" | "redis" | "engine";

interface FaultRow {
  readonly strikes: Victim;
  /** Shortest and longest, ms; zeros where it is over at once. */
  readonly lasts: readonly [number, number];
  /** How often it lies in a deck of cards that is dealt to its end before the next one begins. */
  readonly cards: number;
  /** For a person. */
  readonly text: string;
}

/** Over at once, or never by itself: what hangs goes on hanging until somebody ends it. */
const atOnce = [0, 0] as const;

export const faultTable = {
  "worker-killed": row("worker", atOnce, 3, "its process is killed (SIGKILL)"),
  "worker-hung": row("worker", atOnce, 2, "its process hangs (SIGSTOP)"),
  "worker-ill": row("worker", atOnce, 1, "its check fails from now on"),
  "worker-stopped": row("worker", atOnce, 1, "somebody stops it (docker stop)"),
  "worker-killed-by-hand": row("worker", atOnce, 1, "somebody kills it (docker kill)"),
  "worker-paused": row("worker", [300, 700], 1, "its process stands still for a moment"),
  "worker-silent": row("worker-with-agent", atOnce, 1, "it and its agent hang (SIGSTOP)"),
  "worker-cut": row("worker-with-agent", [3_000, 9_000], 1, "no PING reaches it"),
  "worker-half-cut": row("worker-with-agent", [4_000, 9_000], 1, "one coordinator cannot reach it"),
  "agent-killed": row("worker-with-agent", atOnce, 1, "its agent is killed (SIGKILL)"),
  "agent-hung": row("worker-with-agent", atOnce, 1, "its agent hangs (SIGSTOP)"),
  "coordinator-killed": row("coordinator", [500, 5_000], 2, "killed (SIGKILL), and started again"),
  "coordinator-frozen": row("coordinator", [1_500, 8_000], 2, "frozen for longer than its lease"),
  "coordinator-cut": row("coordinator", [2_000, 7_000], 1, "cut off from everybody"),
  "coordinator-mute": row("coordinator", [2_000, 7_000], 1, "hears, and is not heard"),
  "coordinator-deaf": row("coordinator", [2_000, 7_000], 1, "is heard, and does not hear"),
  "link-cut": row("link", [3_000, 8_000], 1, "two that do not hear each other"),
  "quorum-killed": row("pair", [1_500, 4_000], 1, "two at once are killed, and started again"),
  loss: row("network", [6_000, 12_000], 1, "30 % of all datagrams are lost"),
  "redis-killed": row("redis", [500, 6_000], 1, "killed (SIGKILL), and started again"),
  "redis-frozen": row("redis", [1_000, 6_000], 1, "frozen (SIGSTOP)"),
  "engine-restarted": row("engine", atOnce, 1, "restarted, and every container stopped with it"),
  "engine-lost-power": row("engine", atOnce, 1, "it and every container killed, and started again"),
  "engine-frozen": row("engine", [2_000, 8_000], 1, "frozen (SIGSTOP)"),
} as const;

export const faultKinds = Object.keys(faultTable) as readonly FaultKind[];

/** Whether every container ends with it. */
export const endsAll = (kind: FaultKind): boolean =>
  kind === "engine-restarted" || kind === "engine-lost-power";

export const lossProbability = 0.3;

function row(
  strikes: Victim,
  lasts: readonly [number, number],
  cards: number,
  text: string,
): FaultRow {
  return { strikes, lasts, cards, text };
}
