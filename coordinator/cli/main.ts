#!/usr/bin/env node
// Entry of `heartmesh`: the agent, the coordinator, what announces the public name, and the verbs that ask a coordinator.

import { valueOf } from "../../proto/config-parse.ts";
import { runCommandLine } from "./run.ts";
import type { Terminal } from "./terminal.ts";
import { cut } from "./width.ts";

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const argv = process.argv.slice(2);
process.exit(await run(argv[0]));

/** What runs for long is loaded only where it runs. */
async function run(verb: string | undefined): Promise<number> {
  const wantsHelp = argv.slice(1).some((word) => word === "--help" || word === "-h");
  switch (wantsHelp ? undefined : verb) {
    case "agent":
      return (await import("../../agent/main.ts")).runAgent(process.env);
    case "coordinator":
      return (await import("../main.ts")).runCoordinator(process.env);
    case "announce":
      return (await import("../announce/main.ts")).runAnnouncer(process.env);
    default:
      return runCommandLine(argv, process.env, theTerminal());
  }
}

function theTerminal(): Terminal {
  const { stdout, stderr } = process;
  const isPlain = valueOf(process.env, "NO_COLOR") !== undefined;
  const isDumb = valueOf(process.env, "TERM") === "dumb";
  return {
    out: (line) => stdout.write(`${line}\n`),
    err: (line) => stderr.write(`${line}\n`),
    raw: (bytes) => stdout.write(bytes),
    now: Date.now,
    // One that does not know its own width says 0.
    width: stdout.isTTY && stdout.columns > 0 ? stdout.columns : undefined,
    isColored: stdout.isTTY && !isPlain && !isDumb,
    note:
      stderr.isTTY && !isDumb
        ? (text) => {
            // One column is left, lest the terminal goes on to the next line.
            stderr.write(`\r\u001b[K${cut(text, Math.max(1, stderr.columns - 1))}`);
          }
        : undefined,
  };
}
