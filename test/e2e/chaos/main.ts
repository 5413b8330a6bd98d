// `npm run chaos`: breaks a real mesh by a seeded schedule, and judges afterwards what it did.
//
//   npm run chaos -- --minutes 5 --seed 1    five minutes, at least 60 faults
//   npm run chaos -- --json                  one object last
//   npm run chaos -- --evidence FILE         what was gathered, to judge it again
//   npm run chaos -- --judge FILE            judges that again, without a run

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureInstalled, needs } from "../../lab/requirements.ts";
import type { Evidence } from "./evidence.ts";
import { judge } from "./laws.ts";
import { reportOf, tellReport } from "./report.ts";
import { runChaos } from "./run.ts";

process.exitCode = await main(process.argv.slice(2));

interface Wish {
  readonly minutes: number;
  readonly seed: number;
  readonly json: boolean;
  readonly evidence: string;
  readonly judge: string;
}

async function main(args: readonly string[]): Promise<number> {
  const wish = parse(args);
  if (typeof wish === "string") {
    console.error(wish);
    return 2;
  }
  if (wish.judge !== "") {
    return report(wish, JSON.parse(readFileSync(wish.judge, "utf8")) as Evidence);
  }
  ensureInstalled(["engine", "redis"]);
  const missing = needs("root", "engine", "redis");
  if (missing !== false) {
    console.error(`The chaos lab ${missing}.`);
    return 2;
  }
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      interrupted.abort();
    });
  }
  const { seed, minutes } = wish;
  const run = await runChaos({ seed, minutes, say: sayOf(wish), signal: interrupted.signal });
  if (run === undefined) {
    console.error("Interrupted; everything was taken down.");
    return 130;
  }
  // Instants that never came are written as null by JSON itself.
  if (wish.evidence !== "") writeFileSync(wish.evidence, JSON.stringify(run.evidence));
  const code = report(wish, run.evidence);
  if (code !== 0) console.error(run.logs);
  return code;
}

/** With --json, standard output holds the one object alone in its last line; words go to standard error. */
function sayOf({ json }: Wish): (line: string) => void {
  return (line) => (json ? process.stderr : process.stdout).write(`${line}\n`);
}

function report(wish: Wish, evidence: Evidence): number {
  const say = sayOf(wish);
  const violations = judge(evidence);
  const summary = reportOf({ evidence, violations }, wish);
  say(tellReport(summary, evidence.beganMs));
  if (violations.length > 0) {
    say(
      `npm run chaos -- --minutes ${wish.minutes} --seed ${wish.seed} plants the same faults at the same seconds; ` +
        "real processes take their own time, so that it may end otherwise.",
    );
  }
  if (wish.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  return violations.length === 0 ? 0 : 1;
}

function parse(args: readonly string[]): Wish | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "5" },
        seed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        evidence: { type: "string", default: "" },
        judge: { type: "string", default: "" },
      },
    });
    const minutes = Number(values.minutes);
    if (!(minutes >= 0.5 && minutes <= 600)) {
      return `--minutes ${values.minutes}: expected a number from 0.5 to 600`;
    }
    const seed = Number(values.seed);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      return `--seed ${values.seed}: expected a whole number of at least 0`;
    }
    return { ...values, minutes, seed };
  } catch (error) {
    return `${(error as Error).message}\nexpected: [--minutes N] [--seed S] [--json] [--evidence FILE] [--judge FILE]`;
  }
}
