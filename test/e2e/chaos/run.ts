// One run of the chaos lab: brings the mesh up, plants the schedule, heals, waits for all to be well, gathers and judges.

import { setTimeout as sleep } from "node:timers/promises";
import { bounds, type Evidence, type PlantedFault } from "./evidence.ts";
import { faultTable } from "./faults.ts";
import { gatherEvents, gatherJobs, gatherRecoveries } from "./gather.ts";
import { judge, type Violation } from "./laws.ts";
import { chaosWorkers, ChaosMesh } from "./mesh.ts";
import { Planter } from "./planter.ts";
import { buildSchedule, type ScheduledFault } from "./schedule.ts";

export interface ChaosWish {
  readonly seed: number;
  readonly minutes: number;
  readonly say: (line: string) => void;
  /** Ends the run early: nothing is judged then. */
  readonly signal?: AbortSignal;
}

export interface ChaosRun {
  readonly evidence: Evidence;
  readonly violations: readonly Violation[];
  /** The ends of the coordinators' logs, where something was violated. */
  readonly logs: string;
}

/** A silence is found within about two seconds, and its recovery may wait for an agent's turn. */
const noticed = 5_000;
/** What is still to be written down when the last worker is well. */
const lastWords = 3_000;

/** Undefined where it was aborted. Leaves nothing behind either way. */
export async function runChaos(wish: ChaosWish): Promise<ChaosRun | undefined> {
  wish.say("Starting an engine, three coordinators with their Redis, and ten workers …");
  const mesh = await ChaosMesh.start();
  const planter = new Planter(mesh);
  try {
    const aborted = new Promise<undefined>((resolve) => {
      if (wish.signal?.aborted === true) resolve(undefined);
      wish.signal?.addEventListener("abort", () => {
        resolve(undefined);
      });
    });
    return await Promise.race([breakAndJudge(mesh, planter, wish), aborted]);
  } finally {
    planter.stopWatching();
    await mesh.stop();
  }
}

async function breakAndJudge(
  mesh: ChaosMesh,
  planter: Planter,
  wish: ChaosWish,
): Promise<ChaosRun> {
  const schedule = buildSchedule({
    seed: wish.seed,
    seconds: wish.minutes * 60,
    workers: chaosWorkers.map(({ name }) => name),
    withAgent: chaosWorkers.filter(({ agent }) => agent !== "").map(({ name }) => name),
    coordinators: mesh.trio.ids,
  });
  wish.say(`All is well. Seed ${wish.seed}: ${schedule.length} faults in ${wish.minutes} minutes.`);
  const beganMs = Date.now();
  const faults = await plantAll(planter, schedule, wish);
  const healedMs = Date.now();
  wish.say(`Nothing is broken any more; waiting until all is well …`);
  // What was struck last is not known to be down before that.
  await sleep(noticed);
  const unwell = await mesh.untilAllWell(bounds.allWell);
  await sleep(lastWords);
  const evidence: Evidence = {
    workers: chaosWorkers,
    beganMs,
    healedMs,
    endedMs: Date.now(),
    faults,
    engine: mesh.log.entries,
    events: await gatherEvents(mesh.trio),
    recoveries: await gatherRecoveries(mesh.trio),
    jobs: await gatherJobs(mesh.trio),
    unwell,
    surprises: planter.surprises,
  };
  const violations = judge(evidence);
  return { evidence, violations, logs: violations.length === 0 ? "" : mesh.trio.logs() };
}

/** Each at its time, whether or not those before it are over. */
async function plantAll(
  planter: Planter,
  schedule: readonly ScheduledFault[],
  wish: ChaosWish,
): Promise<readonly PlantedFault[]> {
  const begun = performance.now();
  const planting: Promise<PlantedFault>[] = [];
  for (const fault of schedule) {
    if (wish.signal?.aborted === true) break;
    await sleep(Math.max(0, fault.atMs - (performance.now() - begun)));
    planting.push(plantOne(planter, fault, wish.say));
  }
  const left = wish.minutes * 60_000 - (performance.now() - begun);
  await sleep(Math.max(0, left));
  return await Promise.all(planting);
}

async function plantOne(
  planter: Planter,
  fault: ScheduledFault,
  say: (line: string) => void,
): Promise<PlantedFault> {
  const { number, kind, forMs } = fault;
  const second = `${(fault.atMs / 1000).toFixed(1).padStart(6)} s`;
  const atMs = Date.now();
  try {
    const { target, undo } = await planter.plant(fault);
    const plantedMs = Date.now();
    const length = forMs === 0 ? "" : ` for ${(forMs / 1000).toFixed(1)} s`;
    say(`${second}  ${kind.padEnd(22)} ${target.padEnd(8)} ${faultTable[kind].text}${length}`);
    await sleep(forMs);
    await undo();
    return { number, kind, target, atMs, plantedMs, untilMs: Date.now(), skipped: "" };
  } catch (error) {
    const skipped = error instanceof Error ? error.message : String(error);
    say(`${second}  ${kind.padEnd(22)} ${fault.target.padEnd(8)} not planted: ${skipped}`);
    const now = Date.now();
    return { number, kind, target: fault.target, atMs, plantedMs: now, untilMs: now, skipped };
  }
}
