// Small containers for tests on a lab engine.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { LabEngine } from "./engine.ts";
import { imageNames } from "./images.ts";

export interface ContainerWish {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `docker run --network`. */
  readonly network?: string;
  /** More options of `docker run`. */
  readonly options?: readonly string[];
  /** What it runs; by default something that ends at once on SIGTERM. */
  readonly command?: readonly string[];
}

/** A shell that answers SIGTERM at once, unlike a bare `sleep` as process 1. */
export const obedient = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"];

/** Starts one in the background, from busybox; its id. */
export async function runContainer(engine: LabEngine, wish: ContainerWish): Promise<string> {
  const labels = Object.entries(wish.labels ?? {}).flatMap(([key, value]) => [
    "--label",
    `${key}=${value}`,
  ]);
  const network = wish.network === undefined ? [] : ["--network", wish.network];
  const ran = await engine.docker(
    ...["run", "-d", "--name", wish.name, ...labels, ...network, ...(wish.options ?? [])],
    imageNames.worker,
    ...(wish.command ?? obedient),
  );
  if (ran.code !== 0) throw new Error(`docker run ${wish.name}: ${ran.stderr}`);
  return ran.stdout.trim();
}

/** The container's main process, seen from the machine. */
export async function pidOf(engine: LabEngine, container: string): Promise<number> {
  const ran = await engine.docker("inspect", "-f", "{{.State.Pid}}", container);
  const pid = Number(ran.stdout.trim());
  if (!(pid > 0)) throw new Error(`${container} has no process: ${ran.stderr}`);
  return pid;
}

/** Ends it as a crash does: without the engine's knowledge. */
export async function crash(engine: LabEngine, container: string): Promise<void> {
  process.kill(await pidOf(engine, container), "SIGKILL");
}

/** The same by the id, from the kernel alone: also while the engine does not answer. */
export function pidWithoutEngine(engine: LabEngine, id: string): number {
  const roots = ["", ...readdirSync(cgroups)].map((one) => path.join(cgroups, one, engine.netns));
  const lists = roots.map((root) => path.join(root, id, "cgroup.procs")).filter(existsSync);
  const pids = lists.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  const main = pids.find((pid) => pid !== "" && isFirstOfItsNamespace(pid));
  if (main === undefined) throw new Error(`container ${id.slice(0, 12)} has no process`);
  return Number(main);
}

const cgroups = "/sys/fs/cgroup";

function isFirstOfItsNamespace(pid: string): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    // Before it is the container's own program it is runc, with which the engine waits.
    const isOwn = /^NSpid:.*\t1$/m.test(status) && !/^Name:\s+runc/m.test(status);
    return isOwn && !/^State:\s+Z/m.test(status);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
