// The stages of one try, the same by way of the queue and without it: act once, see life, watch it for a while.

import type { JobNews, RevivalJob } from "../core/job.ts";
import type { Clock } from "../../agent/io/clock.ts";
import type { Actor, LifeWatch } from "./ports.ts";

/** What an action left behind. */
export interface Acted {
  readonly containerId: string;
  readonly startedAt: string;
}

export type StageEnd =
  | { readonly kind: "recovered" }
  | { readonly kind: "superseded"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string; readonly isRunning: boolean }
  /** No try: the engine did not answer, or the right to act ran out before anything was done. */
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
    case "acted":
      return {
        kind: "acted",
        acted: { containerId: result.containerId, startedAt: result.startedAt },
      };
    case "superseded": {
      const { found } = result;
      if (takenBefore && found !== undefined && isPredecessorsWork(job, found)) {
        // It may have been killed before agent and dependants followed; where they have, this does nothing.
        const { containerId, startedAt } = found;
        const target = { ...job.target, containerId, startedAt };
        await ports.actor.perform({ ...job, action: "restart-dependants", target }, mayAct);
        return {
          kind: "acted",
          acted: { containerId: found.containerId, startedAt: found.startedAt },
        };
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

/** Waits for the first proof of life and watches it; resolves early as `interrupted` when `interruption` does. */
export async function verifyLife(
  job: RevivalJob,
  acted: Acted,
  ports: StagePorts,
  interruption: Promise<void>,
): Promise<StageEnd> {
  const interrupted = interruption.then(() => "interrupted" as const);
  const { token, recovery } = job;
  const patience = proofTime(job, acted);
  const life = await Promise.race([ports.lifeWatch.awaitLife(job, acted, patience), interrupted]);
  if (life === "interrupted") return { kind: "interrupted" };
  if (life === "timeout") {
    const reason = `no healthy answer within ${patience / 1000} s of the action`;
    return { kind: "failed", reason, isRunning: true };
  }
  if (life === "stopped") return stoppedByHand;
  if (life === "died") {
    const reason = "it ended before its first healthy answer";
    return { kind: "failed", reason, isRunning: false };
  }
  ports.onNews({ kind: "verified", token, recovery, at: ports.clock.wall() });
  const watched = await Promise.race([
    ports.lifeWatch.watchWindow(job, job.verifyWindow),
    interrupted,
  ]);
  if (watched === "interrupted") return { kind: "interrupted" };
  if (watched === "steady") return { kind: "recovered" };
  if (watched === "stopped") return stoppedByHand;
  const reason = `it failed again within ${job.verifyWindow / 1000} s of its first healthy answer`;
  return { kind: "failed", reason, isRunning: false };
}

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
  return {
    ...job,
    // A start that runs without answering is not helped by another start.
    action: job.action === "start" && acted.isRunning ? "restart" : job.action,
    target: { ...job.target, containerId: acted.containerId, startedAt: acted.startedAt },
  };
}
