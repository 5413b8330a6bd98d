// The agent as a process of its own: its environment, its signals and its log.

import type { Environment } from "../proto/config-parse.ts";
import { parseAgentConfig } from "./config.ts";
import { readSecretFile } from "./io/key-file.ts";
import { createLog } from "./io/log.ts";
import { keepHeapSmall } from "./io/small-heap.ts";
import { RunningAgent } from "./running-agent.ts";

/** Runs until SIGTERM or SIGINT. Resolves with the process's exit code: 0 stopped, 1 could not start, 2 a configuration that is not usable. */
export async function runAgent(env: Environment): Promise<number> {
  keepHeapSmall();
  const parsed = parseAgentConfig(env, readSecretFile);
  if (!parsed.ok) {
    const { problems } = parsed;
    createLog("info").error(`the configuration is not usable: ${problems.join("; ")}`, {
      problems,
    });
    return 2;
  }
  const { config } = parsed;
  const log = createLog(config.logLevel);
  const agent = new RunningAgent(config, { log });
  const stopAsked = new Promise<string>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  process.on("SIGHUP", () => {
    agent.reloadKeys();
  });
  process.on("SIGUSR2", () => {
    log.info("counters", { counters: agent.counters });
  });
  try {
    await agent.start();
  } catch (error) {
    const { message } = error as Error;
    const where = `AGENT_HOST=${config.host} AGENT_PORT=${config.port}`;
    log.error(`the agent cannot listen: ${message}; is ${where} free?`);
    return 1;
  }
  if (config.ring.insecure) log.warn("MESH_INSECURE=1: anybody can forge what this agent says");
  if (config.check.kind === "none" && config.watchedProcess === undefined) {
    log.warn("WORKER_CHECK is none: a PONG proves the agent only, not its worker");
  }
  const signal = await stopAsked;
  log.info("stopping", { signal });
  await agent.stop();
  return 0;
}
