// The coordinator as a process: its environment, its signals and its log.

import { readFileSync } from "node:fs";
import { isCodedError } from "../proto/coded-error.ts";
import type { Environment } from "../proto/config-parse.ts";
import { describeConfig, parseConfig } from "./config.ts";
import { adviceOf } from "./errors.ts";
import { createLog } from "./io/log.ts";
import { RunningCoordinator } from "./running-coordinator.ts";

/** Runs until SIGTERM or SIGINT. Resolves with the exit code: 0 stopped, 1 could not start or died, 2 a configuration that is not usable. */
export async function runCoordinator(env: Environment): Promise<number> {
  const parsed = parseConfig(env, readText);
  if (!parsed.ok) {
    const log = createLog();
    for (const warning of parsed.warnings) log.warn(warning);
    for (const problem of parsed.problems) log.error({ code: "HM_CONFIG" }, problem);
    return 2;
  }
  const { config, warnings } = parsed;
  const log = createLog({ level: config.logLevel, base: { coordinator: config.id } });
  for (const warning of warnings) log.warn(warning);
  log.info({ config: describeConfig(config).split("\n") }, "effective configuration");
  const ended = new Promise<number>((resolve) => {
    const coordinator = new RunningCoordinator(config, log, () => {
      resolve(1);
    });
    const stop = (signal: string): void => {
      log.info({ signal }, "stopping");
      void coordinator.stop().then(() => {
        resolve(0);
      });
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
    coordinator.start().catch((error: unknown) => {
      const code = isCodedError(error) ? error.code : undefined;
      log.fatal({ err: error, code, advice: adviceOf(code) }, "the coordinator cannot start");
      void coordinator.stop().finally(() => {
        resolve(1);
      });
    });
  });
  return await ended;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
