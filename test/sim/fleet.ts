// Runs many seeds in processes of their own, on all cores, and gathers what they say.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { bundleSimulation, type Mutation } from "./bundle.ts";
import type { ChildAsk, ChildLine } from "./child.ts";
import type { Mood } from "./moods.ts";
import { optionsOf } from "./options.ts";

export interface FleetAsk extends Omit<ChildAsk, "seeds"> {
  readonly from: number;
  readonly count: number;
  /** Only seeds whose run is in this mood. */
  readonly mood?: Mood | undefined;
  readonly mutations?: readonly Mutation[];
  readonly cores?: number;
  readonly onLine: (line: ChildLine) => void;
  /** Ends all once it says true. */
  readonly isEnough?: () => boolean;
}

/** One seed in so many passes its messages as sealed bytes. */
const bytesEvery = 10;
const isBytes = (seed: number): boolean => seed % bytesEvery === 7;

/** Rejects where a child ends otherwise than by having run its seeds. */
export async function runFleet(ask: FleetAsk): Promise<void> {
  const cores = ask.cores ?? availableParallelism();
  const all = Array.from({ length: ask.count }, (_, index) => ask.from + index);
  const seeds = all.filter(
    (seed) => ask.mood === undefined || optionsOf(seed, ask).mood === ask.mood,
  );
  const kinds = [
    { messages: "objects", seeds: seeds.filter((seed) => !isBytes(seed)) },
    { messages: "bytes", seeds: seeds.filter(isBytes) },
  ] as const;
  for (const kind of kinds) {
    if (kind.seeds.length === 0) continue;
    const { mutations } = ask;
    const outfile = await bundleSimulation({ messages: kind.messages, mutations });
    const within = (ask.within * kind.seeds.length) / seeds.length;
    const shares = Array.from({ length: Math.min(cores, kind.seeds.length) }, (_, core) =>
      kind.seeds.filter((_seed, index) => index % cores === core),
    );
    try {
      await Promise.all(shares.map((share) => runChild(outfile, { ...ask, within, seeds: share })));
    } finally {
      rmSync(outfile, { force: true });
    }
  }
}

function runChild(file: string, ask: FleetAsk & ChildAsk): Promise<void> {
  const { seeds, seconds, mostWorkers, within, override, isTold, onLine, isEnough } = ask;
  const { kind = "faults", isPlain = false } = ask;
  const argument: ChildAsk = {
    ...{ kind, seeds, seconds, mostWorkers, within, override },
    ...{ isTold, isPlain },
  };
  const child = spawn(process.execPath, ["--enable-source-maps", file, JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let isEnded = false;
  createInterface({ input: child.stdout }).on("line", (text) => {
    if (isEnded) return;
    onLine(JSON.parse(text) as ChildLine);
    if (isEnough?.() !== true) return;
    isEnded = true;
    child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0 || isEnded) resolve();
      else reject(new Error(`the simulation's process ended with code ${code}`));
    });
  });
}
