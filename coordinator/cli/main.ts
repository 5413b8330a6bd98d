#!/usr/bin/env node
// Entry of `heartmesh`: the agent, the coordinator, and the verbs that ask a coordinator.

import { runCommandLine } from "./run.ts";

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.exit(
  await runCommandLine(process.argv.slice(2), process.env, {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
  }),
);
