// What a lab leaves behind when its owner was killed, and how it is recognised and removed: every name carries the
// owner's pid, and the directory says when that process was started, since pids come again.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Directories, namespaces and cgroups of a lab: `hm-lab-<pid>-<name>-<random>`. */
export const labPrefix = "hm-lab-";

const ownerFile = "owner";

const cgroups = "/sys/fs/cgroup";

/** When the process was started, in clock ticks since boot; undefined when there is none (a zombie counts as none). */
function startOf(pid: number): string | undefined {
  const fields = fieldsOf(`/proc/${String(pid)}/stat`);
  return fields[0] === "Z" ? undefined : fields[19];
}

/** From the state on; empty when there is no such process. */
function fieldsOf(stat: string): readonly string[] {
  const text = readOrNothing(stat);
  return text === "" ? [] : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** By SIGSTOP, which each thread obeys when it comes to it, or because it has ended. */
export function isStopped(pid: number): boolean {
  const tasks = `/proc/${String(pid)}/task`;
  return readdirOrNone(tasks).every((thread) =>
    ["T", "Z", undefined].includes(fieldsOf(path.join(tasks, thread, "stat"))[0]),
  );
}

export async function markOwner(dir: string): Promise<void> {
  await writeFile(path.join(dir, ownerFile), startOf(process.pid) ?? "");
}

export async function untilGone(pid: number, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  while (startOf(pid) !== undefined) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}

/**
 * What there is of this process's labs: directories, namespaces and cgroups by their names, programs of engines by
 * their pids. The tar files of the images, which stay for the length of the process, do not count.
 */
export function leftOf(pid: number): readonly string[] {
  const prefix = `${labPrefix}${String(pid)}-`;
  const controllers = readdirOrNone(cgroups).map((one) => path.join(cgroups, one));
  const names = [tmpdir(), "/var/run/netns", cgroups, ...controllers]
    .flatMap(readdirOrNone)
    .filter((name) => name.startsWith(prefix) && !name.includes("-images-"));
  return [...names, ...pidsNaming(prefix).map(String)];
}

let removed: Promise<void> | undefined;

/** Removes what crashed runs left behind, once a process; of living runs nothing is touched. */
export function removeLeftovers(): Promise<void> {
  removed ??= removeOnce();
  return removed;
}

async function removeOnce(): Promise<void> {
  const namespaces = readdirOrNone("/var/run/netns");
  const candidates = new Set([...readdirOrNone(tmpdir()), ...namespaces]);
  for (const name of candidates) {
    if (!name.startsWith(labPrefix)) continue;
    const dir = path.join(tmpdir(), name);
    if (await isOwned(dir, name)) continue;
    await sweepDirectory(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

async function isOwned(dir: string, name: string): Promise<boolean> {
  const pid = Number(name.slice(labPrefix.length).split("-")[0]);
  const start = startOf(pid);
  if (start === undefined) return false;
  const written = await readFile(path.join(dir, ownerFile), "utf8").catch(() => "");
  // Without a mark the owner is taken to live: it may be about to write it.
  return written === "" || written === start;
}

/** Ends what still runs for this lab, and removes its mounts, its namespace and the cables that lead there. The directory itself is left to the caller. */
export async function sweepDirectory(dir: string): Promise<void> {
  const name = path.basename(dir);
  await removeCgroup(name);
  await endEnginePrograms(dir);
  const hasNamespace = readdirOrNone("/var/run/netns").includes(name);
  if (hasNamespace) await endProgramsWithin(name);
  await removeCgroup(name);
  for (const mount of mountsUnder(dir)) spawnSync("umount", ["--lazy", mount]);
  // Its end of a cable to another namespace goes with it, and so the other end.
  if (hasNamespace) spawnSync("ip", ["netns", "del", name]);
}

/** Whatever else was started inside the namespace: a program's own children outlive it, and would keep the namespace. */
async function endProgramsWithin(namespace: string): Promise<void> {
  const pids = pidsWithin(namespace);
  pids.forEach(killQuietly);
  for (const pid of pids) await untilGone(pid, 3_000);
}

function pidsWithin(namespace: string): number[] {
  const listed = spawnSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
  return listed.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

/** Every process of a lab's engine: its own programs and what was started beside it by the namespace, its containers by the cgroup. */
export function processesOf(name: string): readonly number[] {
  return [...pidsWithin(name), ...cgroupsOf(name).flatMap(pidsIn)];
}

/** Engine, containerd and shims of this lab: recognised by the directory in their own command line. */
export async function endEnginePrograms(dir: string): Promise<void> {
  const pids = pidsNaming(dir);
  pids.forEach(killQuietly);
  for (const pid of pids) await untilGone(pid, 3_000);
}

/** Kills every process below the lab's cgroup (its containers), then removes the cgroup. */
export async function removeCgroup(name: string): Promise<void> {
  const roots = cgroupsOf(name);
  for (const root of roots) {
    for (let round = 0; round < 50; round++) {
      const pids = pidsIn(root);
      if (pids.length === 0) break;
      pids.forEach(killQuietly);
      await sleep(20);
    }
  }
  for (const root of roots) await removeTree(root);
}

function cgroupsOf(name: string): readonly string[] {
  return ["", ...readdirOrNone(cgroups)].map((controller) => path.join(cgroups, controller, name));
}

function pidsIn(folder: string): number[] {
  const own = readOrNothing(path.join(folder, "cgroup.procs"))
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  return [...own, ...foldersIn(folder).flatMap((child) => pidsIn(path.join(folder, child)))];
}

/** Deepest first; a cgroup's files go with it. */
async function removeTree(folder: string): Promise<void> {
  for (const child of foldersIn(folder)) await removeTree(path.join(folder, child));
  await rmdir(folder).catch(() => undefined);
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function pidsNaming(text: string): number[] {
  return readdirOrNone("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => isEngineProgram(name))
    .filter((name) => readOrNothing(`/proc/${name}/cmdline`).includes(text))
    .map(Number);
}

/** Only these are ever ended by their command line; an editor that shows a log of the lab is left alone. */
function isEngineProgram(pid: string): boolean {
  try {
    const program = path.basename(readlinkSync(`/proc/${pid}/exe`));
    return ["dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2"].includes(
      program.replace(/ \(deleted\)$/, ""),
    );
  } catch {
    return false;
  }
}

function mountsUnder(dir: string): string[] {
  return readOrNothing("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((mount) => mount === dir || mount.startsWith(`${dir}/`))
    .reverse();
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone.
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

function readdirOrNone(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
