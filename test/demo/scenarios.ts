// The five ways in which the demo breaks something, and what it measures of each recovery.

import type { RecoveryView } from "../../proto/rest.ts";
import type { DemoProject } from "./project.ts";
import { Story } from "./story.ts";
import { pause } from "../waiting.ts";

export interface ScenarioResult {
  readonly name: string;
  /** From the fault to the leader's verdict, ms. */
  readonly detectedMs: number;
  /** From the fault until its container was acted on and ran again. */
  readonly runningMs: number;
  /** From the fault to the first proof of life. */
  readonly verifiedMs: number;
  readonly tries: number;
  readonly ok: boolean;
}

interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly service: string;
  /** Breaks it; resolves with the wall-clock instant of the fault. */
  readonly break: (project: DemoProject) => Promise<number>;
}

/** The worker's own process: not the container's init, and not this program. */
const findWorker = `
const fs = require("node:fs");
const own = fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
  .filter((name) => { try { const words = fs.readFileSync("/proc/" + name + "/cmdline", "utf8").split("\\0");
    return words[0].endsWith("node") && !words.includes("-e"); } catch { return false; } }).map(Number);
if (own.length === 0) throw new Error("no process of the worker's own");
`;
/** Said before it is done, for it may end this very program: the container goes with its process. */
const signal = (name: string): string =>
  `${findWorker} const at = Date.now() + 100; fs.writeSync(1, at + "\\n");
while (Date.now() < at); for (const pid of own) process.kill(pid, "${name}");`;
const breakHealth = `const at = Date.now();
fetch("http://127.0.0.1:8080/break", { method: "POST" }).then(() => console.log(at));`;

const scenarios: readonly Scenario[] = [
  {
    name: "crash",
    title: "web is killed (kill -9 of its process)",
    service: "web",
    break: (project) => project.inside("web", signal("SIGKILL")),
  },
  {
    name: "hang",
    title: "api hangs (SIGSTOP of its process; its agent lives)",
    service: "api",
    break: (project) => project.inside("api", signal("SIGSTOP")),
  },
  {
    name: "unhealthy",
    title: "shop answers 500 to its health check",
    service: "shop",
    break: (project) => project.inside("shop", breakHealth),
  },
  {
    name: "stop",
    title: "jobs is stopped by docker stop",
    service: "jobs",
    break: async (project) => {
      const id = await project.container("jobs");
      const at = Date.now();
      await project.engine.docker("stop", "-t", "1", id);
      return at;
    },
  },
  {
    name: "leader-killed",
    title: "web is killed, and the leader in the middle of its recovery",
    service: "web",
    break: killWithLeader,
  },
];

async function killWithLeader(project: DemoProject): Promise<number> {
  const { leader } = await project.status();
  const at = await project.inside("web", signal("SIGKILL"));
  await waitFor("a try to begin", 10_000, async () => {
    const recovery = await newRecovery(project, "web", at);
    return recovery !== undefined && recovery.tries.length > 0 ? true : undefined;
  });
  await project.inside(leader, signal("SIGKILL"));
  return at;
}

export async function runScenarios(
  project: DemoProject,
  say: (line: string) => void,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    say(`\n${scenario.title}`);
    results.push(await runScenario(project, scenario, say));
    await everythingHealthy(project, 60_000);
  }
  return results;
}

async function runScenario(
  project: DemoProject,
  scenario: Scenario,
  say: (line: string) => void,
): Promise<ScenarioResult> {
  const story = new Story(project, say);
  const breaking = scenario.break(project);
  const at = await breaking;
  story.begin(at);
  let recovery: RecoveryView | undefined;
  try {
    recovery = await waitFor(`${scenario.service} to recover`, 60_000, async () => {
      await story.tell();
      const found = await newRecovery(project, scenario.service, at);
      return found?.outcome === "recovered" ? found : undefined;
    });
  } catch (error) {
    say(`  ${String(error)}`);
  }
  await story.tell();
  const since = (moment: number | null | undefined): number =>
    typeof moment === "number" ? Math.round(moment - at) : -1;
  return {
    name: scenario.name,
    detectedMs: since(recovery?.detectedAtMs),
    runningMs: since(recovery?.verifyingAtMs),
    verifiedMs: since(recovery?.verifiedAtMs),
    tries: recovery?.tries.length ?? 0,
    ok: recovery?.outcome === "recovered",
  };
}

/** The newest recovery of a service's worker that was decided after the fault. */
async function newRecovery(
  project: DemoProject,
  service: string,
  at: number,
): Promise<RecoveryView | undefined> {
  const ofService = new RegExp(`[-_/]${service}[-_]1$`);
  const all = await project.recoveries();
  return all.find((one) => ofService.test(one.worker) && one.decidedAtMs >= at);
}

/** The API bounds the rate of one client; what is measured comes from the record, not from when it is read. */
const pollEvery = 250;

/** Everything that is watched is well, by a leader's word. */
export async function everythingHealthy(project: DemoProject, patience: number): Promise<void> {
  let unwell = "nothing answered yet";
  await waitFor(
    "everything to be healthy",
    patience,
    async () => {
      const [status, workers] = [await project.status(), await project.workers()];
      const sick = workers.filter((one) => one.verdict !== "healthy" || one.recovery !== null);
      unwell = sick.map((one) => `${one.id} ${one.verdict}: ${one.reason}`).join("; ");
      const isReady = status.leader !== "" && workers.length >= 9 && status.peers.length === 2;
      return isReady && sick.length === 0 ? true : undefined;
    },
    () => unwell,
  );
}

async function waitFor<Value>(
  what: string,
  patience: number,
  found: () => Promise<Value | undefined>,
  why: () => string = () => "",
): Promise<Value> {
  const end = Date.now() + patience;
  let trouble = "";
  while (Date.now() < end) {
    try {
      const value = await found();
      if (value !== undefined) return value;
      trouble = "";
    } catch (error) {
      // While the leader changes nobody answers for a moment.
      trouble = String(error);
    }
    await pause(pollEvery);
  }
  throw new Error(`waited ${patience / 1000} s in vain for ${what}. ${why()} ${trouble}`);
}
