// How many PING round trips can one coordinator's mesh thread make a second, over a bare dgram echo in the same run?
//
// The coordinator is the whole real one (socket, seal, codec, driver, core), asking two thousand workers faster than it can; one process
// with seal and codec answers for them all. The bare echo bounces 64 datagrams between two sockets. Two processes each time.

import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { summarize, type BenchResult } from "./report.ts";

const child = fileURLToPath(new URL("pings-child.ts", import.meta.url));

interface Measured {
  readonly roundTrips: number;
  readonly ms: number;
}

export async function benchPings(seconds: number): Promise<BenchResult> {
  const ratios: number[] = [];
  for (let round = 0; round < 3; round++) {
    const bare = await measure("echo", "bounce", seconds);
    const ours = await measure("agent", "coordinator", seconds);
    ratios.push(rate(ours) / rate(bare));
  }
  return summarize("ping-ratio", ratios, "×", { atLeast: 0.5 });
}

const rate = ({ roundTrips, ms }: Measured): number => roundTrips / ms;

/** Starts the answering side, then the asking one against its port. */
async function measure(answers: string, asks: string, seconds: number): Promise<Measured> {
  const server = start(answers, []);
  try {
    const port = (await message(server)) as number;
    const client = start(asks, [String(port), String(seconds)]);
    try {
      return (await message(client)) as Measured;
    } finally {
      client.kill();
    }
  } finally {
    server.kill();
  }
}

const start = (mode: string, words: readonly string[]): ChildProcess =>
  fork(child, [mode, ...words], { execArgv: ["--import", "tsx"] });

const message = (from: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    from.once("message", resolve);
    from.once("exit", (code) => {
      reject(new Error(`it ended with ${String(code)}`));
    });
  });
