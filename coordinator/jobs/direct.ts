// Acting without Redis: the leader makes one try itself when a quorum says that the queue is unreachable. Same stages, same news.

import { exhausted, type JobNews, type RevivalJob } from "../core/job.ts";
import {
  followingTry,
  lookAgain,
  performOnce,
  verifyLife,
  type Acted,
  type StagePorts,
} from "./stages.ts";

/** What a direct try hands to the next one of the same recovery: the start that it may act on. */
export type DirectMemory = (Acted & { readonly isRunning: boolean }) | undefined;

export interface DirectAsk {
  readonly job: RevivalJob;
  /** From 1. */
  readonly tryNumber: number;
  /** What the previous try of this recovery returned. */
  readonly memory: DirectMemory;
  readonly runner: string;
  /** The leader's lease, and that we are not stopping; asked right before every call that changes something. */
  readonly mayAct: () => boolean;
  /** Resolves when the leader stops or loses its lease; the try then ends without a verdict of its own. */
  readonly interruption: Promise<void>;
  /** How long until the next try, were this one to fail: the core schedules it. */
  readonly nextTryIn: number;
}

/** Makes one try and tells of every stage; `exhausted` follows the failure of try `maxTries`. Tries that the engine prevented do not count. */
export async function runDirectly(ask: DirectAsk, ports: StagePorts): Promise<DirectMemory> {
  const { tryNumber, memory } = ask;
  const job = memory === undefined ? ask.job : followingTry(ask.job, memory);
  const { token, recovery } = job;
  const tell = (news: JobNews): void => {
    ports.onNews(news);
  };
  const at = (): number => ports.clock.wall();
  tell({ kind: "try-started", token, recovery, tryNumber, runner: ask.runner, at: at() });
  const seen =
    memory?.isRunning === true ? await lookAgain(job, memory, ports, ask.interruption) : undefined;
  let acted: Acted | undefined;
  let end = seen ?? (await performOnce(job, ports, ask.mayAct, false));
  if (end.kind === "acted") {
    acted = end.acted;
    tell({
      kind: "acted",
      token,
      recovery,
      at: at(),
      newContainerId: acted.containerId,
      newStartedAt: acted.startedAt,
      ...(acted.what === undefined ? {} : { what: acted.what }),
    });
    end = await verifyLife(job, acted, ports, ask.interruption);
  }
  switch (end.kind) {
    case "recovered":
      tell({ kind: "recovered", token, recovery, at: at() });
      return undefined;
    case "superseded":
      tell({ kind: "superseded", token, recovery, reason: end.reason, at: at() });
      return undefined;
    case "postponed":
    case "failed": {
      // Whoever has acted has used its try, also where it cannot see what came of it.
      const counts = end.kind === "failed" || acted !== undefined;
      const isLast = counts && tryNumber >= job.maxTries;
      const nextTryIn = isLast ? 0 : ask.nextTryIn;
      const { reason } = end;
      tell({ kind: "try-failed", token, recovery, tryNumber, reason, counts, nextTryIn, at: at() });
      if (isLast) tell(exhausted(job, tryNumber, reason, at()));
      if (acted === undefined) return memory;
      return { ...acted, isRunning: end.kind === "postponed" || end.isRunning };
    }
    case "interrupted":
      return acted === undefined ? memory : { ...acted, isRunning: true };
  }
}
