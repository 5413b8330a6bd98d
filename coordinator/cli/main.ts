#!/usr/bin/env node
// Entry of `heartmesh`: the agent, the coordinator, what announces the public name, and the verbs that ask a coordinator.

import { runCommandLine } from "./run.ts";

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const argv = process.argv.slice(2);
process.exit(await run(argv[0]));

/** What runs for long is loaded only where it runs. */
async function run(verb: string | undefined): Promise<number> {
  switch (verb) {
    case "agent":
      return (await import("../../agent/main.ts")).runAgent(process.env);
    case "coordinator":
      return (await import("../main.ts")).runCoordinator(process.env);
    case "announce":
      return (await import("../announce/main.ts")).runAnnouncer(process.env);
    default:
      return runCommandLine(argv, process.env, {
        out: (line) => process.stdout.write(`${line}\n`),
        err: (line) => process.stderr.write(`${line}\n`),
        raw: (bytes) => process.stdout.write(bytes),
        now: Date.now,
      });
  }
}
