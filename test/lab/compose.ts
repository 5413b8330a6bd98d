// Compose against a lab engine: `docker compose` where it is installed, else docker-compose 1.29.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { run, type LabEngine, type Ran } from "./engine.ts";

export interface ComposeProject {
  readonly engine: LabEngine;
  /** The project's name (`-p`). */
  readonly name: string;
  readonly files: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
}

let command: readonly string[] | undefined;

/** The words that begin a call of Compose on this machine. */
export function composeCommand(): readonly string[] {
  command ??=
    spawnSync("docker", ["compose", "version"]).status === 0
      ? ["docker", "compose"]
      : ["docker-compose"];
  return command;
}

/** Runs Compose to its end; never throws for its exit code. */
export function compose(project: ComposeProject, ...words: readonly string[]): Promise<Ran> {
  const [program = "", ...before] = composeCommand();
  const args = [
    ...before,
    ...["-p", project.name],
    ...project.files.flatMap((file) => ["-f", file]),
    ...(project.profiles ?? []).flatMap((profile) => ["--profile", profile]),
    ...words,
  ];
  return run(program, args, {
    env: {
      ...process.env,
      ...project.env,
      DOCKER_HOST: project.engine.host,
      DOCKER_CONFIG: path.join(project.engine.dir, "home"),
      // No BuildKit here: the engine has no buildx.
      DOCKER_BUILDKIT: "0",
      COMPOSE_DOCKER_CLI_BUILD: "0",
    },
  });
}
