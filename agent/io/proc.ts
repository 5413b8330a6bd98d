// Processes by /proc: a pid with its start time, so that a pid that was given to another process is not mistaken for it.

import { readdirSync, readFileSync } from "node:fs";

/** Start time in ticks since boot; undefined once the process is gone, or a zombie that nobody has reaped yet. */
export function startOf(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name stands in brackets and may hold anything: the fields begin behind the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

export function listPids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether the process runs in this container, by its cgroup: true of no process of another pid namespace that happens to have that pid. */
export const isInContainer = (pid: number, containerId: string): boolean =>
  readProc(`/proc/${pid}/cgroup`)?.includes(containerId) ?? false;

/** Whether this process may send signals to that one. */
export function maySignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where the file, or its process, is gone. */
export function readProc(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
