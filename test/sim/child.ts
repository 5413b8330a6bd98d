// The simulation as a process: gets its seeds as an argument, says one line of JSON for each.

import { setImmediate } from "node:timers";
import { optionsOf, type SimOptions } from "./options.ts";
import { planFaults, runSeed, type RunResult } from "./run-seed.ts";
import { playScenario } from "./scenario.ts";
import { runFigures, type FiguresRun } from "./run-figures.ts";
import type { PlannedFault } from "./faults.ts";

/** Instead of seeds: scenarios, each answered by a line with its text as it is played now. */
export interface ScenarioAsk {
  readonly scenarios: readonly string[];
}

/** One argument, as JSON. */
export interface ChildAsk {
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly mostWorkers: number;
  /** Real ms after which no further seed is begun. */
  readonly within: number;
  /** Over what the seed says. */
  readonly override: Partial<SimOptions>;
  /** A run under faults, or one that measures. */
  readonly kind?: "faults" | "figures";
  /** Whether each run's last lines are told, also where nothing was wrong. */
  readonly isTold: boolean;
  /** Each seed once, its faults as they are. */
  readonly isPlain?: boolean;
}

/** One line of output. */
export interface ChildLine {
  readonly result: RunResult;
  /** Of a run that measures; `result` is then of no run. */
  readonly figures: FiguresRun | undefined;
  /** Real ms. */
  readonly took: number;
  /** The processor's ms of it, on all its threads. */
  readonly cpu: number;
  readonly options: SimOptions | undefined;
  /** The faults that are left once all that are not needed for the violation were dropped. */
  readonly shrunk: readonly PlannedFault[] | undefined;
}

/** One seed in so many is run twice. */
const repeatEvery = 10;
/** Runs that shrinking may cost. */
const shrinkRuns = 60;

const asked = JSON.parse(process.argv[2] ?? "{}") as ChildAsk | ScenarioAsk;
const ask = asked as ChildAsk;
const begun = process.hrtime();

function elapsed(): number {
  const [seconds, nanos] = process.hrtime(begun);
  return seconds * 1000 + nanos / 1e6;
}

function runAll(): void {
  if ("scenarios" in asked) {
    for (const text of asked.scenarios) console.log(JSON.stringify(playScenario(text)));
    return;
  }
  for (const seed of ask.seeds) {
    if (elapsed() >= ask.within) break;
    console.log(JSON.stringify(ask.kind === "figures" ? measureOne(seed) : runOne(seed)));
  }
}

function measureOne(seed: number): Pick<ChildLine, "figures"> {
  return { figures: runFigures({ ...optionsOf(seed, ask), ...ask.override }) };
}

function runOne(seed: number): ChildLine {
  const options = { ...optionsOf(seed, ask), ...ask.override };
  const at = elapsed();
  const usage = process.cpuUsage();
  let result = runSeed(options);
  const took = elapsed() - at;
  const { user, system } = process.cpuUsage(usage);
  const isRepeated =
    ask.isPlain !== true && (seed % repeatEvery === 0 || result.violation !== undefined);
  const again = isRepeated ? runSeed(options) : result;
  if (again.hash !== result.hash) {
    result = {
      ...result,
      violation: `not the same twice: ${result.hash} and ${again.hash}; ${result.violation ?? ""}`,
    };
  }
  const hasFailed = result.violation !== undefined;
  const shrunk = hasFailed && ask.isPlain !== true ? shrink(options) : undefined;
  const isTold = hasFailed || ask.isTold;
  const last = shrunk === undefined ? result : runSeed(options, shrunk);
  return {
    figures: undefined,
    result: isTold ? { ...result, lines: last.lines } : { ...result, lines: [] },
    took,
    cpu: (user + system) / 1000,
    options: isTold ? options : undefined,
    shrunk,
  };
}

/** Drops one fault after the other, as long as something is still violated. */
function shrink(options: SimOptions): readonly PlannedFault[] {
  let kept = planFaults(options);
  let runs = 0;
  for (let index = kept.length - 1; index >= 0 && runs < shrinkRuns; index--) {
    const fewer = kept.filter((_, at) => at !== index);
    runs++;
    if (runSeed(options, fewer).violation !== undefined) kept = fewer;
  }
  return kept;
}

process.on("unhandledRejection", (reason) => {
  console.error(reason);
  process.exitCode = 3;
});
// Not from the module itself: it is evaluated inside a microtask, where no microtasks can be run.
setImmediate(runAll);
