// Watches one process by /proc: its pid with its start time, so that a pid that was given to another process is not mistaken for it.

import path from "node:path";
import type { Duration, Instant } from "../../proto/units.ts";
import type { Clock } from "./clock.ts";
import { listPids, readProc, startOf } from "./proc.ts";

export interface ProcessWatchOptions {
  /** A pid file's path (it holds a `/`), a pid, or a process's name. */
  readonly target: string;
  readonly clock: Clock;
  /** `process`: `pid@start`, the start in clock ticks since boot. */
  readonly onAppeared: (process: string) => void;
  readonly onExited: (process: string, at: Instant) => void;
  readonly keepAlive?: boolean;
}

interface Seen {
  readonly pid: number;
  readonly start: string;
}

/** How often a living process is looked at: an obituary is at most this late. */
const pollAlive: Duration = 40;
/** How often one is looked for that is not there; a search by name reads all of /proc. */
const pollMissing: Duration = 200;

export class ProcessWatch {
  readonly #options: ProcessWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #seen: Seen | undefined;
  #running = false;

  constructor(options: ProcessWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#look();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    if (this.#seen !== undefined && startOf(this.#seen.pid) !== this.#seen.start) {
      const exited = describe(this.#seen);
      this.#seen = undefined;
      this.#options.onExited(exited, this.#options.clock.now());
    }
    if (this.#seen === undefined) {
      this.#seen = find(this.#options.target);
      if (this.#seen !== undefined) this.#options.onAppeared(describe(this.#seen));
    }
    if (!this.#running) return;
    this.#timer = setTimeout(this.#look, this.#seen === undefined ? pollMissing : pollAlive);
    if (this.#options.keepAlive === false) this.#timer.unref();
  };
}

const describe = ({ pid, start }: Seen): string => `${pid}@${start}`;

function find(target: string): Seen | undefined {
  if (/^\d+$/.test(target)) return seen(Number(target));
  if (target.includes("/")) return seen(pidOfFile(target));
  return findByName(target);
}

/** The oldest process of that name: a server's first process, not one of its children. Never the agent itself. */
function findByName(name: string): Seen | undefined {
  let oldest: Seen | undefined;
  for (const pid of listPids()) {
    if (pid === process.pid || !hasName(pid, name)) continue;
    const found = seen(pid);
    if (found === undefined) continue;
    if (oldest === undefined || Number(found.start) < Number(oldest.start)) oldest = found;
  }
  return oldest;
}

/** The kernel cuts a name to 15 letters; the first argument has it whole. */
function hasName(pid: number, name: string): boolean {
  const short = readProc(`/proc/${pid}/comm`)?.trimEnd();
  return (name.length <= 15 && short === name) || firstArgument(pid) === name;
}

function firstArgument(pid: number): string | undefined {
  const line = readProc(`/proc/${pid}/cmdline`);
  // Some servers write a title there: `nginx: master process`.
  const [first = ""] = line?.split("\0") ?? [];
  return path.basename(first.split(/[: ]/)[0] ?? "");
}

function pidOfFile(file: string): number {
  const text = readProc(file)?.trim() ?? "";
  return /^\d+$/.test(text) ? Number(text) : 0;
}

function seen(pid: number): Seen | undefined {
  const start = pid > 0 ? startOf(pid) : undefined;
  return start === undefined ? undefined : { pid, start };
}
