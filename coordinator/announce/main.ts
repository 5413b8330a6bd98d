// The announcer of the public name as a process: its environment, its signals and its log.

import { once } from "node:events";
import { pino } from "pino";
import type { Environment } from "../../proto/config-parse.ts";
import { keepAnnounced } from "./announcer.ts";
import { parseAnnouncerConfig } from "./config.ts";

/** Runs until SIGTERM or SIGINT. Resolves with the exit code: 0 stopped, 1 could not start or died, 2 a configuration that is not usable. */
export async function runAnnouncer(env: Environment): Promise<number> {
  const log = pino();
  const parsed = parseAnnouncerConfig(env);
  if (!parsed.ok) {
    for (const problem of parsed.problems) log.error({ code: "HM_CONFIG" }, problem);
    return 2;
  }
  const stopping = new AbortController();
  const stop = (signal: string): void => {
    log.info({ signal }, "stopping");
    stopping.abort();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const { label, port, addresses } = parsed.config;
  if (label === undefined) {
    log.info("PUBLIC_NAME is empty: nothing is announced");
    await untilAborted(stopping.signal);
    return 0;
  }
  try {
    await keepAnnounced({ label, port, addresses }, log, stopping.signal);
    return 0;
  } catch (error) {
    const advice =
      "UDP port 5353 must be shared: where avahi-daemon has it alone, disallow-other-stacks=no in its configuration lets others in";
    log.fatal({ err: error, advice }, "the name cannot be announced");
    return 1;
  }
}

/** A process that only waits for a signal would end. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => undefined, 86_400_000);
  await once(signal, "abort");
  clearInterval(alive);
}
