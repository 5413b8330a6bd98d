// What really was wrong with each worker, and for how long: from the faults that were planted and the engine's own log, without a word of heartmesh's. Pure.

import { bounds, type ChaosWorker, type Evidence, type PlantedFault } from "./evidence.ts";
import { endsAll } from "./faults.ts";

export interface Trouble {
  readonly worker: string;
  /** `agent`: the worker itself is well, and nothing may happen to it where its agent joins it. */
  readonly of: "worker" | "agent";
  readonly fromMs: number;
  /** Infinity where it never ended. */
  readonly toMs: number;
  readonly text: string;
}

export function troublesOf(evidence: Evidence): readonly Trouble[] {
  return evidence.workers.flatMap((worker) => [
    ...downTimes(evidence, worker, "worker"),
    ...(worker.agent === "" ? [] : downTimes(evidence, worker, "agent")),
    ...staleTimes(evidence, worker),
    ...evidence.faults.flatMap((fault) => struck(evidence, worker, fault)),
  ]);
}

const containerOf = (worker: ChaosWorker, of: Trouble["of"]): string =>
  of === "worker" ? worker.name : worker.agent;

/** From each death to the next start. */
function downTimes(evidence: Evidence, worker: ChaosWorker, of: Trouble["of"]): readonly Trouble[] {
  const found: Trouble[] = [];
  let downSince: number | undefined;
  for (const { action, atMs } of lifeOf(evidence, containerOf(worker, of))) {
    if (action === "die") downSince ??= atMs;
    else if (downSince !== undefined) {
      found.push(down(worker, of, downSince, atMs));
      downSince = undefined;
    }
  }
  return downSince === undefined ? found : [...found, down(worker, of, downSince, Infinity)];
}

function down(worker: ChaosWorker, of: Trouble["of"], fromMs: number, toMs: number): Trouble {
  const text = of === "worker" ? "it does not run" : "its agent does not run";
  return { worker: worker.name, of, fromMs, toMs, text };
}

/** Whoever joins a network namespace is cut off from the start of its owner until its own. */
function staleTimes(evidence: Evidence, worker: ChaosWorker): readonly Trouble[] {
  if (worker.agent === "") return [];
  const joins = worker.arrangement === "joins-worker";
  const [owner, of] = joins
    ? ([worker.name, "agent"] as const)
    : ([worker.agent, "worker"] as const);
  const guest = containerOf(worker, of);
  const startsOf = (container: string): readonly number[] =>
    lifeOf(evidence, container)
      .filter(({ action }) => action === "start")
      .map(({ atMs }) => atMs);
  const [, ...again] = startsOf(owner);
  return again.map((fromMs) => ({
    worker: worker.name,
    of,
    fromMs,
    toMs: startsOf(guest).find((at) => at > fromMs) ?? Infinity,
    text: `${guest} still holds the network namespace of the last run of ${owner}`,
  }));
}

/** What a fault does to a worker without ending a container; it ends with the process that it struck, if not before. */
function struck(evidence: Evidence, worker: ChaosWorker, fault: PlantedFault): readonly Trouble[] {
  if (fault.target !== worker.name || fault.skipped !== "") return [];
  const lasting = (of: Trouble["of"], text: string, container: string, most: number): Trouble => {
    const death = lifeOf(evidence, container).find(
      ({ action, atMs }) => action === "die" && atMs >= fault.atMs - bounds.clocks,
    );
    const toMs = Math.min(death?.atMs ?? Infinity, most);
    return { worker: worker.name, of, fromMs: fault.atMs, toMs, text };
  };
  const hangs = lasting("worker", "it hangs", worker.name, Infinity);
  const agentHangs = lasting("agent", "its agent hangs", worker.agent, Infinity);
  switch (fault.kind) {
    case "worker-hung":
      return [hangs];
    case "worker-ill":
      return [lasting("worker", "its check fails", worker.name, Infinity)];
    case "worker-silent":
      return [hangs, agentHangs];
    case "agent-hung":
      return [agentHangs];
    case "worker-cut": {
      const owner = worker.arrangement === "joins-agent" ? worker.agent : worker.name;
      return [lasting("worker", "no PING reaches it", owner, fault.untilMs)];
    }
    default:
      return [];
  }
}

interface LifeEntry {
  readonly action: "start" | "die";
  readonly atMs: number;
}

/** Starts and deaths of one container, oldest first. An engine that is killed tells of no death: the fault itself is one. */
function lifeOf({ engine, faults }: Evidence, container: string): readonly LifeEntry[] {
  const told = engine.flatMap(({ container: of, action, atMs }): readonly LifeEntry[] =>
    of === container && (action === "start" || action === "die") ? [{ action, atMs }] : [],
  );
  const untold = faults.flatMap(({ kind, skipped, atMs }): readonly LifeEntry[] =>
    endsAll(kind) && skipped === "" ? [{ action: "die", atMs }] : [],
  );
  return [...told, ...untold].sort((a, b) => a.atMs - b.atMs);
}
