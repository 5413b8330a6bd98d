// `npm run sim`: many seeds on all cores; what is violated is told with its seed, which replays it to the letter.
//
//   npm run sim -- --seeds 1000             seeds 1 to 1000
//   npm run sim -- --seed 4711              one seed, with its last events
//   npm run sim -- --minutes 5              virtual minutes under faults for each seed; 0.5 unless given
//   npm run sim -- --figures --seeds 20     what it measures, at several losses, instead of looking for faults
//   npm run sim -- --replay FILE            what `heartmesh record` wrote: the same decisions?
//   npm run sim -- --json                   one object last

import { parseArgs } from "node:util";
import { describeFigures, measureFigures, type Figures } from "./figures.ts";
import { runFleet } from "./fleet.ts";
import { runReplay } from "./replay.ts";
import { Tally } from "./tally.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args.some((one) => one.startsWith("--replay"))) {
    return await runReplay(args, { out: console.log, err: console.error });
  }
  const wish = parse(args);
  if (typeof wish === "string") {
    console.error(wish);
    return 2;
  }
  const { seed, seeds, minutes, workers, json } = wish;
  if (wish.figures) return await figures(wish);
  const tally = new Tally(minutes);
  await runFleet({
    from: seed ?? 1,
    count: seed === undefined ? seeds : 1,
    seconds: minutes * 60,
    mostWorkers: workers,
    within: Number.MAX_SAFE_INTEGER,
    override: {},
    isTold: seed !== undefined,
    onLine: (line) => {
      tally.add(line);
      if (seed !== undefined || line.result.violation !== undefined) console.log(tally.story(line));
    },
  });
  console.log(tally.summary());
  if (json) console.log(JSON.stringify(tally.json()));
  return tally.failed.length === 0 ? 0 : 1;
}

async function figures({ seeds, minutes, json }: Wish): Promise<number> {
  const begun = performance.now();
  const { rows, violations } = await measureFigures(seeds, minutes, (row) => {
    console.log(describeFigures(row));
  });
  if (violations.length > 0) console.log(`violated: seeds ${violations.join(" ")}`);
  if (json) {
    const by = <Value>(pick: (row: Figures) => Value): Record<string, Value> =>
      Object.fromEntries(rows.map((row) => [row.name, pick(row)]));
    console.log(
      JSON.stringify({
        seeds,
        minutes,
        violations: violations.length,
        firstSeed: violations[0] ?? null,
        failedSeeds: violations,
        seconds: (performance.now() - begun) / 1000,
        falseVerdicts: by(({ falseVerdicts, workerHours, upperBound }) => ({
          falseVerdicts,
          workerHours,
          upperBound,
        })),
        detectionMs: by(({ detectionMs }) => detectionMs),
        failoverMs: by(({ failoverMs }) => failoverMs),
      }),
    );
  }
  return violations.length === 0 ? 0 : 1;
}

interface Wish {
  readonly figures: boolean;
  readonly seed: number | undefined;
  readonly seeds: number;
  readonly minutes: number;
  readonly workers: number;
  readonly json: boolean;
}

function parse(args: readonly string[]): Wish | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        seeds: { type: "string", default: "100" },
        minutes: { type: "string", default: "0.5" },
        workers: { type: "string", default: "200" },
        json: { type: "boolean", default: false },
        figures: { type: "boolean", default: false },
      },
    });
    const seed = values.seed === undefined ? undefined : whole("--seed", values.seed, 0);
    const minutes = Number(values.minutes);
    if (!(minutes > 0)) return `--minutes ${values.minutes}: expected a number above 0`;
    const seeds = whole("--seeds", values.seeds, 1);
    const workers = whole("--workers", values.workers, 1);
    return { seed, seeds, minutes, workers, json: values.json, figures: values.figures };
  } catch (error) {
    return `${(error as Error).message}\nexpected: [--seeds N] [--seed S] [--minutes M] [--workers W] [--figures] [--json]`;
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(`${name} ${text}: expected a whole number of at least ${least}`);
  }
  return value;
}
