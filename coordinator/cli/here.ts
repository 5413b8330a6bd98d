// What can be seen without any coordinator: the environment as a coordinator would read it, and what stands around this process.

import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { valueOf, type Environment } from "../../proto/config-parse.ts";
import { parseConfig, type CoordinatorConfig } from "../config.ts";
import { parseEngines } from "../docker/endpoints.ts";
import { symptom, type Symptom } from "../doctor/ailments.ts";
import { ofCount } from "../doctor/picture.ts";
import { ofSettings } from "../doctor/settings.ts";
import { ofSurroundings } from "../doctor/surroundings.ts";
import { parseRedisUrl } from "../io/redis-url.ts";
import { readText } from "./address.ts";

/** Where the coordinators of this environment's own configuration answer; none where there is no such. */
export function otherUrls(env: Environment): readonly string[] {
  const config = configOf(env);
  if (config === undefined) return [];
  return config.coordinators.map(({ name, host }) => config.http.urlOf(name, host));
}

/** Never rejects; takes about 4 s at most. */
export async function examineHere(env: Environment): Promise<readonly Symptom[]> {
  const isCoordinators = valueOf(env, "COORDINATORS") !== undefined;
  const config = configOf(env);
  const engines = config?.docker.engines ?? enginesOf(env);
  const around = await ofSurroundings({
    redis: redisOf(config?.redisUrl?.text ?? valueOf(env, "REDIS_URL")),
    engines,
    dataDir: config?.dataDir,
    members: config?.coordinators ?? [],
  });
  return [
    ...(isCoordinators ? ofEnvironment(env) : []),
    ...(config === undefined
      ? []
      : [...ofSettings(config), ...ofCount(config.coordinators.length)]),
    ...(config !== undefined && config.redisUrl === undefined ? ofPrivateRedis() : []),
    ...(config === undefined ? [] : await ofMeshPort(config.mesh.port)),
    ...around,
  ];
}

function configOf(env: Environment): CoordinatorConfig | undefined {
  const outcome = parseConfig(env, readText);
  return outcome.ok ? outcome.config : undefined;
}

function ofEnvironment(env: Environment): readonly Symptom[] {
  const outcome = parseConfig(env, readText);
  const nameOf = (text: string): string => /^[A-Z][A-Z_]+/.exec(text)?.[0] ?? "environment";
  return [
    ...(outcome.ok ? [] : outcome.problems).map((text) =>
      symptom("config-invalid", nameOf(text), `${text}.`),
    ),
    ...outcome.warnings.map((text) => symptom("config-warning", nameOf(text), `${text}.`)),
  ];
}

function enginesOf(env: Environment): CoordinatorConfig["docker"]["engines"] {
  const parsed = parseEngines({
    DOCKER_HOST: valueOf(env, "DOCKER_HOST"),
    DOCKER_WRITE_HOST: valueOf(env, "DOCKER_WRITE_HOST"),
    DOCKER_CERT_PATH: valueOf(env, "DOCKER_CERT_PATH"),
  });
  return parsed.ok ? parsed.value : [];
}

function redisOf(text: string | undefined) {
  const parsed = text === undefined ? undefined : parseRedisUrl(text);
  return parsed?.ok === true ? parsed.value : undefined;
}

function ofPrivateRedis(): readonly Symptom[] {
  const { error } = spawnSync("redis-server", ["--version"], { stdio: "ignore", timeout: 3_000 });
  if (error === undefined) return [];
  return [symptom("redis-missing", "redis-server", `redis-server: ${error.message}.`)];
}

/** What holds it may be a coordinator that does not answer. */
function ofMeshPort(port: number): Promise<readonly Symptom[]> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const text = `UDP port ${port} cannot be bound: ${error.message}.`;
      resolve([symptom("port-taken", `MESH_PORT ${port}`, text)]);
      socket.close();
    });
    socket.bind(port, () => {
      socket.close(() => {
        resolve([]);
      });
    });
  });
}
