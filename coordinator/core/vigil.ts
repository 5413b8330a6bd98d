// Success is verified (design rule 10): waits for the first life of what was acted on, and watches it for its window.

import type { AgentHealth } from "../../proto/messages.ts";
import {
  after,
  earliest,
  instant,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../proto/units.ts";
import type { VerdictKind } from "./decision.ts";
import type { WorkerSpec } from "./worker.ts";

/**
 * `blind`: nothing was heard in time, which may be this coordinator's own fault; `died`: the very start that was waited for has
 * ended; `stopped`: and that was somebody's wish.
 */
export type LifeResult = "alive" | "timeout" | "blind" | "died" | "stopped";
export type WindowResult = "steady" | "died" | "stopped";

export type VigilOutput =
  | { readonly kind: "life-answered"; readonly id: number; readonly result: LifeResult }
  | { readonly kind: "window-closed"; readonly id: number; readonly result: WindowResult };

/** The question for the first life of what was acted on. */
export interface LifeAwaited {
  readonly id: number;
  readonly worker: WorkerId;
  /** Empty where any answer will do: only its agent was acted on. */
  readonly startedAt: string;
  readonly timeout: Duration;
  /** The action was long ago: whatever the worker says of itself now is said of that start. */
  readonly isSecondLook: boolean;
  /** `startedAt` is that of a container which was killed: any other one that stands for the worker is waited for. */
  readonly isSuccessor?: true;
}

interface Wait {
  readonly id: number;
  readonly worker: WorkerId;
  readonly startedAt: string;
  /** A check that began later is one of the new start. */
  readonly begun: Instant;
  readonly until: Instant;
  /** The worker runs as it did before: its agent alone was acted on. */
  readonly isAgents: boolean;
  readonly isSuccessor: boolean;
  /** When the others are asked what they hear; undefined once they were. */
  wondersAt: Instant | undefined;
  /** An answer that proves life came before the engine showed the new start. */
  proven: boolean;
}

/** What is heard of a worker here and elsewhere. */
export interface Eyes {
  /** Nothing was heard of it: the others are asked what they hear. */
  readonly wonder: (worker: WorkerId, now: Instant) => void;
  /** We do not hear it, and that may be our own fault: we abstain, or another coordinator hears it. */
  readonly isBlindTo: (worker: WorkerId, now: Instant) => boolean;
}

/** The others' answers, also where half of all datagrams are lost. */
const opinionTakes: Duration = 400;

interface Window {
  readonly id: number;
  readonly worker: WorkerId;
  until: Instant;
  /** What it ends with when its time has passed. */
  result: "steady" | "died";
}

/** How a worker failed that is watched: `died`, `stopped` by somebody, or `unwell`, of which the engine may tell that it was either. */
export type FailedHow = "died" | "stopped" | "unwell";

/** An engine that answers tells of a stop, and whose wish it was, within this of the first sign of it. */
const engineTells: Duration = 1_000;

/** Verdicts that end a window: the worker that was just revived has failed again. */
const deaths: ReadonlySet<VerdictKind> = new Set(["stopped", "unhealthy", "silent", "gone"]);
export const isDeath = (verdict: VerdictKind): boolean => deaths.has(verdict);

export class Vigil {
  readonly #waits = new Map<number, Wait>();
  readonly #windows = new Map<number, Window>();

  awaitLife(asked: LifeAwaited & Pick<Wait, "isAgents">, now: Instant): Instant {
    const { id, worker, startedAt, isAgents, timeout, isSecondLook, isSuccessor = false } = asked;
    const until = after(now, timeout);
    const begun = isSecondLook ? instant(-Infinity) : now;
    const wondersAt = after(until, -opinionTakes);
    this.#waits.set(id, {
      id,
      worker,
      startedAt,
      begun,
      until,
      isAgents,
      isSuccessor,
      wondersAt,
      proven: false,
    });
    return until;
  }

  openWindow(id: number, worker: WorkerId, window: Duration, now: Instant): void {
    this.#windows.set(id, { id, worker, until: after(now, window), result: "steady" });
  }

  /** Until when `worker` is to be asked quickly; undefined when nobody waits for it. */
  waitsFor(worker: WorkerId): Instant | undefined {
    let until: Instant | undefined;
    for (const wait of this.#waits.values()) {
      if (wait.worker === worker && (until === undefined || wait.until > until)) until = wait.until;
    }
    return until;
  }

  get isIdle(): boolean {
    return this.#waits.size === 0 && this.#windows.size === 0;
  }

  /** An answer to a question that was asked after the action. An agent's word counts where its check began after it, too. */
  onHealth(spec: WorkerSpec, health: AgentHealth, now: Instant): VigilOutput[] {
    return this.#prove(spec, (wait) => {
      switch (health.state) {
        case "healthy":
          return health.checkedAgo < now - wait.begun;
        case "unchecked":
          return true;
        case "starting":
        case "unhealthy":
          return wait.startedAt === "";
      }
    });
  }

  /** A check of the coordinators' own passed. */
  onCheckPassed(spec: WorkerSpec): VigilOutput[] {
    return this.#prove(spec, () => true);
  }

  /** The engine's picture of it changed. `isMute`: nothing of it was ever heard, and no container of its agent is known. */
  onSpec(spec: WorkerSpec, isMute: boolean): VigilOutput[] {
    return this.#prove(spec, (wait) => {
      // Its word for the worker proves nothing of an agent, and its word for an earlier start nothing of this one.
      const isOfAgent = wait.isAgents && spec.agent !== undefined;
      return !isOfAgent && isNewStart(spec, wait) && isProvenByEngine(spec, isMute);
    });
  }

  /** Ends at once where the engine says so, and soon where only those say so who ask the worker. */
  onVerdict(spec: WorkerSpec, verdict: VerdictKind, how: FailedHow, now: Instant): VigilOutput[] {
    if (!deaths.has(verdict)) return [];
    const outputs: VigilOutput[] = [];
    const result = how === "stopped" ? "stopped" : "died";
    for (const window of this.#windows.values()) {
      if (window.worker !== spec.id) continue;
      if (how === "unwell") {
        const until = after(now, engineTells);
        if (window.result === "steady" && until < window.until) window.until = until;
        window.result = "died";
        continue;
      }
      this.#windows.delete(window.id);
      outputs.push({ kind: "window-closed", id: window.id, result });
    }
    for (const wait of this.#waits.values()) {
      // That the killed one has died is what was asked for, and what becomes of its successors is Swarm's business.
      if (wait.worker !== spec.id || verdict !== "stopped" || wait.isSuccessor) continue;
      // The verdict may still be of the start before.
      const { container } = spec;
      if (container?.startedAt !== wait.startedAt || container.state === "running") continue;
      this.#waits.delete(wait.id);
      outputs.push({ kind: "life-answered", id: wait.id, result });
    }
    return outputs;
  }

  onTick(eyes: Eyes, now: Instant): VigilOutput[] {
    const outputs: VigilOutput[] = [];
    for (const wait of this.#waits.values()) {
      if (wait.wondersAt !== undefined && wait.wondersAt <= now) {
        wait.wondersAt = undefined;
        eyes.wonder(wait.worker, now);
      }
      if (wait.until > now) continue;
      this.#waits.delete(wait.id);
      const result = eyes.isBlindTo(wait.worker, now) ? "blind" : "timeout";
      outputs.push({ kind: "life-answered", id: wait.id, result });
    }
    for (const window of this.#windows.values()) {
      if (window.until > now) continue;
      this.#windows.delete(window.id);
      outputs.push({ kind: "window-closed", id: window.id, result: window.result });
    }
    return outputs;
  }

  nextDeadline(): Instant | undefined {
    let first: Instant | undefined;
    for (const { until, wondersAt } of this.#waits.values()) {
      first = earliest(first, wondersAt ?? until);
    }
    for (const { until } of this.#windows.values()) first = earliest(first, until);
    return first;
  }

  #prove(spec: WorkerSpec, proves: (wait: Wait) => boolean): VigilOutput[] {
    if (this.#waits.size === 0) return [];
    const outputs: VigilOutput[] = [];
    for (const wait of this.#waits.values()) {
      if (wait.worker !== spec.id) continue;
      wait.proven ||= proves(wait);
      if (!wait.proven || !isNewStart(spec, wait)) continue;
      this.#waits.delete(wait.id);
      outputs.push({ kind: "life-answered", id: wait.id, result: "alive" });
    }
    return outputs;
  }
}

/** The engine shows it running since that very start, or another container than the killed one. A worker without a container has only its answers. */
function isNewStart(
  { container }: WorkerSpec,
  { startedAt, isSuccessor }: Pick<Wait, "startedAt" | "isSuccessor">,
): boolean {
  if (isSuccessor) return container?.state === "running" && container.startedAt !== startedAt;
  if (startedAt === "" || container === undefined) return true;
  return container.state === "running" && container.startedAt === startedAt;
}

/** Where nothing can be asked, the engine's word is all there is: its health check, or that it runs. */
function isProvenByEngine({ container, probe }: WorkerSpec, isMute: boolean): boolean {
  if (container?.state !== "running") return false;
  if (container.health === "healthy") return true;
  return (probe.kind === "engine-only" || isMute) && container.health === "none";
}
