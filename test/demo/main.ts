// `npm run demo`: brings the compose project up, breaks it in five ways, tells each recovery in words, and takes everything down.

import { parseArgs } from "node:util";
import { findEngine, type DemoEngine } from "./engine.ts";
import { DemoProject } from "./project.ts";
import { everythingHealthy, runScenarios, type ScenarioResult } from "./scenarios.ts";

const { values: options } = parseArgs({
  options: {
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** With --json, standard output holds the one object alone in its last line; words go to standard error. */
const say = (line: string): void => {
  (options.json ? process.stderr : process.stdout).write(`${line}\n`);
};

async function main(): Promise<boolean> {
  const engine = await findEngine();
  say(`Running on ${engine.what}.`);
  const project = new DemoProject(engine);
  const interrupted = new Promise<"interrupted">((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, () => {
        resolve("interrupted");
      });
    }
  });
  try {
    const results = await Promise.race([show(project), interrupted]);
    if (results === "interrupted") return false;
    const ok = results.every((one) => one.ok);
    report(results, ok);
    if (options.keep) await keep(project, interrupted);
    return ok;
  } catch (error) {
    if (!options.keep) throw error;
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    await keep(project, interrupted);
    return false;
  } finally {
    await takeDown(project, engine);
  }
}

async function show(project: DemoProject): Promise<readonly ScenarioResult[]> {
  say("Building the images and bringing the project up …");
  project.build();
  await project.up();
  await everythingHealthy(project, 120_000);
  const { leader, term } = await project.status();
  say(`Everything is healthy; ${leader} leads term ${term}.`);
  return await runScenarios(project, say);
}

function report(results: readonly ScenarioResult[], ok: boolean): void {
  say("\nscenario        detected    running   verified  tries");
  for (const one of results) {
    const times = [one.detectedMs, one.runningMs, one.verifiedMs].map((ms) =>
      (ms < 0 ? "–" : `${(ms / 1000).toFixed(2)} s`).padStart(9),
    );
    say(
      `${one.name.padEnd(14)} ${times.join("  ")}  ${String(one.tries).padStart(5)}  ${one.ok ? "" : "FAILED"}`,
    );
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, scenarios: results })}\n`);
}

async function keep(project: DemoProject, interrupted: Promise<unknown>): Promise<void> {
  say("\nIt goes on running until Ctrl-C:");
  for (const line of project.addresses) say(`  ${line}`);
  await interrupted;
}

async function takeDown(project: DemoProject, engine: DemoEngine): Promise<void> {
  say("Taking everything down …");
  await project.down();
  await engine.stop();
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: false, scenarios: [] })}\n`);
  process.exitCode = 1;
}
