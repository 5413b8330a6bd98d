// The stages of one try, the same by way of the queue and without it: act once, see life, watch it for a while.

import type { JobNews, RevivalJob } from "../core/job.ts";
import type { Clock } from "../../agent/io/clock.ts";
import type { LifeAwaited } from "../core/vigil.ts";
import type { Actor, LifeWatch } from "./ports.ts";

/** What an action left behind. */
export interface Acted {
  readonly containerId: string;
  /** Empty where it was killed, and Swarm starts another container. */
  readonly startedAt: string;
  /** For a person, where it is no start of a container. */
  readonly what?: string;
}

export type StageEnd =
  | { readonly kind: "recovered" }
  | { readonly kind: "superseded"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string; readonly isRunning: boolean }
  /** No try: the engine did not answer, the right to act ran out before anything was done, or what was done could not be seen from here. */
  | { readonly kind: "postponed"; readonly reason: string }
  /** The runner stops, or has lost the job: somebody else goes on. */
  | { readonly kind: "interrupted" };

export interface StagePorts {
  readonly actor: Actor;
  readonly lifeWatch: LifeWatch;
  readonly clock: Clock;
  readonly onNews: (news: JobNews) => void;
}

/**
 * Performs the action. `takenBefore`: a predecessor had the right to perform this very try and may have done so;
 * then a newer start of a running container is taken for its work, and nothing is done a second time.
 */
export async function performOnce(
  job: RevivalJob,
  ports: Pick<StagePorts, "actor">,
  mayAct: () => boolean,
  takenBefore: boolean,
): Promise<{ readonly kind: "acted"; readonly acted: Acted } | StageEnd> {
  const result = await ports.actor.perform(job, mayAct);
  switch (result.kind) {
    case "acted": {
      const { kind, ...acted } = result;
      return { kind, acted };
    }
    case "superseded": {
      const { found } = result;
      if (takenBefore && job.action === "kill" && found?.running === false) {
        return { kind: "acted", acted: { containerId: found.containerId, startedAt: "" } };
      }
      if (takenBefore && found !== undefined && isPredecessorsWork(job, found)) {
        return await completeWork(job, ports.actor, found, mayAct);
      }
      return { kind: "superseded", reason: result.reason };
    }
    case "engine-unavailable":
    case "lease-lost":
      return { kind: "postponed", reason: result.reason };
    case "failed":
      return { kind: "failed", reason: result.reason, isRunning: false };
  }
}

/** A predecessor may have been killed before agent and dependants followed; where they have, this does nothing. */
async function completeWork(
  job: RevivalJob,
  actor: Actor,
  { containerId, startedAt }: Acted,
  mayAct: () => boolean,
): Promise<{ readonly kind: "acted"; readonly acted: Acted } | StageEnd> {
  const target = { ...job.target, containerId, startedAt };
  const followed = await actor.perform({ ...job, action: "restart-dependants", target }, mayAct);
  // Taken for done, it would be judged by an agent that nobody has started.
  if (followed.kind === "engine-unavailable" || followed.kind === "lease-lost") {
    return { kind: "postponed", reason: followed.reason };
  }
  return { kind: "acted", acted: { containerId, startedAt } };
}

/** A start later than the one decided on, whether or not it still runs: verification finds out. A recreated container has another id. */
function isPredecessorsWork(
  job: RevivalJob,
  found: { readonly containerId: string; readonly startedAt: string },
): boolean {
  const sameId = found.containerId === job.target.containerId;
  if (!sameId && job.action !== "recreate") return false;
  return found.startedAt !== job.target.startedAt;
}

/** Whether and when it is started again is decided anew, by the rules for what people stop. */
const stoppedByHand: StageEnd = {
  kind: "superseded",
  reason: "it was revived, and stopped by somebody",
};

const unseen: StageEnd = {
  kind: "postponed",
  reason: "whoever looked does not hear it, which may be its own fault; another look follows",
};

