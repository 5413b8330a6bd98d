// Simulated runs with flight recorders, and the replay of what they recorded from every one of its segments; one line of JSON for each seed.

import { writeFileSync } from "node:fs";
import { setImmediate } from "node:timers";
import { deflateRawSync } from "node:zlib";
import { recordingFile } from "../../coordinator/io/recording.ts";
import { collected, type Collected } from "./collected.ts";
import { optionsOf } from "./options.ts";
import { replay, type Replay } from "./replay-run.ts";
import { runSeed } from "./run-seed.ts";

export interface RecordedAsk {
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** Where the recording with most decisions goes. */
  readonly saveTo?: string;
}

export interface RecordedLine {
  readonly seed: number;
  readonly violation: string | undefined;
  /** Replays, one from each begin of a segment; of those, from a checkpoint. */
  readonly replays: number;
  readonly checkpoints: number;
  readonly steps: number;
  readonly decisions: number;
  /** In words; those that differed from what was recorded. */
  readonly differences: readonly string[];
}

/** Of each life so many segments are replayed to its end. */
const segmentsReplayed = 4;

const { seeds, seconds, saveTo } = JSON.parse(process.argv[2] ?? "{}") as RecordedAsk;
let best: Replay | undefined;

function runOne(seed: number): RecordedLine {
  collected.length = 0;
  const { violation } = runSeed(optionsOf(seed, { seconds, mostWorkers: 20 }));
  const all = collected.flatMap(replaysOf);
  return {
    seed,
    violation,
    replays: all.length,
    checkpoints: all.filter(({ from }) => from === "checkpoint").length,
    steps: sum(all.map(({ steps }) => steps)),
    decisions: sum(all.map(({ decisions }) => decisions)),
    differences: all.flatMap(differencesOf),
  };
}

/** From several begins of segments, the first of them its start. */
function replaysOf({ id, blocks, flush }: Collected): readonly Replay[] {
  flush();
  const deflated = blocks.map(({ bytes }) => deflateRawSync(bytes));
  const begins = blocks.flatMap(({ kind }, at) => (kind === "begin" ? [at] : []));
  const every = Math.max(1, Math.ceil(begins.length / segmentsReplayed));
  const header = { id, cluster: "sim", node: process.version, recordedAt: 0 };
  const chosen = begins.filter((_, at) => at % every === 0);
  return chosen.map((begin) => {
    const file = recordingFile(header, deflated.slice(begin));
    const told = replay(file);
    keepIfBest(told, file);
    return told;
  });
}

/** The one with most decisions is the most telling. */
function keepIfBest(told: Replay, file: Buffer): void {
  if (saveTo === undefined || told.decisions <= (best?.decisions ?? 0)) return;
  best = told;
  writeFileSync(saveTo, file);
}

function differencesOf({ id, difference, datagramsDifferFrom }: Replay): readonly string[] {
  if (difference !== undefined) return [`${id}: ${JSON.stringify(difference)}`];
  return datagramsDifferFrom === undefined ? [] : [`${id}: other datagrams`];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

setImmediate(() => {
  for (const seed of seeds) console.log(JSON.stringify(runOne(seed)));
});
