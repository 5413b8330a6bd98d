// Where the demo runs: the Docker engine of this machine where one answers, else a real one of its own in a network namespace.

import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { composeCommand } from "../lab/compose.ts";
import { bridge, type Bridge } from "../lab/bridge.ts";
import { run, startEngine, type LabEngine, type Ran } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { ensureInstalled } from "../lab/requirements.ts";

export interface DemoEngine {
  /** One sentence for a person. */
  readonly what: string;
  /** For Compose: the engine's address, the socket that the coordinators mount, and images where no registry answers. */
  readonly env: Readonly<Record<string, string>>;
  docker(...args: readonly string[]): Promise<Ran>;
  compose(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran>;
  /** Where a port that a container publishes is reached from here. */
  reach(port: number): Promise<number>;
  stop(): Promise<void>;
}

export async function findEngine(): Promise<DemoEngine> {
  const answers = spawnSync("docker", ["info", "--format", "{{.Name}}"], { encoding: "utf8" });
  if (answers.status === 0 && answers.stdout.trim() !== "") {
    return ofThisMachine(answers.stdout.trim());
  }
  ensureInstalled(["engine", "redis", "haproxy", "compose"]);
  return await ofItsOwn(await startEngine({ name: "demo" }));
}

function ofThisMachine(name: string): DemoEngine {
  const host = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  const socket = host.startsWith("unix://") ? host.slice(7) : "/var/run/docker.sock";
  // Nobody else's network shall hear of a demonstration.
  const env = { DOCKER_SOCKET: socket, DOCKER_GID: groupOf(socket), PUBLIC_NAME: "" };
  return {
    what: `the Docker engine of this machine (${name})`,
    env,
    docker: (...args) => run("docker", args),
    compose: (args, more) => runCompose(args, { ...env, ...more }),
    reach: (port) => Promise.resolve(port),
    stop: () => Promise.resolve(),
  };
}

/** Its images are made, and `stop` ends it. */
export async function ofItsOwn(engine: LabEngine): Promise<DemoEngine> {
  const bridges: Bridge[] = [];
  const env = {
    DOCKER_HOST: engine.host,
    DOCKER_SOCKET: engine.socket,
    DOCKER_GID: groupOf(engine.socket),
    DOCKER_BUILDKIT: "0",
    COMPOSE_DOCKER_CLI_BUILD: "0",
    NODE_IMAGE: imageNames.node,
    REDIS_IMAGE: imageNames.redis,
    HAPROXY_IMAGE: imageNames.haproxy,
  };
  try {
    await ensureImages(engine, ["node", "redis", "haproxy"]);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return {
    what: "a Docker engine of its own, in a network namespace (none answers on this machine)",
    env,
    docker: (...args) => engine.docker(...args),
    compose: (args, more) => runCompose(args, { ...env, ...more }),
    reach: async (port) => {
      const made = await bridge(engine, port);
      bridges.push(made);
      return made.port;
    },
    stop: async () => {
      for (const one of bridges) await one.stop();
      await engine.stop();
    },
  };
}

function runCompose(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const [program = "", ...before] = composeCommand();
  return run(program, [...before, ...args], { env: { ...process.env, ...env } });
}

/** The group that may use the socket; root's where it cannot be asked (another machine's engine). */
function groupOf(socket: string): string {
  try {
    return String(statSync(socket).gid);
  } catch {
    return "0";
  }
}