/** Waits for the first proof of life and watches it; resolves early as `interrupted` when `interruption` does. */
export async function verifyLife(
  job: RevivalJob,
  acted: Acted,
  ports: StagePorts,
  interruption: Promise<void>,
): Promise<StageEnd> {
  const timeout = proofTime(job, acted);
  const seen = await seeLife(job, acted, { timeout, isSecondLook: false }, ports, interruption);
  switch (seen) {
    case "stopped":
      return stoppedByHand;
    case "timeout": {
      const reason = `no healthy answer within ${timeout / 1000} s of the action`;
      return { kind: "failed", reason, isRunning: true };
    }
    case "died": {
      const reason = "it ended before its first healthy answer";
      return { kind: "failed", reason, isRunning: false };
    }
    default:
      return seen;
  }
}

/** What answers at all answers a question that is put to it at once. */
const secondLook = { timeout: 1_000, isSecondLook: true };

/**
 * An earlier try left a start that ran without giving proof of life. It may have come to itself since, and is then not touched
 * again: so whoever is about to act on it looks first. Undefined where it is to be acted on.
 */
export async function lookAgain(
  job: RevivalJob,
  acted: Acted,
  ports: StagePorts,
  interruption: Promise<void>,
): Promise<StageEnd | undefined> {
  const seen = await seeLife(job, acted, secondLook, ports, interruption);
  return typeof seen === "string" ? undefined : seen;
}

/** One that is alive is watched. What it means that one is not depends on who looks. */
async function seeLife(
  job: RevivalJob,
  acted: Acted,
  { timeout, isSecondLook }: Pick<LifeAwaited, "timeout" | "isSecondLook">,
  ports: StagePorts,
  interruption: Promise<void>,
): Promise<StageEnd | "stopped" | "timeout" | "died"> {
  const life = await unlessInterrupted(
    ports.lifeWatch.awaitLife(job, acted, timeout, isSecondLook),
    interruption,
  );
  if (typeof life === "object") return life;
  switch (life) {
    case "alive":
      return await watchLife(job, ports, interruption);
    case "interrupted":
      return { kind: "interrupted" };
    case "blind":
      return unseen;
    default:
      return life;
  }
}

async function watchLife(
  job: RevivalJob,
  { lifeWatch, clock, onNews }: StagePorts,
  interruption: Promise<void>,
): Promise<StageEnd> {
  const { token, recovery, verifyWindow } = job;
  onNews({ kind: "verified", token, recovery, at: clock.wall() });
  const watched = await unlessInterrupted(lifeWatch.watchWindow(job, verifyWindow), interruption);
  if (typeof watched === "object") return watched;
  switch (watched) {
    case "steady":
      return { kind: "recovered" };
    case "interrupted":
      return { kind: "interrupted" };
    case "stopped":
      return stoppedByHand;
    case "died": {
      const reason = `it failed again within ${verifyWindow / 1000} s of its first healthy answer`;
      return { kind: "failed", reason, isRunning: false };
    }
  }
}

const unlessInterrupted = <Result>(
  result: Promise<Result>,
  interruption: Promise<void>,
): Promise<Result | "interrupted"> =>
  Promise.race([result, interruption.then(() => "interrupted" as const)]);

/** An agent answers within seconds of its start, or the worker itself is to be acted on next. */
const agentProof = 4_000;

function proofTime(job: RevivalJob, acted: Acted): number {
  // The worker runs since before the action: only its agent was acted on.
  const isAgents = job.action === "agent-then-worker" && acted.startedAt === job.target.startedAt;
  return isAgents ? Math.min(agentProof, job.verifyTimeout) : job.verifyTimeout;
}

/** The job as a later try must see it: what an earlier one started is what may be acted on now. */
export function followingTry(
  job: RevivalJob,
  acted: Acted & { readonly isRunning: boolean },
): RevivalJob {
  // Whatever stands in the place of a killed one now, it is not what was decided on: the action will find that out.
  if (job.action === "kill") return job;
  return {
    ...job,
    // A start that runs without answering is not helped by another start.
    action: job.action === "start" && acted.isRunning ? "restart" : job.action,
    target: { ...job.target, containerId: acted.containerId, startedAt: acted.startedAt },
  };
}
