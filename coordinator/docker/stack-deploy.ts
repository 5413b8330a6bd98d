// Deploys a stack file to a Swarm by the docker command line: the engine's API knows no stacks.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { SwarmStackService } from "../../proto/swarm-rest.ts";
import type { Duration } from "../../proto/units.ts";
import { coded } from "../errors.ts";
import type { VerbEngine } from "./swarm-verbs.ts";

export interface StackWish {
  readonly name: string;
  /** The file's text. */
  readonly stack: string;
  /** Services that the file does not name any more are removed. */
  readonly prune: boolean;
  readonly resolveImage: "always" | "changed" | "never";
  /** What docker puts into the file's values for `${NAME}`. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The docker command line refused the stack; the message is its own. */
export class StackRefused extends Error {}

interface Version {
  readonly id: string;
  readonly version: number;
  readonly image: string;
}

/** For images to be resolved, and all services to be taken. */
const patience: Duration = 60_000;
const outputBytes = 64 * 1024;

/** Rejects with `StackRefused`, or HM_DOCKER_MISSING. */
export async function deployStack(
  engine: VerbEngine,
  wish: StackWish,
): Promise<readonly SwarmStackService[]> {
  const before = await versionsOf(engine, wish.name);
  // Relative names in the file lead to nothing.
  const folder = await mkdtemp(path.join(tmpdir(), "heartmesh-stack-"));
  try {
    await runDocker(engine, wish, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const after = await versionsOf(engine, wish.name);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.map((service) => {
    const [old, now] = [before.get(service), after.get(service)];
    return { service, image: (now ?? old)?.image ?? "", outcome: outcomeOf(old, now) };
  });
}

function outcomeOf(
  old: Version | undefined,
  now: Version | undefined,
): SwarmStackService["outcome"] {
  if (now === undefined) return "removed";
  if (old === undefined || old.id !== now.id) return "created";
  return old.version === now.version ? "unchanged" : "updated";
}

async function versionsOf(
  engine: VerbEngine,
  stack: string,
): Promise<ReadonlyMap<string, Version>> {
  const filters = JSON.stringify({ label: [`com.docker.stack.namespace=${stack}`] });
  const call = { what: "list of services", path: "/services", query: { filters } };
  const services = (await engine.call(call)) as readonly {
    readonly ID: string;
    readonly Version?: { readonly Index?: number };
    readonly Spec?: {
      readonly Name?: string;
      readonly Labels?: Readonly<Record<string, string>>;
    };
  }[];
  return new Map(
    services.map(({ ID, Version: version, Spec }) => [
      Spec?.Name ?? "",
      {
        id: ID,
        version: version?.Index ?? 0,
        image: Spec?.Labels?.["com.docker.stack.image"] ?? "",
      },
    ]),
  );
}

function runDocker(engine: VerbEngine, wish: StackWish, folder: string): Promise<void> {
  const { name, stack, prune, resolveImage, variables } = wish;
  const words = ["stack", "deploy", "--compose-file", "-", "--resolve-image", resolveImage];
  const child = spawn("docker", [...words, ...(prune ? ["--prune"] : []), name], {
    cwd: folder,
    // Nothing of our own environment goes into the file's variables.
    env: { ...variables, PATH: process.env["PATH"], HOME: folder, ...engine.commandLine },
    timeout: patience,
    stdio: ["pipe", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-outputBytes);
  });
  // It may end before it has read all.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stack);
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") reject(error);
      else reject(coded("HM_DOCKER_MISSING", "a stack is deployed by the docker command line"));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else if (signal !== null) {
        const text = `docker stack deploy did not end within ${patience / 1000} s`;
        reject(coded("HM_ENGINE_UNAVAILABLE", `${engine.host}: ${text}`));
      } else reject(new StackRefused(complaint.trim().slice(-2000)));
    });
  });
}
